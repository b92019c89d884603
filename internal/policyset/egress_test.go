package policyset

import (
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/golden"
)

func TestGoldenEgress(t *testing.T) {
	for file, o := range map[string]Options{
		"egress":                 example(restricted),
		"egress.nothing-derived": example(func(o *Options) { o.Egress = true }),
	} {
		t.Run(file, func(t *testing.T) {
			set := slices.DeleteFunc(build(t, o), func(p Policy) bool { return p.Role != EgressAccess && p.Role != EgressDefaultDeny })
			for _, p := range set {
				mustBeValid(t, p)
			}
			got, err := YAML(set)
			if err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, filepath.Join("testdata", file+".yaml"), got)
		})
	}
}

// What is applied before the default denies denies nothing, and those of ingress and egress come last.
func TestEgressComesInOrder(t *testing.T) {
	got := names(build(t, example(restricted, allow(Pods, "role=backend"))))
	for i, name := range got {
		got[i], _, _ = strings.Cut(strings.TrimPrefix(name, "cluster-example-"), ".")
	}
	want := []string{
		"internal-access", "postgres-access-role-backend", "egress-peers", "egress-api-server", "egress-dns", "egress-names",
		"egress-object-store-s3-example-com", "egress-external-old", "egress-cidr-192-0-2-0-24-443", "egress-fqdn-example-org",
		"egress-pods-storage-app-in-ceph-minio", "default-deny", "default-deny-egress",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// A set without names needs no DNS proxy.
func TestNamesTakeTheProxyOnlyWhereThereAreSome(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*Options)
		want   bool
	}{
		"an outlet's": {func(*Options) {}, true},
		"a flag's":    {func(o *Options) { o.Outlets = o.Outlets[:1] }, true},
		"none": {func(o *Options) {
			o.Outlets, o.Grants = o.Outlets[:1], slices.DeleteFunc(o.Grants, func(g Grant) bool { return g.Kind == EgressName })
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, p := range build(t, example(restricted, tc.change)) {
				if p.Role == EgressAccess && strings.Contains(p.Object.Annotations[AnnotationOutlet], `"names"`) != (p.Object.Name == "cluster-example-egress-names") {
					t.Errorf("%s has the outlet %s", p.Object.Name, p.Object.Annotations[AnnotationOutlet])
				}
			}
			got := slices.Contains(names(build(t, example(restricted, tc.change))), "cluster-example-egress-names")
			if got != tc.want {
				t.Errorf("names are seen: %t", got)
			}
		})
	}
}

// In either scope, the cluster's own pods are restricted and no others: the documentation has no egress.
func TestEgressIsTheSameInBothScopes(t *testing.T) {
	narrow, wide := build(t, example(restricted)), build(t, example(restricted, scope(ScopeNamespace)))
	for _, p := range narrow {
		if p.Role != EgressAccess && p.Role != EgressDefaultDeny {
			continue
		}
		other := wide[slices.IndexFunc(wide, func(w Policy) bool { return w.Object.Name == p.Object.Name })]
		if !reflect.DeepEqual(p.Object.Spec, other.Object.Spec) {
			t.Errorf("%s differs between the scopes", p.Object.Name)
		}
	}
}

// Several fields that lead to the same place make one policy, whichever comes first.
func TestOutletsToTheSamePlace(t *testing.T) {
	one := Outlet{Purpose: Store, What: "the object store", Field: "Cluster a spec.x", Places: []Place{{CIDR: "192.0.2.1/32"}, {Name: "a.example.com"}}}
	other := Outlet{Purpose: Store, What: "the object store", Field: "Cluster a spec.y", Places: []Place{{Name: "a.example.com"}, {CIDR: "192.0.2.1/32"}}}
	for _, outlets := range [][]Outlet{{one, other}, {other, one}, {one, other, one}} {
		got := merged(outlets)
		if len(got) != 1 || len(got[0].Field) != len("Cluster a spec.x, Cluster a spec.y") {
			t.Errorf("%+v", got)
		}
	}
	if got := merged([]Outlet{one, {Purpose: External, Places: one.Places}}); len(got) != 2 {
		t.Errorf("two purposes: %+v", got)
	}
}

// What was derived is read back from its policies alone, so that they can be compared when specs have changed or are not
// to be seen.
func TestOutletsAreReadBack(t *testing.T) {
	cluster := types.NamespacedName{Namespace: "default", Name: "cluster-example"}
	o := example(restricted)
	set := build(t, o)
	got, err := FromLive(cluster, objects(set))
	if err != nil || !got.Egress {
		t.Fatalf("%+v, %v", got, err)
	}
	if again := build(t, got.For(cluster, o.DetectedOperators)); !reflect.DeepEqual(again, set) {
		t.Errorf("another set: %q", names(again))
	}
	if drift, err := Drift(objects(set), got.For(cluster, o.DetectedOperators)); err != nil || len(drift) > 0 {
		t.Errorf("%v, %v", drift, err)
	}
	edited := objects(set)
	for i, p := range edited {
		if strings.HasSuffix(p.Name, "-api-server") {
			edited[i] = p.DeepCopy()
			edited[i].Spec.Egress[0].ToEntities[0] = "all"
		}
	}
	drift, err := Drift(edited, got.For(cluster, o.DetectedOperators))
	if want := map[string][]string{"cluster-example-egress-api-server": {"spec.egress[0].toEntities[0]"}}; err != nil || !reflect.DeepEqual(drift, want) {
		t.Errorf("%v, %v", drift, err)
	}
}

// What is stored in a policy is anybody's to write.
func TestOutletsThatCanNotBeRead(t *testing.T) {
	for text, want := range map[string]string{
		"":                  "not what this version stores of what a policy lets out to: EOF",
		`{"purpose":"dns"}`: `"dns" names no place`,
		`{"purpose":"dns","places":[{"entity":"host"}]} x`:                      "something follows it",
		`{"purpose":"all","places":[{"entity":"host"}]}`:                        `"all" is nothing that this version of lockdown lets out to`,
		`{"purpose":"dns","places":[{"entity":"world"}]}`:                       `entity "world" is none that lockdown lets out to`,
		`{"purpose":"dns","places":[{}]}`:                                       "a place is one of entity, namespace, name, cidr and databases",
		`{"purpose":"dns","places":[{"entity":"host","cidr":"192.0.2.0/24"}]}`:  "a place is one of entity, namespace, name, cidr and databases",
		`{"purpose":"dns","places":[{"labels":{"a":"b"}}]}`:                     "a place is one of entity, namespace, name, cidr and databases",
		`{"purpose":"dns","places":[{"namespace":"A"}]}`:                        `"A": not the name of a namespace`,
		`{"purpose":"dns","places":[{"name":"*"}]}`:                             "means every name",
		`{"purpose":"dns","places":[{"cidr":"0.0.0.0/0"}]}`:                     `"0.0.0.0/0" is no range of addresses`,
		`{"purpose":"dns","places":[{"entity":"host","ports":["53","x/TCP"]}]}`: `"53" is no port as in 443/TCP`,
		`{"purpose":"dns","more":1}`:                                            "unknown field",
	} {
		if _, err := readOutlet(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	p := only(t, build(t, example()), DefaultDeny).Object.DeepCopy()
	p.Labels[LabelPolicy], p.Annotations = string(EgressAccess), map[string]string{AnnotationOutlet: "{}"}
	_, err := FromLive(types.NamespacedName{Namespace: "default", Name: "cluster-example"}, []*ciliumv2.CiliumNetworkPolicy{p})
	if err == nil || !strings.Contains(err.Error(), `policy "cluster-example-default-deny", annotation cnpg-netpol/outlet: `) {
		t.Errorf("%v", err)
	}
}

// Where ingress is locked for good, a rehearsal or a trial is about egress alone.
func TestEgressIsRehearsedAndTimedByItself(t *testing.T) {
	since := time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	denies := func(o Options) []string {
		var out []string
		for _, p := range build(t, o) {
			if p.Role.Denies() {
				text := string(p.Role)
				if _, timed := TimerOf(p.Object); timed {
					text += " for a time"
				}
				out = append(out, text)
			}
		}
		return out
	}
	for name, tc := range map[string]struct {
		change func(*Options)
		want   []string
	}{
		"both for good":              {func(*Options) {}, []string{"default-deny", "default-deny-egress"}},
		"both timed":                 {func(o *Options) { o.Timer = "t" }, []string{"default-deny for a time", "default-deny-egress for a time"}},
		"egress timed":               {func(o *Options) { o.Timer, o.InForce = "t", true }, []string{"default-deny", "default-deny-egress for a time"}},
		"egress rehearsed and timed": {func(o *Options) { o.RehearsedSince, o.InForce, o.Timer = since, true, "t" }, []string{"default-deny"}},
		"both rehearsed":             {func(o *Options) { o.RehearsedSince = since }, nil},
		"egress rehearsed":           {func(o *Options) { o.RehearsedSince, o.InForce = since, true }, []string{"default-deny"}},
		"ingress alone, and no more": {func(o *Options) { o.Egress, o.Grants = false, nil }, []string{"default-deny"}},
	} {
		if got := denies(example(restricted, tc.change)); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
	live := objects(build(t, example(restricted, func(o *Options) { o.RehearsedSince, o.InForce = since, true })))
	got, err := FromLive(types.NamespacedName{Namespace: "default", Name: "cluster-example"}, live)
	if err != nil || !got.InForce || !got.RehearsedSince.Equal(since) {
		t.Errorf("read as %+v, %v", got, err)
	}
	if again := objects(build(t, got.For(got.Cluster, example().DetectedOperators))); len(again) != len(live) {
		t.Errorf("%d policies, and %d were read", len(again), len(live))
	}
}

// A rehearsal of egress alone says nothing of itself on what is in force before and after it, so that its policies can end by
// themselves.
func TestARehearsalOfEgressLeavesTheRestAlone(t *testing.T) {
	rehearsed := func(o *Options) {
		o.RehearsedSince, o.InForce, o.Timer = time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC), true, "t"
	}
	before := map[string]*ciliumv2.CiliumNetworkPolicy{}
	for _, p := range objects(build(t, example(func(o *Options) { *o = o.WithoutEgress() }))) {
		before[p.Name] = p
	}
	var left []*ciliumv2.CiliumNetworkPolicy
	for _, p := range objects(build(t, example(restricted, rehearsed))) {
		_, ends := TimerOf(p)
		if was := before[p.Name]; (was == nil) != ends {
			t.Errorf("%s: was there before: %t, ends by itself: %t", p.Name, was != nil, ends)
		} else if was != nil && len(Differences(p, was)) > 0 {
			t.Errorf("%s differs: %q", p.Name, Differences(p, was))
		}
		if !ends {
			left = append(left, p)
		}
	}
	if len(left) != len(before) {
		t.Errorf("%d are left of %d", len(left), len(before))
	}
	got, err := FromLive(types.NamespacedName{Namespace: "default", Name: "cluster-example"}, left)
	if err != nil || got.Egress || got.InForce || !got.RehearsedSince.IsZero() {
		t.Errorf("what is left is read as %+v, %v", got, err)
	}
}

package policyset

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"k8s.io/apimachinery/pkg/types"
)

// sameJSON compares two texts as JSON.
func sameJSON(a, b string) bool {
	var one, other any
	return json.Unmarshal([]byte(a), &one) == nil && json.Unmarshal([]byte(b), &other) == nil && reflect.DeepEqual(one, other)
}

// Whatever policies are deleted, one that is left is enough to make all of them anew.
func TestOnePolicyKnowsTheWholeSet(t *testing.T) {
	cluster := types.NamespacedName{Namespace: "default", Name: "cluster-example"}
	for name, o := range map[string]Options{
		"nobody":              example(),
		"every kind":          example(func(o *Options) { o.Grants, o.Egress = everyGrant(t), true }),
		"egress":              example(restricted),
		"egress, rehearsed":   example(restricted, func(o *Options) { o.RehearsedSince, o.InForce = time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC), true }),
		"the operator alone":  example(operatorOnly, allow(Namespace, "backend")),
		"a named operator":    example(allow(ClusterWide), func(o *Options) { o.OperatorNamespaces = []string{"operators", "cnpg-system"} }),
		"a rehearsal":         example(allow(Namespace, "backend"), func(o *Options) { o.RehearsedSince = time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC) }),
		"through poolers":     example(throughPoolers, allow(Namespace, "backend"), allow(Metrics, "monitoring")),
		"the whole namespace": example(scope(ScopeNamespace), allow(Pods, "role in (a,b),!c")),
		"a shared namespace": example(scope(ScopeNamespace), allow(Pods, "role=a"), func(o *Options) {
			o.SharedWith, o.SharedRecords = []string{"orders"}, map[string]string{"orders": Record(example(named("orders"), allow(ClusterWide)))}
		}),
	} {
		want := build(t, o)
		for _, left := range want {
			got, err := FromLive(cluster, []*ciliumv2.CiliumNetworkPolicy{left.Object})
			if err != nil {
				t.Errorf("%s, %s: %v", name, left.Object.Name, err)
				continue
			}
			if left.Role != DefaultDeny {
				got.SharedWith, got.SharedRecords = o.SharedWith, o.SharedRecords // What others need is theirs to say.
			}
			whole, want := o, want
			if left.Role != EgressAccess {
				// While egress alone is rehearsed, what is in force says nothing of it.
				whole = o.InEffect()
				want = build(t, whole)
			}
			if again := build(t, got.For(cluster, o.DetectedOperators).Reaching(o.Outlets)); !reflect.DeepEqual(again, want) {
				t.Errorf("%s: %s alone gives %q, want %q", name, left.Object.Name, Flags(got), Flags(whole))
			}
		}
	}
}

func everyGrant(t *testing.T) []Grant {
	t.Helper()
	o, err := Parse(FlagValues{Allow: clientArguments(), Egress: true})
	if err != nil {
		t.Fatal(err)
	}
	return o.Grants
}

// Policies that do not agree are those of a change that was interrupted: what lets in more is restored.
func TestRecordsThatDiffer(t *testing.T) {
	cluster := types.NamespacedName{Namespace: "default", Name: "cluster-example"}
	before := build(t, example(operatorOnly, allow(Namespace, "backend")))
	after := build(t, example(allow(Namespace, "shop")))
	live := append(objects(before[1:]), after[0].Object)
	got, err := FromLive(cluster, live)
	if err != nil || got.OperatorOnly || !slices.Equal(Flags(got), []string{"--allow-namespace=backend", "--allow-namespace=shop"}) {
		t.Errorf("%q, %v", Flags(got), err)
	}
}

// What is stored in a policy is anybody's to write.
func TestRecordsThatCanNotBeRead(t *testing.T) {
	cluster := types.NamespacedName{Namespace: "default", Name: "cluster-example"}
	for text, want := range map[string]string{
		"":                         "not what this version stores of a set: EOF",
		"{":                        "not what this version stores of a set: unexpected EOF",
		"[]":                       "not what this version stores of a set: json: cannot unmarshal array",
		`{"scope":"galaxy"}`:       `--scope "galaxy": must be`,
		`{"since":"1.0"}`:          `unknown field "since"`,
		`{} {}`:                    "something follows it",
		`{"allow":["galaxy=m31"]}`: `"galaxy=m31" is no client that this version`,
		`{"allow":["namespace=a","namespace=a"]}`: "given twice",
		`{"rehearsedSince":"yesterday"}`:          `"yesterday" is no time as in`,
		`{"operatorNamespaces":["A B"]}`:          `--operator-namespace "A B"`,
		`{"allow":["namespace=\u001b[2J"]}`:       `"\x1b[2J": not the name of a namespace`,
	} {
		live := objects(build(t, example(allow(Namespace, "backend"))))
		live[1].Annotations[AnnotationSet] = text
		got, err := FromLive(cluster, live)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `policy "`+live[1].Name+`", annotation cnpg-netpol/set: `) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
		if !slices.Equal(got.Grants, []Grant{{Namespace, "backend"}}) {
			t.Errorf("%s: the others count for %q", text, got.Grants)
		}
	}
}

// A set that is older than the record is as it shall be; one that says something else is not.
func TestSetsWithoutARecord(t *testing.T) {
	o := example(scope(ScopeNamespace), allow(Namespace, "backend"))
	for _, p := range build(t, o) {
		old := p.Object.DeepCopy()
		maps.DeleteFunc(old.Annotations, func(key, _ string) bool { return key == AnnotationSet || strings.HasPrefix(key, LabelUserPrefix) })
		if len(old.Annotations) == len(p.Object.Annotations) || !IsOlder(old, p.Object) || len(Differences(old, p.Object)) == 0 {
			t.Errorf("%s differs in %q", p.Object.Name, Differences(old, p.Object))
		}
		if drift, err := Drift([]*ciliumv2.CiliumNetworkPolicy{old}, o); err != nil || len(drift) > 0 {
			t.Errorf("%s has drifted: %v, %v", p.Object.Name, drift, err)
		}
		other := p.Object.DeepCopy()
		for key := range other.Annotations {
			if key == AnnotationSet || strings.HasPrefix(key, LabelUserPrefix) {
				other.Annotations[key] = Record(example(allow(ClusterWide)))
			}
		}
		if drift, err := Drift([]*ciliumv2.CiliumNetworkPolicy{other}, o); err != nil || len(drift) == 0 || IsOlder(other, p.Object) {
			t.Errorf("%s says something else and has not drifted: %v", p.Object.Name, err)
		}
	}
}

func TestARecordThatDoesNotFit(t *testing.T) {
	o := example()
	for i := range 9000 {
		o.Grants = append(o.Grants, Grant{Kind: Namespace, Value: fmt.Sprintf("a-namespace-of-many-%05d", i)})
	}
	_, err := Build(o)
	if err == nil || !strings.Contains(err.Error(), "bytes, and the annotations of a policy hold 262144: let in more with fewer flags") {
		t.Errorf("%v", err)
	}
}

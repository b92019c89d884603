package clients_test

import (
	"bytes"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/resource"
	"sigs.k8s.io/yaml"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/clients"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/golden"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/manifests"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/propose"
)

// flows are those of a recording.
func flows(t *testing.T, inv *inventory.Inventory, names ...string) observe.Evidence {
	t.Helper()
	var e observe.Evidence
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f := observe.NewFlows(observe.MembersOf(inv), name, time.Time{})
		for line := range bytes.Lines(content) {
			f.Line(1, line)
		}
		e = e.Add(f.Evidence())
	}
	return e
}

func list(t *testing.T, inv *inventory.Inventory, cluster types.NamespacedName, e observe.Evidence) v1alpha1.ClientList {
	t.Helper()
	q, inv := clients.Ask(inv, cluster, e)
	m, err := model.New(inv, model.Options{Namespace: cluster.Namespace, Extra: q.Extra()})
	if err != nil {
		t.Fatal(err)
	}
	out, err := q.List(m)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func compare(t *testing.T, name string, l v1alpha1.ClientList) {
	t.Helper()
	text, err := yaml.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "testdata/"+name+".yaml", text)
}

// What the recordings of a live cluster say, policies and flows together.
func TestRecordings(t *testing.T) {
	const open, locked = "../observe/testdata/flows-open.jsonl", "../observe/testdata/flows-locked.jsonl"
	for name, recordings := range map[string][]string{"locked": {locked}, "open-then-locked": {open, locked}} {
		t.Run(name, func(t *testing.T) {
			inv := fixture.Load(t, fixture.Recording("live-flows"))
			compare(t, name, list(t, inv, fixture.Recorded(), flows(t, inv, recordings...)))
		})
	}
}

// In a rehearsal nobody is denied, and two judge whom the lockdown would cut off: the engine, and Cilium's own word
// on who was let in by nothing but the lack of default deny.
func TestRehearsal(t *testing.T) {
	inv := fixture.Load(t, fixture.Recording("live-flows"))
	inv.Policies = nil
	m, err := model.New(inv, model.Options{Namespace: "default"})
	if err != nil {
		t.Fatal(err)
	}
	options, err := policyset.Parse(policyset.FlagValues{Scope: "cluster", Allow: []string{"--allow-pods=role=backend"}})
	if err != nil {
		t.Fatal(err)
	}
	options.RehearsedSince = time.Date(2026, 11, 26, 2, 26, 0, 0, time.UTC)
	rehearsed, err := propose.Planned(m, options.For(fixture.Recorded(), assess.Operators(m)))
	if err != nil {
		t.Fatal(err)
	}
	l := list(t, rehearsed.Inventory(), fixture.Recorded(), flows(t, inv, "../observe/testdata/flows-rehearsal.jsonl"))
	compare(t, "rehearsal", l)
	byEngine, byDefault := map[string]bool{}, map[string]bool{}
	for _, c := range l.Rehearsal.CutOff {
		byEngine[c.Name()] = true
	}
	for _, c := range l.Clients {
		if c.Verdict != v1alpha1.VerdictAllowed {
			t.Errorf("%s is %s", c.Name(), c.Verdict)
		}
		for _, target := range c.Targets {
			if target.ByDefault > 0 {
				byDefault[c.Name()] = true
			}
		}
	}
	if diff := cmp.Diff(byEngine, byDefault); diff != "" || len(byEngine) != 2 {
		t.Errorf("the engine and Cilium differ:\n%s", diff)
	}
}

// references are those of the manifests in a file.
func references(t *testing.T, inv *inventory.Inventory, cluster types.NamespacedName, file string) observe.Evidence {
	t.Helper()
	e := observe.Evidence{Coverage: []observe.Coverage{{Kind: v1alpha1.EvidenceReferences, Source: "specs"}}}
	_, err := manifests.Load(t.Context(), manifests.Options{
		FilenameOptions: resource.FilenameOptions{Filenames: []string{file}},
		Spec: func(kind string, raw []byte, namespace string) {
			spec, connects, err := observe.SpecOf(kind, raw, namespace)
			if err != nil {
				t.Error(err)
			}
			if connects {
				e = e.Add(observe.NamesOf(inv, cluster).Evidence(spec))
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// Each kind of client is told apart: who connects, who connects through the pooler, who is gone, who only
// refers, who scrapes, who comes from outside, who was denied, and who does nothing.
func TestEachKindOfClient(t *testing.T) {
	const shop = "testdata/shop.yaml"
	inv := fixture.Load(t, shop)
	e := flows(t, inv, "testdata/flows.jsonl").Add(references(t, inv, fixture.Orders(), shop))
	e.Sessions = []observe.Session{{
		Client: observe.Client{Namespace: "shop", Workload: inventory.Workload{Kind: "deployment", Name: "web"}},
		Target: observe.Target{Cluster: fixture.Orders(), Port: 5432}, Number: 4, Users: []string{"app"}, Databases: []string{"app"},
		Oldest: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	}}
	l := list(t, inv, fixture.Orders(), e)
	compare(t, "each-kind", l)

	// The command keeps exactly those whom it says: the engine is asked again, about the policies that it makes.
	var options policyset.Options
	var allow []string
	for _, g := range l.Lockdown.Grants {
		allow = append(allow, g.Flag)
	}
	options, err := policyset.Parse(policyset.FlagValues{Scope: "cluster", Allow: allow})
	if err != nil {
		t.Fatal(err)
	}
	q, inv := clients.Ask(inv, fixture.Orders(), e)
	m, err := model.New(inv, model.Options{Namespace: "shop", Extra: q.Extra()})
	if err != nil {
		t.Fatal(err)
	}
	planned, err := propose.Planned(m, options.For(fixture.Orders(), assess.Operators(m)))
	if err != nil {
		t.Fatal(err)
	}
	after, err := q.List(planned)
	if err != nil {
		t.Fatal(err)
	}
	var off []string
	cutOff := q.CutOff(m, planned, []v1alpha1.ClientChange{
		{Namespace: "shop", Workload: "statefulset/cache", Pods: 1}, {Namespace: "shop", Workload: "statefulset/cache", Pods: 1, Target: v1alpha1.Target{Pooler: "orders-pooler"}},
		{Namespace: "shop", Workload: "deployment/web", Pods: 1}, {Entity: v1alpha1.EntityWorld},
	})
	for _, c := range cutOff.CutOff {
		off = append(off, c.Name())
	}
	if diff := cmp.Diff([]string{"world 203.0.113.7"}, off); diff != "" || len(cutOff.Evidence) != 2 {
		t.Errorf("cut off: -want +got\n%s", diff)
	}
	if diff := cmp.Diff([]v1alpha1.Client{{Namespace: "shop", Workload: "statefulset/cache", Pods: 1}}, cutOff.Unseen); diff != "" {
		t.Errorf("unseen: -want +got\n%s", diff)
	}
	var kept, cut []string
	for _, c := range after.Clients {
		if c.Verdict == v1alpha1.VerdictAllowed {
			kept = append(kept, c.Name())
		} else {
			cut = append(cut, c.Name())
		}
	}
	if diff := cmp.Diff([][]string{
		{"monitoring/statefulset/prometheus", "reports/cronjob/monthly", "shop/deployment/api", "shop/deployment/web", "etl/cronjob/nightly"},
		{"world 203.0.113.7", "shop/pod/stranger"},
	}, [][]string{kept, cut}); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// An address with a session is let in where Hubble has seen it outside. One that nobody has now may be that of a pod
// that is gone, of which the session is left over: it is told, and let in by no flag.
func TestAddresses(t *testing.T) {
	inv := fixture.Load(t, "testdata/shop.yaml")
	session := func(address string) observe.Session {
		return observe.Session{
			Client: observe.Client{Address: netip.MustParseAddr(address)}, Target: observe.Target{Cluster: fixture.Orders(), Port: 5432}, Number: 1,
		}
	}
	e := flows(t, inv, "testdata/flows.jsonl")
	e.Sessions = []observe.Session{session("203.0.113.7"), session("10.244.0.99")}
	l := list(t, inv, fixture.Orders(), e)
	var names, left []string
	for _, c := range l.Clients {
		if c.Address != "" {
			names = append(names, c.Name()+" "+string(c.Verdict))
		}
	}
	for _, c := range l.Lockdown.LeavesOut {
		left = append(left, c.Client+": "+c.Reason+": "+c.Remedy.String())
	}
	if diff := cmp.Diff([]string{"address 10.244.0.99 allowed", "world 203.0.113.7 allowed"}, names); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if line := l.Lockdown.Command.String(); !strings.Contains(line, " --allow-cidr=203.0.113.7/32") || strings.Contains(line, "10.244") {
		t.Errorf("%s", line)
	}
	if diff := cmp.Diff([]string{
		"address 10.244.0.99: is connected, and no pod and no node has its address now: it is outside the Kubernetes cluster, or was a pod that is gone: --allow-cidr=10.244.0.99/32",
		"shop/pod/stranger: was denied once, and nothing else tells that it uses the cluster: --allow-pods=app=stranger",
	}, left); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// Without an operator there is no set to propose, and without a client nothing to propose it for: each says so.
func TestNothingToPropose(t *testing.T) {
	inv := fixture.Load(t, "testdata/shop.yaml")
	l := list(t, inv, fixture.Orders(), observe.Evidence{})
	if l.Lockdown != nil || len(l.Clients) > 0 || len(l.Notes) != 1 || !strings.Contains(l.Notes[0], "no proof that nobody does") {
		t.Errorf("%+v", l)
	}
	if len(l.MayConnect) == 0 {
		t.Error("nobody may connect")
	}
	inv = fixture.Load(t, fixture.Recording("live-flows"))
	inv.Operators = nil
	inv.Origin = inventory.Live
	l = list(t, inv, fixture.Recorded(), flows(t, inv, "../observe/testdata/flows-open.jsonl"))
	if l.Lockdown != nil || len(l.Notes) != 1 || !strings.HasPrefix(l.Notes[0], "no lockdown can be proposed: ") {
		t.Errorf("%+v", l.Notes)
	}
}

// What ends by itself is in the list, with those of the clients that lose access then, and nobody else.
func TestTimed(t *testing.T) {
	inv := fixture.Load(t, "testdata/shop.yaml")
	flags := func(allow string) policyset.Options {
		o, err := policyset.Parse(policyset.FlagValues{Scope: "cluster", Allow: []string{allow}})
		if err != nil {
			t.Fatal(err)
		}
		return o.For(fixture.Orders(), []policyset.Operator{{Namespace: "cnpg-system"}})
	}
	locked, err := policyset.Build(flags("--allow-pods=app=api"))
	if err != nil {
		t.Fatal(err)
	}
	granted, err := policyset.BuildGranted(policyset.Granted{Options: flags("--allow-pods=app=web"), Timer: "orders-grant-1", RequestedBy: "jane"})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range append(locked, granted...) {
		inv.Policies = append(inv.Policies, fixture.Policies(p.Object)...)
	}
	e := observe.Evidence{}
	for _, name := range []string{"api", "web", "other"} {
		e.Connections = append(e.Connections, observe.Connection{
			Client: observe.Client{Namespace: "shop", Workload: inventory.Workload{Kind: "deployment", Name: name}, Identity: "k8s:app=" + name},
			Target: observe.Target{Cluster: fixture.Orders(), Port: 5432}, Opened: 1,
		})
	}
	timed := list(t, inv, fixture.Orders(), e).Timed
	if len(timed) != 1 || timed[0].Name != "orders-grant-1" || timed[0].RequestedBy != "jane" {
		t.Fatalf("%+v", timed)
	}
	if diff := cmp.Diff([]string{"shop/deployment/web"}, timed[0].CutOff); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// A client in another namespace, with the labels that are asked for.
func TestNearestMiss(t *testing.T) {
	inv := fixture.Load(t, fixture.Recording("live-locked"))
	e := observe.Evidence{}
	for _, pod := range []struct{ namespace, name string }{{"other", "backend"}, {"other", "frontend"}, {"default", "frontend"}, {"backend", "app"}} {
		e.Connections = append(e.Connections, observe.Connection{
			Client: observe.Client{Namespace: pod.namespace, Workload: inventory.Workload{Kind: "pod", Name: pod.name}},
			Target: observe.Target{Cluster: fixture.Recorded(), Port: 5432}, Denied: 1,
		})
	}
	// The recording was locked by hand; what lockdown makes of the same is a set that has grants.
	options, err := policyset.Parse(policyset.FlagValues{Scope: "cluster", Allow: []string{"--allow-pods=role=backend"}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.New(inv, model.Options{Namespace: "default"})
	if err != nil {
		t.Fatal(err)
	}
	planned, err := propose.Planned(m, options.For(fixture.Recorded(), assess.Operators(m)))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range list(t, planned.Inventory(), fixture.Recorded(), e).Clients {
		got = append(got, c.Name()+": "+c.NearestMiss)
	}
	if diff := cmp.Diff([]string{
		`backend/pod/app: `,
		`default/pod/frontend: has role=frontend, and not role=backend`,
		`other/pod/backend: has role=backend, and is not in namespace "default"`,
		`other/pod/frontend: `,
	}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

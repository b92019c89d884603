package change_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// shared is how many worlds one run looks at.
const shared = 120

// TestEverybodyIsAskedAbout looks at generated worlds of several databases: whether a preview says of everybody what asking the
// engine about each of them alone says. Previews share the answer about those whom no policy names.
func TestEverybodyIsAskedAbout(t *testing.T) {
	random := fixture.Random(t)
	var seen struct{ loses, keeps, gains, parts, monitors, unlocks int }
	for i := range shared {
		text, unmanaged, flags := severalDatabases(random)
		inv := fixture.Text(t, text)
		for _, key := range unmanaged {
			fixture.Unmanaged(key.Namespace, key.Name)(inv)
		}
		before := modelOf(t, inv)
		options, err := policyset.Parse(flags)
		if err != nil {
			t.Fatal(err)
		}
		var all []policyset.Options
		var clusters []types.NamespacedName
		for _, c := range before.Clusters() {
			if len(all) == 0 || random.IntN(3) > 0 {
				all = append(all, options.For(c.Key(), assess.Operators(before)))
				clusters = append(clusters, c.Key())
			}
		}
		p, err := change.ProposeLockdown(before, all)
		if err != nil {
			t.Fatal(err)
		}
		after := with(t, before, p.Plan)
		back, err := change.ProposeUnlock(after, clusters)
		if err != nil {
			t.Fatal(err)
		}
		for n, key := range clusters {
			agrees(t, p.Previews[n], before, after, before.Cluster(key))
			agrees(t, back.Previews[n], after, with(t, after, back.Plan), after.Cluster(key))
			access := p.Previews[n].Access()
			seen.loses, seen.keeps, seen.gains = seen.loses+len(access.Loses), seen.keeps+len(access.Keeps), seen.gains+len(access.Gains)
			seen.unlocks += len(back.Previews[n].Access().Gains)
			for _, c := range access.Loses {
				if slices.ContainsFunc(access.Keeps, func(k v1alpha1.ClientChange) bool { k.Pods = c.Pods; return k == c }) {
					seen.parts++
				}
			}
			got, want := monitorsToldOf(p.Previews[n]), monitorsAskedOneByOne(before, after, before.Cluster(key))
			if seen.monitors += len(want); !slices.Equal(got, want) {
				t.Errorf("cluster %s: monitoring in %v can't read metrics any more, and the preview names %v", key, want, got)
			}
		}
		if t.Failed() {
			t.Fatalf("inventory %d, %v, %+v:\n%s", i, unmanaged, flags, text)
		}
	}
	t.Logf("%+v", seen)
	if min(seen.loses, seen.keeps, seen.gains, seen.monitors, seen.unlocks) < shared/10 || seen.parts == 0 {
		t.Errorf("the worlds are too plain to prove anything: %+v", seen)
	}
}

// agrees compares who loses, gains and keeps access with what Exposure says of both sides, and with the engine's answers about
// each workload alone.
func agrees(t *testing.T, preview change.Preview, before, after *model.Model, c *model.Cluster) {
	t.Helper()
	got := preview.Access()
	if want := accessByName(assess.Exposure(before, c, 0), assess.Exposure(after, c, 0)); !reflect.DeepEqual(got, want) {
		t.Errorf("cluster %s:\ngot  %+v\nwant %+v", c.Key(), got, want)
	}
	if whole := preview.Whole(); !reflect.DeepEqual(whole.Access, got) {
		t.Errorf("cluster %s: the whole preview says %+v", c.Key(), whole.Access)
	}
	for _, way := range [][2]*model.Model{{before, after}, {before, before}, {after, after}} {
		want := accessByName(assess.Exposure(way[0], c, 0), assess.Exposure(way[1], c, 0)).Loses
		if losers := change.Losers(way[0], way[1], c); len(losers)+len(want) > 0 && !slices.Equal(losers, want) {
			t.Errorf("cluster %s: got the losers %+v, want %+v", c.Key(), losers, want)
		}
	}
	was, is := podsAskedOneByOne(before, c), podsAskedOneByOne(after, c)
	for client, pods := range was {
		if lost := pods - is[client]; lost > 0 {
			client.Pods = lost
			if !slices.Contains(got.Loses, client) {
				t.Errorf("cluster %s: %+v loses access, and the preview forgets it", c.Key(), client)
			}
		}
	}
	for client, pods := range is {
		if gained := pods - was[client]; gained > 0 {
			client.Pods = gained
			if !slices.Contains(got.Gains, client) {
				t.Errorf("cluster %s: %+v gains access, and the preview forgets it", c.Key(), client)
			}
		}
	}
	for _, list := range [][]v1alpha1.ClientChange{got.Loses, got.Gains, got.Keeps} {
		for _, client := range list {
			client.Pods = 0
			if client.Entity == "" && was[client]+is[client] == 0 {
				t.Errorf("cluster %s: %+v can't connect before or after", c.Key(), client)
			}
		}
	}
}

// Every pod can connect before and after, and who is no pod loses it.
func TestNoPodIsAmongTheLosers(t *testing.T) {
	const deny = `{"metadata":{"name":"deny","namespace":"shop"},"spec":{"endpointSelector":{},"enableDefaultDeny":{"ingress":false},"ingressDeny":[{"fromEntities":["world"]}]}}`
	before := modelOf(t, fixture.World(t))
	c := before.Cluster(fixture.Database())
	after, err := before.With(fixture.World(t, fixture.Policy(deny)).Policies)
	if err != nil {
		t.Fatal(err)
	}
	want := accessByName(assess.Exposure(before, c, 0), assess.Exposure(after, c, 0)).Loses
	if got := change.Losers(before, after, c); !slices.Equal(got, want) || len(got) != 2 || got[0].Entity != v1alpha1.EntityWorld {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// podsAskedOneByOne are the numbers of pods that can connect, without any answer that is shared.
func podsAskedOneByOne(m *model.Model, c *model.Cluster) map[v1alpha1.ClientChange]int {
	out := map[v1alpha1.ClientChange]int{}
	for _, t := range m.Targets(c) {
		for _, p := range m.Peers() {
			if m.Reaches(p.Identity, t) != v1alpha1.VerdictAllowed {
				continue
			}
			for _, i := range m.Strangers(c, p) {
				workload := m.WorkloadOf(i)
				out[v1alpha1.ClientChange{Target: t.Of, Port: t.Port, Namespace: workload.Namespace, Workload: workload.Workload}]++
			}
		}
	}
	return out
}

// accessByName compares two exposures that name everybody, without looking at their order.
func accessByName(before, after []v1alpha1.Exposure) v1alpha1.AccessChanges {
	was, is := clientsByName(before), clientsByName(after)
	addUnnamed(was, before, is)
	addUnnamed(is, after, was)
	out := v1alpha1.AccessChanges{Loses: []v1alpha1.ClientChange{}, Gains: []v1alpha1.ClientChange{}, Keeps: []v1alpha1.ClientChange{}}
	both := maps.Clone(was)
	maps.Copy(both, is)
	for client := range both {
		add := func(list *[]v1alpha1.ClientChange, pods int) {
			if pods > 0 {
				counted := client
				if counted.Entity == "" {
					counted.Pods = pods
				}
				*list = append(*list, counted)
			}
		}
		add(&out.Loses, was[client]-is[client])
		add(&out.Gains, is[client]-was[client])
		add(&out.Keeps, min(was[client], is[client]))
	}
	for _, list := range [][]v1alpha1.ClientChange{out.Loses, out.Gains, out.Keeps} {
		slices.SortFunc(list, func(a, b v1alpha1.ClientChange) int {
			return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Workload, b.Workload), cmp.Compare(a.Entity, b.Entity),
				cmp.Compare(a.Target.Pooler, b.Target.Pooler), cmp.Compare(a.Port, b.Port))
		})
	}
	return out
}

func clientsByName(all []v1alpha1.Exposure) map[v1alpha1.ClientChange]int {
	out := map[v1alpha1.ClientChange]int{}
	for _, e := range all {
		for _, c := range e.Clients {
			out[v1alpha1.ClientChange{Target: e.Target, Port: e.Port, Namespace: c.Namespace, Workload: c.Workload}] = c.Pods
		}
		for _, entity := range e.Entities {
			out[v1alpha1.ClientChange{Target: e.Target, Port: e.Port, Entity: entity}] = 1
		}
	}
	return out
}

// addUnnamed adds what is named only where a rule lets it in, as far as the other side has it.
func addUnnamed(side map[v1alpha1.ClientChange]int, all []v1alpha1.Exposure, other map[v1alpha1.ClientChange]int) {
	for _, e := range all {
		if !slices.Contains(e.Entities, v1alpha1.EntityWorld) || len(e.EntityPolicies[v1alpha1.EntityWorld]) > 0 {
			continue
		}
		for _, entity := range model.SeldomNamed() {
			if client := (v1alpha1.ClientChange{Target: e.Target, Port: e.Port, Entity: entity}); other[client] > 0 {
				side[client] = 1
			}
		}
	}
}

// monitorsToldOf are the namespaces whose monitoring a preview says to lose the metrics.
func monitorsToldOf(p change.Preview) []string {
	var out []string
	for _, n := range p.Notes {
		if n.Subject == "Prometheus" {
			out = append(out, strings.Split(n.Message, `"`)[1])
		}
	}
	return out
}

func monitorsAskedOneByOne(before, after *model.Model, c *model.Cluster) []string {
	var poolers []model.Member
	for _, member := range c.Members {
		if member.Role == v1alpha1.RolePooler {
			poolers = append(poolers, member)
		}
	}
	lost := map[string]bool{}
	for _, p := range before.Peers() {
		for _, i := range before.Strangers(c, p) {
			pod := before.Pod(i)
			if pod.Labels["app"] != "prometheus" {
				continue
			}
			for _, t := range []model.Target{before.Target(cnpg.MetricsPort, c.Instances()), before.Target(cnpg.PoolerMetricsPort, poolers)} {
				if before.Reaches(p.Identity, t) == v1alpha1.VerdictAllowed && after.Reaches(p.Identity, t) == v1alpha1.VerdictDenied {
					lost[pod.Namespace] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(lost))
}

// severalDatabases are manifests of databases in two namespaces with poolers, and of applications, some of which monitor, are
// restricted in what they open, or share a workload with pods that have other labels; pods that Cilium does not manage;
// and the flags of a lockdown.
func severalDatabases(random *rand.Rand) (text string, unmanaged []types.NamespacedName, flags policyset.FlagValues) {
	chance := func(oneIn int) bool { return random.IntN(oneIn) == 0 }
	pick := func(values ...string) string { return values[random.IntN(len(values))] }
	var out strings.Builder
	add := func(format string, values ...any) { fmt.Fprintf(&out, "\n---\n"+format, values...) }
	pod := func(namespace, name string, labels ...string) {
		document := fixture.PodOf(namespace, name, labels...)
		if app := strings.TrimRight(name, "ab"); app != name {
			owner := fmt.Sprintf("ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: %s, uid: u, controller: true}], labels", app)
			document = strings.Replace(document, "labels", owner, 1)
		}
		out.WriteString("\n" + document)
		if chance(10) {
			unmanaged = append(unmanaged, types.NamespacedName{Namespace: namespace, Name: name})
		}
	}
	for _, c := range []types.NamespacedName{{Namespace: "shop", Name: "pg"}, {Namespace: "shop", Name: "orders"}, {Namespace: "web", Name: "pg"}}[:1+random.IntN(3)] {
		add(`{apiVersion: postgresql.cnpg.io/v1, kind: Cluster, metadata: {name: %s, namespace: %s}, spec: {instances: 2, storage: {size: 1Gi}}}`, c.Name, c.Namespace)
		for i := 1; i <= 2; i++ {
			name := fmt.Sprintf("%s-%d", c.Name, i)
			pod(c.Namespace, name, "cnpg.io/cluster: "+c.Name, "cnpg.io/instanceName: "+name, "cnpg.io/podRole: instance")
		}
		for i := range random.IntN(3) {
			pooler := fmt.Sprintf("%s-pooler-%d", c.Name, i)
			add(`{apiVersion: postgresql.cnpg.io/v1, kind: Pooler, metadata: {name: %s, namespace: %s}, spec: {cluster: {name: %s}, instances: 1, pgbouncer: {poolMode: session}}}`, pooler, c.Namespace, c.Name)
			pod(c.Namespace, pooler+"-1", "cnpg.io/cluster: "+c.Name, "cnpg.io/poolerName: "+pooler, "cnpg.io/podRole: pooler")
		}
	}
	pod("cnpg-system", "operator-1", "app.kubernetes.io/name: cloudnative-pg")
	for i := range 2 + random.IntN(6) {
		namespace, name := pick("shop", "shop", "web", "far"), fmt.Sprintf("app-%d", i)
		for _, suffix := range []string{"", "a", "b"}[random.IntN(2) : 2+random.IntN(2)] {
			labels := []string{"role: " + pick("backend", "frontend"), "tier: " + pick("a", "b"), "app: " + pick("prometheus", "web", "cache")}
			if chance(8) {
				labels = append(labels, "cnpg.io/cluster: pg")
			}
			pod(namespace, name+suffix, labels...)
		}
	}
	peers := []string{`fromEndpoints: [{matchLabels: {role: backend}}]`, `fromEndpoints: [{}]`, `fromEndpoints: [{matchLabels: {io.kubernetes.pod.namespace: web}}]`,
		`fromEntities: [cluster]`, `fromEntities: [world]`, `fromEntities: [all]`, `fromCIDR: [10.0.0.0/8, 192.0.2.0/24]`, `fromEntities: [host, unmanaged]`,
		`fromEndpoints: [{matchExpressions: [{key: tier, operator: NotIn, values: [a]}]}]`}
	for i := range random.IntN(5) {
		section, ports, subject := pick("ingress", "ingress", "ingress", "ingressDeny"), "", pick(`{}`, `{matchLabels: {cnpg.io/cluster: pg}}`, `{matchLabels: {cnpg.io/podRole: pooler}}`, `{matchLabels: {cnpg.io/instanceName: pg-1}}`)
		if chance(2) {
			ports = `, toPorts: [{ports: [{port: "` + pick("5432", "9187") + `", protocol: TCP}]}]`
		}
		spec := fmt.Sprintf(`{endpointSelector: %s, %s: [{%s%s}]}`, subject, section, pick(peers...), ports)
		if chance(3) {
			spec = fmt.Sprintf(`{endpointSelector: {matchLabels: {tier: b}}, egress: [{%s}]}`, pick(`toEndpoints: [{matchLabels: {cnpg.io/cluster: pg}}]`, `toEntities: [world]`,
				`toEntities: [cluster], toPorts: [{ports: [{port: "5432", protocol: TCP}]}]`))
		}
		kind, namespace := "CiliumNetworkPolicy", ", namespace: "+pick("shop", "shop", "web", "far")
		if chance(6) {
			kind, namespace = "CiliumClusterwideNetworkPolicy", ""
		}
		add(`{apiVersion: cilium.io/v2, kind: %s, metadata: {name: policy-%d%s}, spec: %s}`, kind, i, namespace, spec)
	}
	flags = policyset.FlagValues{Scope: pick("cluster", "cluster", "namespace")}
	for _, flag := range []string{"--allow-pods=role=backend", "--allow-pods-any-namespace=tier=a", "--allow-namespace=web", "--allow-cluster-wide", "--allow-metrics=far"} {
		if chance(4) {
			flags.Allow = append(flags.Allow, flag)
		}
	}
	return out.String(), unmanaged, flags
}

package assess_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// crowdedInventories is how many worlds one run looks at.
const crowdedInventories = 300

// TestWhoCanConnectIsAskedForAll compares what a report says of who can connect, which asks crowd by crowd, with what is said when every
// pod is asked about alone, over generated worlds.
func TestWhoCanConnectIsAskedForAll(t *testing.T) {
	random := fixture.Random(t)
	var seen struct{ everybody, some, nobody, unknown, denied int }
	for i := range crowdedInventories {
		text := crowdedWorld(random)
		m, err := model.New(fixture.Text(t, text), model.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range m.Clusters() {
			for _, most := range []int{0, 1, 2} {
				for at, e := range assess.Exposure(m, c, most) {
					want := askedOneByOne(m, c, m.Targets(c)[at], most)
					got := v1alpha1.Exposure{
						Pods: e.Pods, Identities: e.Identities, Total: e.Total, DeniedPods: e.DeniedPods, Unknown: e.Unknown, Everybody: e.Everybody,
						Clients: e.Clients, MoreClients: e.MoreClients, Namespaces: e.Namespaces, Denied: e.Denied, MoreDenied: e.MoreDenied,
					}
					if !reflect.DeepEqual(got, want) {
						t.Fatalf("inventory %d, %s, at most %d:\ngot  %+v\nwant %+v\n%s", i, c.Key(), most, got, want, text)
					}
					switch {
					case e.Everybody:
						seen.everybody++
					case e.Pods > 0:
						seen.some++
					default:
						seen.nobody++
					}
					seen.unknown += min(1, e.Unknown)
					seen.denied += min(1, len(e.Denied))
				}
			}
		}
	}
	t.Logf("%+v", seen)
	if min(seen.everybody, seen.some, seen.nobody, seen.unknown, seen.denied) < crowdedInventories/20 {
		t.Errorf("the worlds are too plain to prove anything: %+v", seen)
	}
}

// askedOneByOne is who can connect, by a question for each peer.
func askedOneByOne(m *model.Model, c *model.Cluster, target model.Target, most int) v1alpha1.Exposure {
	e := v1alpha1.Exposure{Clients: []v1alpha1.ClientAccess{}, Denied: []v1alpha1.ClientAccess{}, Namespaces: []string{}}
	by := map[v1alpha1.Verdict]map[v1alpha1.Client]*v1alpha1.ClientAccess{v1alpha1.VerdictAllowed: {}, v1alpha1.VerdictDenied: {}, v1alpha1.VerdictUnknown: {}}
	for _, p := range m.Peers() {
		pods := m.Strangers(c, p)
		if len(pods) == 0 {
			continue
		}
		verdict, policies := m.Decide(p.Identity, target)
		e.Total += len(pods)
		switch verdict {
		case v1alpha1.VerdictAllowed:
			e.Pods, e.Identities = e.Pods+len(pods), e.Identities+1
		case v1alpha1.VerdictDenied:
			e.DeniedPods += len(pods)
		case v1alpha1.VerdictUnknown:
			e.Unknown++
		}
		for _, pod := range pods {
			key := m.WorkloadOf(pod)
			if by[verdict][key] == nil {
				by[verdict][key] = &v1alpha1.ClientAccess{Client: key, Policies: []v1alpha1.PolicyReference{}}
			}
			by[verdict][key].Pods++
			if len(policies) == 0 {
				continue
			}
			by[verdict][key].Policies = engine.Unique(slices.Concat(by[verdict][key].Policies, policies))
		}
	}
	e.Everybody = e.Total > 0 && e.Pods == e.Total
	free := e.Pods == e.Total && (target.Open || slices.ContainsFunc(target.Identities, func(to *engine.Identity) bool {
		r := m.Engine().Reach(to, target.Port)
		return r.Free
	}))
	// Where no policy has a say in it, none is named.
	first := func(all map[v1alpha1.Client]*v1alpha1.ClientAccess, in []string) (out []v1alpha1.ClientAccess, more int) {
		out = []v1alpha1.ClientAccess{}
		for _, one := range all {
			if in == nil || slices.Contains(in, one.Namespace) {
				out = append(out, *one)
			}
		}
		slices.SortFunc(out, func(a, b v1alpha1.ClientAccess) int { return a.Client.Compare(b.Client) })
		if most > 0 && len(out) > most {
			return out[:most], len(out) - most
		}
		return out, 0
	}
	e.Clients, e.MoreClients = first(by[v1alpha1.VerdictAllowed], nil)
	for i := range e.Clients {
		e.Namespaces = append(e.Namespaces, e.Clients[i].Namespace)
		if free {
			e.Clients[i].Policies = []v1alpha1.PolicyReference{}
		}
	}
	e.Namespaces = slices.Compact(e.Namespaces)
	if free {
		e.Everybody = true
	} else {
		e.Denied, e.MoreDenied = first(by[v1alpha1.VerdictDenied], append(slices.Clone(e.Namespaces), c.Object.Namespace))
	}
	return e
}

// crowdedWorld has databases, applications whose pods are alike and different, and policies for both ends.
func crowdedWorld(random *rand.Rand) string {
	chance := func(oneIn int) bool { return random.IntN(oneIn) == 0 }
	pick := func(values ...string) string { return values[random.IntN(len(values))] }
	var documents []string
	add := func(format string, values ...any) { documents = append(documents, fmt.Sprintf(format, values...)) }
	namespaces := []string{"shop", "web", "ops"}
	for _, namespace := range namespaces[:1+random.IntN(2)] {
		add(`{apiVersion: postgresql.cnpg.io/v1, kind: Cluster, metadata: {name: pg, namespace: %s}, spec: {instances: %d, storage: {size: 1Gi}}}`, namespace, 1+random.IntN(2))
		if chance(3) {
			add(`{apiVersion: postgresql.cnpg.io/v1, kind: Pooler, metadata: {name: rw, namespace: %s}, spec: {cluster: {name: pg}, instances: 1, pgbouncer: {poolMode: session}}}`, namespace)
		}
	}
	managed := chance(3)
	// tooLong is the selector of a policy that is not read, so that nobody knows what it does.
	tooLong := "{matchExpressions: [" + strings.Repeat("{key: x, operator: DoesNotExist}, ", 300) + "]}"
	for i := range 3 + random.IntN(7) {
		namespace := pick(namespaces...)
		owner := pick("one", "two")
		text := fmt.Sprintf(`role: %s, tier: %s`, pick("backend", "frontend"), pick("a", "b"))
		if chance(6) {
			text += `, cnpg.io/cluster: pg`
		}
		add(`{apiVersion: v1, kind: Pod, metadata: {name: pod-%d, namespace: %s, labels: {%s}, ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: %s, uid: "1", controller: true}]}, spec: {containers: [{name: main, image: app, ports: [{name: %s, containerPort: 80}]}]}, status: {phase: Running}}`,
			i, namespace, text, owner, pick("http", "web"))
		if managed && !chance(4) {
			add(`{apiVersion: cilium.io/v2, kind: CiliumEndpoint, metadata: {name: pod-%d, namespace: %s}, status: {identity: {id: 7, labels: ["k8s:io.kubernetes.pod.namespace=%s", "k8s:io.cilium.k8s.policy.cluster=default", "%s"]}}}`,
				i, namespace, namespace, pick("k8s:role=backend", "k8s:role=frontend"))
		}
	}
	peers := func(field string) string {
		return pick(
			field+`Endpoints: [{matchLabels: {role: backend}}]`, field+`Endpoints: [{}]`, field+`Endpoints: [{matchLabels: {io.kubernetes.pod.namespace: web}}]`,
			field+`Endpoints: [{matchExpressions: [{key: io.kubernetes.pod.namespace, operator: Exists}]}]`, field+`Entities: [cluster]`, field+`Entities: [all]`, field+`Entities: [world]`,
			field+`Endpoints: [{matchExpressions: [{key: io.kubernetes.pod.namespace, operator: Exists}, {key: tier, operator: NotIn, values: [a]}]}]`,
			field+`Endpoints: [{matchLabels: {cnpg.io/cluster: pg, io.kubernetes.pod.namespace: shop}}]`, field+`CIDR: [10.0.0.0/8]`, field+`Nodes: [{}]`, field+`CIDR: [0.0.0.0/0]`,
		)
	}
	for i := range random.IntN(5) {
		direction, field := "ingress", "from"
		if chance(2) {
			direction, field = "egress", "to"
		}
		section := direction
		if chance(4) {
			section += "Deny"
		}
		ports := ""
		if chance(2) {
			ports = `, toPorts: [{ports: [{port: "` + pick("5432", "8000") + `", protocol: TCP}]}]`
		}
		subject := pick(`{}`, `{matchLabels: {cnpg.io/cluster: pg}}`, `{matchLabels: {role: frontend}}`, `{matchLabels: {cnpg.io/instanceName: pg-1}}`)
		kind, namespace := "CiliumNetworkPolicy", ", namespace: "+pick(namespaces...)
		if chance(4) {
			kind, namespace = "CiliumClusterwideNetworkPolicy", ""
		}
		if chance(8) {
			subject = tooLong
		}
		add(`{apiVersion: cilium.io/v2, kind: %s, metadata: {name: p-%d%s}, spec: {endpointSelector: %s, %s: [{%s%s}]}}`, kind, i, namespace, subject, section, peers(field), ports)
	}
	if chance(5) {
		add(`{apiVersion: v1, kind: ConfigMap, metadata: {name: cilium-config, namespace: kube-system}, data: {%s}}`,
			pick("enable-policy: always", "policy-cidr-match-mode: pods", `cluster-id: "7", cluster-name: default`, `cluster-id: "7", cluster-name: east`))
	}
	return strings.Join(documents, "\n---\n")
}

// The cluster's own pods come first among those whom a rule lets in alike, and are no clients: the first client is another one's.
func TestFirstClientIsNotTheClusterItself(t *testing.T) {
	const world = `
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: pg, namespace: shop}
spec: {instances: 2, storage: {size: 1Gi}}
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: pg, namespace: web}
spec: {instances: 2, storage: {size: 1Gi}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: all, namespace: shop}
spec: {podSelector: {}, ingress: [{from: [{namespaceSelector: {}}]}]}
`
	m, err := model.New(fixture.Text(t, world), model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := assess.Exposure(m, m.Clusters()[0], 1)[0]
	if len(e.Clients) != 1 || e.Clients[0].Namespace != "web" || e.MoreClients != 0 || e.Pods != 2 {
		t.Errorf("%+v", e)
	}
}

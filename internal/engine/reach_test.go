package engine_test

import (
	"slices"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// asking is an engine with these pods, whose identities are in the same order.
func asking(t *testing.T, w smallWorld, pods ...inventory.Pod) (*engine.Engine, []*engine.Identity) {
	t.Helper()
	ids, err := engine.NewIdentities(w.settings)
	if err != nil {
		t.Fatal(err)
	}
	identities, err := ids.Pods(pods, nil)
	if err != nil {
		t.Fatal(err)
	}
	read, err := engine.Read(w.settings, w.read(t))
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(ids, read)
	if err != nil {
		t.Fatal(err)
	}
	return e, identities
}

func podWith(namespace, name string, ports ...inventory.NamedPort) inventory.Pod {
	return inventory.Pod{Namespace: namespace, Name: name, Labels: map[string]string{"app": name}, NamedPorts: ports}
}

// The short way to who can connect is right, or it says that everybody has to be asked about.
func TestReach(t *testing.T) {
	const fromWeb = "ingress: [{fromEndpoints: [{matchLabels: {io.kubernetes.pod.namespace: app, app: web}}]}]"
	for name, tc := range map[string]struct {
		policies string
		uniform  bool
		others   v1alpha1.Verdict
		listed   []string
	}{
		"no policy":                  {"", true, allowed, nil},
		"default deny":               {rules("db", "ingress: [{}]"), true, denied, nil},
		"one client":                 {rules("db", fromWeb), true, denied, []string{"web"}},
		"one client, another port":   {rules("db", "ingress: [{fromEndpoints: [{matchLabels: {io.kubernetes.pod.namespace: app, app: web}}], toPorts: [{ports: [{port: '8000'}]}]}]"), true, denied, []string{"web"}},
		"all but one":                {rules("db", "ingress: [{fromEntities: [all]}], ingressDeny: [{fromEndpoints: [{matchLabels: {io.kubernetes.pod.namespace: app, app: web}}]}]"), true, allowed, []string{"web"}},
		"whoever is in the cluster":  {rules("db", "ingress: [{fromEntities: [cluster]}]"), true, allowed, nil},
		"somebody who can't be seen": {rules("db", "ingress: [{fromGroups: [{aws: {securityGroupsIds: [sg-1]}}]}]"), true, denied, nil},
		"a policy that can't be read, besides": {
			rules("db", fromWeb) + "---\nkind: CiliumNetworkPolicy\nmetadata: {name: broken, uid: stored}\nspec: {endpointSelector: foo}\n", true, unknown, []string{"web"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			pods := []inventory.Pod{podWith("db", "pg"), podWith("app", "web"), podWith("app", "api")}
			e, identities := asking(t, storedWith(tc.policies), pods...)
			got := e.Reach(identities[0], 5432)
			var listed []string
			for i, id := range identities {
				if slices.Contains(got.Listed, id) {
					listed = append(listed, pods[i].Name)
				}
			}
			if got.Uniform != tc.uniform || got.Others != tc.others || !slices.Equal(listed, tc.listed) {
				t.Errorf("got %+v, of them %v, want %+v", got, listed, tc)
			}
			for i, id := range identities[1:] {
				d := e.Decide(id, identities[0], 5432).Ingress.Verdict
				if got.Uniform && !slices.Contains(got.Listed, id) && d != got.Others {
					t.Errorf("%s is %s, and not listed", pods[i+1].Name, d)
				}
			}
		})
	}
}

// Whoever is not asked about must be free to open connections.
func TestRestrictsEgress(t *testing.T) {
	for name, tc := range map[string]struct {
		policies string
		policy   string
		want     bool
	}{
		"no policy":                     {"", "default", false},
		"ingress alone":                 {rules("app", "ingress: [{}]"), "default", false},
		"egress":                        {rules("app", "egress: [{}]"), "default", true},
		"egress of another namespace":   {rules("db", "egress: [{}]"), "default", false},
		"a policy that can't be read":   {"kind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: app, uid: stored}\nspec: {endpointSelector: foo}\n", "default", true},
		"no policy, enforced always":    {"", "always", true},
		"no policy, and never enforced": {"", "never", false},
	} {
		t.Run(name, func(t *testing.T) {
			w := storedWith(tc.policies, func(s *inventory.Settings) { s.EnablePolicy = tc.policy })
			e, identities := asking(t, w, podWith("app", "web"))
			if got := e.RestrictsEgress(identities[0]); got != tc.want {
				t.Errorf("%t, want %t", got, tc.want)
			}
		})
	}
}

// Pods that differ in nothing but what their ports are called have policies of their own where a rule
// calls a port by its name.
func TestPortsByName(t *testing.T) {
	old := podWith("db", "pg", inventory.NamedPort{Name: "postgresql", Port: 5432})
	moved := podWith("db", "pg", inventory.NamedPort{Name: "postgresql", Port: 6432})
	bare := podWith("db", "pg")
	for _, pods := range [][]inventory.Pod{{old, moved, bare}, {moved, bare, old}, {bare, old, moved}} {
		w := smallWorldWith(rules("db", "ingress: [{fromEntities: [all], toPorts: [{ports: [{port: postgresql}]}]}]"))
		e, identities := asking(t, w, append(pods, podWith("app", "web"))...)
		for i, pod := range pods {
			for _, port := range []uint16{5432, 6432} {
				want := denied
				if len(pod.NamedPorts) > 0 && pod.NamedPorts[0].Port == port {
					want = allowed
				}
				if got := e.Decide(identities[len(pods)], identities[i], port).Ingress.Verdict; got != want {
					t.Errorf("port %d of a pod with %+v is %s, want %s", port, pod.NamedPorts, got, want)
				}
			}
		}
	}
}

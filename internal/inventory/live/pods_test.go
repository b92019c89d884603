package live

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

const (
	wholeInWeb = "/api/v1/namespaces/web/pods"
	wholeInOps = "/api/v1/namespaces/ops/pods"
)

// addPod adds a running pod with a Deployment, a service account and a named port; its endpoint, unless
// bare, tells the same.
func (s *server) addPod(namespace, name string, bare bool) {
	s.objects[pathPods] = append(s.objects[pathPods], fmt.Sprintf(
		`{"metadata":{"name":%q,"namespace":%q,"labels":{"app":"x","pod-template-hash":"1"},"ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"x-1","uid":"u","controller":true}]},`+
			`"spec":{"serviceAccountName":"robot","containers":[{"name":"x","ports":[{"name":"http","containerPort":8080,"protocol":"TCP"}]}]},"status":{"phase":"Running","hostIP":"192.0.2.1"}}`, name, namespace))
	if !bare {
		s.objects[pathCEP] = append(s.objects[pathCEP], fmt.Sprintf(
			`{"metadata":{"name":%q,"namespace":%q},"status":{"identity":{"id":9,"labels":["k8s:app=x","k8s:io.cilium.k8s.policy.serviceaccount=robot"]},"named-ports":[{"name":"http","port":8080,"protocol":"TCP"}]}}`, name, namespace))
	}
}

func podNamed(inv *inventory.Inventory, namespace, name string) inventory.Pod {
	i := slices.IndexFunc(inv.Pods, func(p inventory.Pod) bool { return p.Namespace == namespace && p.Name == name })
	if i < 0 {
		return inventory.Pod{}
	}
	return inv.Pods[i]
}

// An application's pod with an endpoint is known without its specification, and is the same but for
// its node, which matters of databases and API servers only.
func TestPodsWithAnEndpointAreNotReadWhole(t *testing.T) {
	s := newServer()
	s.addPod("apps", "x-1-a", false)
	got := podNamed(collect(t, s, Options{}), "apps", "x-1-a")
	whole := newServer()
	whole.addPod("apps", "x-1-a", true)
	want := podNamed(collect(t, whole, Options{}), "apps", "x-1-a")
	want.HostIP = ""
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, r := range s.requests {
		if strings.HasPrefix(r, "/api/v1/namespaces/apps/pods") {
			t.Errorf("whole pods of the namespace were read: %s", r)
		}
	}
}

func TestPodsWithoutAnEndpointAreReadWhole(t *testing.T) {
	s := newServer()
	s.addPod("ops", "x-1-b", true)
	inv := collect(t, s, Options{})
	if p := podNamed(inv, "ops", "x-1-b"); p.ServiceAccount != "robot" || p.HostIP != "192.0.2.1" {
		t.Errorf("pod %+v", p)
	}
	if p := podNamed(inv, "web", "c"); !p.HostNetwork {
		t.Errorf("pod on its node's network %+v", p)
	}
	if s.asked(wholeInOps) != 1 || s.asked(wholeInWeb) == 0 {
		t.Errorf("requests %v", s.requests)
	}
}

// A database's pod has its own list; one that has come since then is looked for in its namespace.
func TestPodsOfDatabasesAreReadWhole(t *testing.T) {
	s := newServer()
	s.objects[pathCEP] = append(s.objects[pathCEP], `{"metadata":{"name":"pg-1","namespace":"shop"},"status":{"identity":{"id":8,"labels":["k8s:cnpg.io/cluster=pg"]}}}`)
	inv := collect(t, s, Options{})
	if p := podNamed(inv, "shop", "pg-1"); p.ServiceAccount != "pg" || len(p.NamedPorts) != 1 {
		t.Errorf("instance %+v", p)
	}
	if n := s.asked("/api/v1/namespaces/shop/pods"); n != 0 {
		t.Errorf("the namespace of a database with endpoints was read %d times", n)
	}
	c := newCollector(s.start(t), Options{})
	c.known = []inventory.Pod{{Namespace: "shop", Name: "pg-1", Labels: map[string]string{cnpg.ClusterLabel: "pg"}}}
	c.inv.Endpoints = inv.Endpoints
	if d := cmp.Diff([]string{"shop"}, c.unclear(nil)); d != "" {
		t.Error(d)
	}
}

func TestPodsOfManyUnclearNamespacesAreReadInOneList(t *testing.T) {
	s := newServer()
	for i := range namespacesAtMost {
		s.addPod(fmt.Sprintf("apps-%d", i), "x-1-a", true)
	}
	inv := collect(t, s, Options{})
	if p := podNamed(inv, "apps-7", "x-1-a"); p.ServiceAccount != "robot" {
		t.Errorf("pod %+v", p)
	}
	if n := s.asked("/api/v1/namespaces/apps-7/pods"); n != 0 {
		t.Errorf("the namespace was read %d times", n)
	}
	if pods := len(inv.Pods); pods != 7+namespacesAtMost {
		t.Errorf("%d pods", pods)
	}
}

func TestNamespaceOfUnclearPodsForbidden(t *testing.T) {
	s := newServer()
	s.refused[wholeInWeb] = http.StatusForbidden
	inv := collect(t, s, Options{})
	if d := cmp.Diff([]string{"pods web Forbidden"}, missing(inv)); d != "" {
		t.Error(d)
	}
	if p := podNamed(inv, "web", "b"); p.Name != "" {
		t.Errorf("a pod about which nothing is known is there: %+v", p)
	}
}

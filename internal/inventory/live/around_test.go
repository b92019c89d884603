package live

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAroundReadsNothingElse(t *testing.T) {
	s := newServer()
	inv := collect(t, s, Options{Namespace: "shop", Names: []string{"pg"}, Around: []string{"shop", "web"}})
	if len(inv.Missing) > 0 || len(inv.Pods) != 5 || len(inv.Policies) != 5 || len(inv.Clusters) != 1 || len(inv.Operators) != 0 {
		t.Errorf("missing %v, %d pods, %d policies, %d clusters, %d operators",
			inv.Missing, len(inv.Pods), len(inv.Policies), len(inv.Clusters), len(inv.Operators))
	}
	for _, path := range []string{pathPods, pathNamespaces, pathCNP, pathCEP, pathNP, pathDeploy, pathWebhooks, pathClusters, pathPoolers} {
		if n := s.asked(path); n > 0 {
			t.Errorf("%s was read %d times, in all namespaces", path, n)
		}
	}
	if inv.Namespaces[0].Labels["team"] != "a" {
		t.Errorf("namespaces %+v", inv.Namespaces)
	}
}

func TestAroundOneNamespaceForbidden(t *testing.T) {
	s := newServer()
	s.refused["/apis/cilium.io/v2/namespaces/web/ciliumnetworkpolicies"] = http.StatusForbidden
	inv := collect(t, s, Options{Namespace: "shop", Around: []string{"shop", "web"}})
	if d := cmp.Diff([]string{"ciliumnetworkpolicies.cilium.io web Forbidden"}, missing(inv)); d != "" {
		t.Error(d)
	}
	if len(inv.Policies) != 4 || !strings.Contains(inv.Missing[0].Remedy.String(), `"web"`) {
		t.Errorf("%d policies, missing %+v", len(inv.Policies), inv.Missing)
	}
}

func TestAroundAKindThatIsNotInstalledIsMissingOnce(t *testing.T) {
	s := newServer()
	delete(s.objects, pathCNP)
	inv := collect(t, s, Options{Namespace: "shop", Around: []string{"shop", "web"}})
	if d := cmp.Diff([]string{"ciliumnetworkpolicies.cilium.io NotInstalled"}, missing(inv)); d != "" {
		t.Error(d)
	}
}

// Only shop's pods are read, none of which has an endpoint; one in another namespace tells that an
// agent is at work.
func TestAroundFindsTheAgent(t *testing.T) {
	s := newServer()
	inv := collect(t, s, Options{Namespace: "shop", Around: []string{"shop"}})
	if len(inv.Endpoints) != 1 || s.asked(pathCEP) != 1 {
		t.Errorf("%d endpoints, %d requests", len(inv.Endpoints), s.asked(pathCEP))
	}
	s = newServer()
	s.refused[pathCEP] = http.StatusForbidden
	if inv = collect(t, s, Options{Namespace: "shop", Around: []string{"shop"}}); len(inv.Endpoints) != 0 || len(inv.Missing) > 0 {
		t.Errorf("%d endpoints, missing %v", len(inv.Endpoints), inv.Missing)
	}
}

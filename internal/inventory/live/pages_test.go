package live

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Half of a kind is not taken for all of it: what the pages before a failure have brought is forgotten,
// and the kind is missing.
func TestPagesBeforeAFailureAreForgotten(t *testing.T) {
	ofKind := func(kind string) func(*inventory.Inventory) int {
		return func(inv *inventory.Inventory) int {
			return len(slices.DeleteFunc(slices.Clone(inv.Policies), func(p inventory.Policy) bool { return string(p.Kind) != kind }))
		}
	}
	for _, tc := range []struct {
		name  string
		path  string
		more  string
		left  func(*inventory.Inventory) int
		whole int
	}{
		{"policies", pathCNP, "", ofKind("CiliumNetworkPolicy"), 3},
		{
			"clusters", pathClusters, `{"apiVersion":"postgresql.cnpg.io/v1","kind":"Cluster","metadata":{"name":"third","namespace":"web"},"spec":{"instances":1}}`,
			func(inv *inventory.Inventory) int { return len(inv.Clusters) }, 3,
		},
		{
			"NetworkPolicies", pathNP, `{"metadata":{"name":"np","namespace":"shop"},"spec":{"podSelector":{}}} {"metadata":{"name":"more","namespace":"shop"},"spec":{"podSelector":{}}}`,
			ofKind("NetworkPolicy"), 3,
		},
	} {
		for code, want := range map[int][]string{
			http.StatusOK:                  nil,
			http.StatusInternalServerError: {"Failed"},
			http.StatusForbidden:           {"Forbidden"},
		} {
			s := newServer()
			s.objects[tc.path] = append(s.objects[tc.path], strings.Fields(tc.more)...)
			clients := clientsOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if code != http.StatusOK && r.URL.Path == tc.path && r.URL.Query().Get("continue") != "" {
					fail(w, code)
					return
				}
				s.ServeHTTP(w, r)
			}), 0)
			inv, err := Collect(t.Context(), clients, Options{})
			if err != nil {
				t.Fatal(err)
			}
			whole := tc.whole
			if want != nil {
				whole = 0
			}
			var got []string
			for _, m := range inv.Missing {
				got = append(got, string(m.Reason))
			}
			if !slices.Equal(got, want) || tc.left(inv) != whole {
				t.Errorf("%s, the second page %d: %d left, want %d; missing %+v", tc.name, code, tc.left(inv), whole, inv.Missing)
			}
		}
	}
}

// That Cilium does not run is said only by somebody who could have seen it.
func TestSettingsThatAreNotInTheUsualPlace(t *testing.T) {
	const elsewhere = `{"metadata":{"name":"cilium","namespace":"net","labels":{"k8s-app":"cilium"}}}`
	for _, tc := range []struct {
		name    string
		change  func(*server)
		missing []string
		agent   bool
		message string
	}{
		{"in the usual place", func(*server) {}, nil, true, ""},
		{"nowhere, and no agent", func(s *server) { delete(s.objects, pathConfig) },
			[]string{"configmaps NotInstalled"}, false, "nothing shows that Cilium runs here"},
		{"not there, and agents forbidden", func(s *server) {
			delete(s.objects, pathConfig)
			s.refused[pathDaemonSets] = http.StatusForbidden
		}, []string{"configmaps Forbidden"}, false, "Cilium's options can't be read, its defaults are assumed"},
		{"not there, and agents not to be listed", func(s *server) {
			delete(s.objects, pathConfig)
			s.refused[pathDaemonSets] = http.StatusInternalServerError
		}, []string{"configmaps Failed"}, false, "Cilium's options can't be read, its defaults are assumed"},
		{"not there, and an agent elsewhere", func(s *server) {
			delete(s.objects, pathConfig)
			s.objects[pathDaemonSets] = []string{elsewhere}
		}, []string{"configmaps Failed"}, true, "Cilium's options can't be read, its defaults are assumed"},
		{"forbidden, and an agent in the usual place", func(s *server) {
			s.refused[pathConfig] = http.StatusForbidden
			s.objects[pathDaemonSets] = []string{strings.Replace(elsewhere, "net", "kube-system", 1)}
		}, []string{"configmaps Forbidden"}, true, "Cilium's options can't be read, its defaults are assumed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newServer()
			s.objects[pathCEP] = nil // An endpoint is a sign of an agent, too.
			tc.change(s)
			inv := collect(t, s, Options{})
			if got := missing(inv); !slices.Equal(got, tc.missing) || inv.Settings.Agent != tc.agent {
				t.Errorf("missing %q, want %q; agent %t, want %t", got, tc.missing, inv.Settings.Agent, tc.agent)
			}
			if len(inv.Missing) > 0 && !strings.Contains(inv.Missing[0].Message, tc.message) {
				t.Errorf("message %q, want %q", inv.Missing[0].Message, tc.message)
			}
		})
	}
}

package live

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

func collect(t *testing.T, s *server, o Options) *inventory.Inventory {
	t.Helper()
	inv, err := Collect(context.Background(), s.start(t), o)
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

// missing is "resource namespace reason" of each piece of missing evidence.
func missing(inv *inventory.Inventory) []string {
	var all []string
	for _, m := range inv.Missing {
		all = append(all, strings.Join(strings.Fields(m.Resource+" "+scopeText(m.Scope)+" "+string(m.Reason)), " "))
	}
	return all
}

func TestCollect(t *testing.T) {
	s := newServer()
	inv := collect(t, s, Options{})
	if inv.Origin != inventory.Live || len(inv.Missing) > 0 {
		t.Errorf("origin %q, missing %+v", inv.Origin, inv.Missing)
	}
	var pods, policies []string
	for _, p := range inv.Pods {
		pods = append(pods, p.Namespace+"/"+p.Name+" "+p.Workload.String())
		if want := strings.HasPrefix(p.Name, "sleeping-") || p.Name == "rw-1"; p.Expected != want {
			t.Errorf("pod %s expected: %t", p.Name, p.Expected)
		}
	}
	for _, p := range inv.Policies {
		policies = append(policies, p.String())
	}
	if d := cmp.Diff([]string{"shop/pg-1 cluster/pg", "shop/rw-1 pooler/rw", "web/a pod/a", "web/b pod/b", "web/c pod/c",
		"web/sleeping-1 cluster/sleeping", "web/sleeping-2 cluster/sleeping"}, pods); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"CiliumClusterwideNetworkPolicy/all", "CiliumNetworkPolicy/shop/broken", "CiliumNetworkPolicy/shop/good",
		"CiliumNetworkPolicy/web/late", "NetworkPolicy/web/np"}, policies); d != "" {
		t.Error(d)
	}
	if bad := inv.Policies[1]; bad.Unreadable == "" || bad.Object != nil {
		t.Errorf("the broken policy: %+v", bad)
	}
	if good := inv.Policies[2]; good.Condition == nil || !good.Condition.Valid || !good.Source.IsZero() {
		t.Errorf("the good policy: %+v", good)
	}
	if pg := inv.Pods[0]; pg.ServiceAccount != "pg" || len(pg.NamedPorts) != 1 || pg.Phase != "Running" {
		t.Errorf("the instance: %+v", pg)
	}
	if e := inv.Endpoints[types.NamespacedName{Namespace: "web", Name: "a"}]; e.IdentityID != 7 {
		t.Errorf("the endpoint: %+v", e)
	}
	if d := cmp.Diff([]inventory.Namespace{
		{Name: "cnpg-system", Labels: map[string]string{"kubernetes.io/metadata.name": "cnpg-system"}},
		{Name: "shop", Labels: map[string]string{"kubernetes.io/metadata.name": "shop", "team": "a"}},
		{Name: "web", Labels: map[string]string{"kubernetes.io/metadata.name": "web"}},
	}, inv.Namespaces); d != "" {
		t.Error(d)
	}
	if len(inv.Operators) != 1 || inv.Operators[0].Deployment != "op" || inv.Settings.ClusterName != "mesh" {
		t.Errorf("operators %+v, settings %+v", inv.Operators, inv.Settings)
	}
	if n := s.asked(pathCNP); n != 2 {
		t.Errorf("3 policies were read by %d requests of 2, want 2", n)
	}
}

func TestExpiredPagesAreReadAgainAtOnce(t *testing.T) {
	for _, path := range []string{pathClusters, pathCNP} {
		s := newServer()
		s.objects[pathClusters] = append(s.objects[pathClusters], `{"apiVersion":"postgresql.cnpg.io/v1","kind":"Cluster","metadata":{"name":"third","namespace":"web"},"spec":{"instances":1}}`)
		s.expireOnce[path] = true
		inv := collect(t, s, Options{})
		if len(inv.Missing) > 0 || len(inv.Clusters) != 3 || len(inv.Policies) != 5 {
			t.Errorf("%s: missing %v, %d clusters, %d policies", path, inv.Missing, len(inv.Clusters), len(inv.Policies))
		}
		if n := s.asked(path); n != 3 {
			t.Errorf("%s: %d requests, want one page, the refusal, and everything", path, n)
		}
	}
}

func TestSelection(t *testing.T) {
	t.Run("namespace", func(t *testing.T) {
		inv := collect(t, newServer(), Options{Namespace: "shop"})
		if len(inv.Clusters) != 1 || inv.Clusters[0].Name != "pg" || len(inv.Policies) != 5 {
			t.Errorf("%d clusters, %d policies", len(inv.Clusters), len(inv.Policies))
		}
	})
	t.Run("names", func(t *testing.T) {
		inv := collect(t, newServer(), Options{Names: []string{"sleeping"}})
		if len(inv.Clusters) != 1 || inv.Clusters[0].Name != "sleeping" || len(inv.Poolers) != 0 || len(inv.Pods) != 7 {
			t.Errorf("%d clusters, %d poolers, %d pods", len(inv.Clusters), len(inv.Poolers), len(inv.Pods))
		}
	})
	t.Run("operator namespace", func(t *testing.T) {
		inv := collect(t, newServer(), Options{OperatorNamespace: "mine"})
		if len(inv.Operators) != 1 || inv.Operators[0].Namespace != "mine" {
			t.Errorf("operators %+v", inv.Operators)
		}
	})
}

func TestForbiddenInAllNamespaces(t *testing.T) {
	s := newServer()
	for _, path := range []string{pathPods, pathCNP, pathNamespaces, pathDeploy} {
		s.refused[path] = http.StatusForbidden
	}
	inv := collect(t, s, Options{Namespace: "shop"})
	want := []string{
		"ciliumnetworkpolicies.cilium.io !shop Forbidden", "deployments.apps !shop Forbidden",
		"namespaces !shop Forbidden", "pods !shop Forbidden",
	}
	if d := cmp.Diff(want, missing(inv)); d != "" {
		t.Error(d)
	}
	if len(inv.Pods) != 2 || len(inv.Policies) != 4 || inv.Namespaces[0].Labels["team"] != "a" {
		t.Errorf("%d pods, %d policies, namespaces %+v", len(inv.Pods), len(inv.Policies), inv.Namespaces)
	}
	for _, m := range inv.Missing {
		if !strings.Contains(m.Message, `"shop" only`) || m.Remedy.IsZero() {
			t.Errorf("%+v", m)
		}
	}
}

func TestMissingEvidence(t *testing.T) {
	for _, tc := range []struct {
		name    string
		change  func(*server)
		options Options
		want    []string
		message string
	}{
		{
			"forbidden everywhere, no namespace of interest",
			func(s *server) { s.refused[pathCNP] = http.StatusForbidden }, Options{},
			[]string{"ciliumnetworkpolicies.cilium.io Forbidden"}, "answer 403",
		},
		{
			"forbidden in the namespace too",
			func(s *server) {
				s.refused[pathPods] = http.StatusForbidden
				s.refused["/api/v1/namespaces/shop/pods"] = http.StatusForbidden
			}, Options{Namespace: "shop"},
			[]string{"pods Forbidden"}, "answer 403",
		},
		{
			"clusters of a namespace forbidden",
			func(s *server) {
				s.refused["/apis/postgresql.cnpg.io/v1/namespaces/shop/clusters"] = http.StatusForbidden
			},
			Options{Namespace: "shop"}, []string{"clusters.postgresql.cnpg.io shop Forbidden"}, "answer 403",
		},
		{
			"Cilium not installed",
			func(s *server) {
				for _, p := range []string{pathCNP, pathCCNP, pathCEP, pathConfig} {
					delete(s.objects, p)
				}
			}, Options{},
			[]string{
				"ciliumclusterwidenetworkpolicies.cilium.io NotInstalled", "ciliumendpoints.cilium.io NotInstalled",
				"ciliumnetworkpolicies.cilium.io NotInstalled", "configmaps NotInstalled",
			}, "the server does not know ciliumclusterwidenetworkpolicies.cilium.io",
		},
		{
			"CloudNativePG not installed",
			func(s *server) { delete(s.objects, pathClusters); delete(s.objects, pathPoolers) }, Options{},
			[]string{"clusters.postgresql.cnpg.io NotInstalled", "poolers.postgresql.cnpg.io NotInstalled"}, "the server does not know clusters.postgresql.cnpg.io",
		},
		{
			"a kind fails",
			func(s *server) { s.refused[pathCCNP] = http.StatusInternalServerError }, Options{},
			[]string{"ciliumclusterwidenetworkpolicies.cilium.io Failed"}, "could not be read: ",
		},
		{
			"a cluster that can't be decoded hides no other",
			func(s *server) {
				s.objects[pathClusters] = append(s.objects[pathClusters], `{"apiVersion":"postgresql.cnpg.io/v1","kind":"Cluster","metadata":{"name":"odd","namespace":"web"},"spec":{"instances":"two"}}`)
			}, Options{},
			[]string{"clusters.postgresql.cnpg.io Failed"}, "web/odd: spec.instances: text is here, and a whole number is needed",
		},
		{
			"an endpoint that can't be decoded",
			func(s *server) {
				s.objects[pathCEP] = append(s.objects[pathCEP], `{"metadata":{"name":"odd","namespace":"web"},"status":{"identity":1}}`)
			}, Options{},
			[]string{"ciliumendpoints.cilium.io Failed"}, "web/odd: status.identity: a number is here, and a mapping is needed",
		},
		{
			"cluster network policies are optional, forbidden or not",
			func(s *server) { s.refused[pathCluNP] = http.StatusForbidden }, Options{}, nil, "",
		},
		{
			"cluster network policies matter when Cilium reads them",
			func(s *server) {
				s.refused[pathCluNP] = http.StatusForbidden
				s.objects[pathConfig] = []string{`{"metadata":{"name":"cilium-config","namespace":"kube-system"},"data":{"enable-k8s-cluster-network-policy":"true"}}`}
			}, Options{},
			[]string{"clusternetworkpolicies.policy.networking.k8s.io Forbidden"}, "answer 403",
		},
		{
			"settings forbidden",
			func(s *server) {
				s.refused[pathConfig] = http.StatusForbidden
				s.refused[pathDaemonSets] = http.StatusForbidden
			}, Options{},
			[]string{"configmaps Forbidden"}, "enable-policy=default",
		},
		{
			"settings that can't be used",
			func(s *server) {
				s.objects[pathConfig] = []string{`{"metadata":{"name":"cilium-config","namespace":"kube-system"},"data":{"enable-policy":"some"}}`}
			}, Options{},
			[]string{"configmaps Failed"}, `"enable-policy"`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newServer()
			tc.change(s)
			inv := collect(t, s, tc.options)
			if d := cmp.Diff(tc.want, missing(inv)); d != "" {
				t.Fatal(d)
			}
			for _, m := range inv.Missing {
				if m.Remedy.IsZero() || m.Message == "" {
					t.Errorf("%+v", m)
				}
			}
			if len(tc.want) > 0 && !strings.Contains(inv.Missing[0].Message, tc.message) {
				t.Errorf("message %q, want %q", inv.Missing[0].Message, tc.message)
			}
		})
	}
}

func TestSettingsBesideTheDaemonSet(t *testing.T) {
	const beside = "/api/v1/namespaces/net/configmaps/cilium-config"
	s := newServer()
	delete(s.objects, pathConfig)
	s.objects[pathDaemonSets] = []string{`{"metadata":{"name":"cilium","namespace":"net","labels":{"k8s-app":"cilium"}}}`}
	t.Run("read", func(t *testing.T) {
		s.objects[beside] = []string{`{"metadata":{"name":"cilium-config","namespace":"net"},"data":{"enable-policy":"always"}}`}
		inv := collect(t, s, Options{})
		if inv.Settings.Source != "net/cilium-config" || inv.Settings.EnablePolicy != "always" || len(inv.Missing) > 0 {
			t.Errorf("settings %+v, missing %+v", inv.Settings, inv.Missing)
		}
	})
	t.Run("not there", func(t *testing.T) {
		delete(s.objects, beside)
		inv := collect(t, s, Options{})
		if !inv.Settings.Agent || inv.Settings.Found || !slices.Equal(missing(inv), []string{"configmaps Failed"}) {
			t.Errorf("settings %+v, missing %+v", inv.Settings, inv.Missing)
		}
	})
}

func TestTheOperatorWithoutItsLabel(t *testing.T) {
	s := newServer()
	s.objects[pathDeploy] = nil
	s.objects[pathWebhooks] = []string{`{"metadata":{"name":"cnpg-mutating-webhook-configuration"},"webhooks":[
		{"name":"mbackup.cnpg.io","clientConfig":{"service":{"name":"hook","namespace":"web"}}},
		{"name":"mcluster.cnpg.io","clientConfig":{"service":{"name":"hook","namespace":"web"}}}]}`}
	t.Run("webhook", func(t *testing.T) {
		inv := collect(t, s, Options{})
		if len(inv.Operators) != 1 || inv.Operators[0].Namespace != "web" || inv.Operators[0].PodLabels != nil {
			t.Errorf("operators %+v", inv.Operators)
		}
	})
	t.Run("webhook and pods of its service", func(t *testing.T) {
		s.objects["/api/v1/namespaces/web/services/hook"] = []string{`{"metadata":{"name":"hook","namespace":"web"},"spec":{"selector":{"app":"op"}}}`}
		s.objects[pathPods] = append(s.objects[pathPods], `{"metadata":{"name":"op","namespace":"web","labels":{"app":"op"}},"spec":{"serviceAccountName":"op"},"status":{"phase":"Running"}}`)
		inv := collect(t, s, Options{})
		if len(inv.Operators) != 1 || inv.Operators[0].PodLabels["app"] != "op" || inv.Operators[0].ServiceAccount != "op" {
			t.Errorf("operators %+v", inv.Operators)
		}
	})
	t.Run("nothing may be read", func(t *testing.T) {
		s.refused[pathWebhooks] = http.StatusForbidden
		inv := collect(t, s, Options{})
		if len(inv.Operators) != 0 || !slices.Equal(missing(inv), []string{"mutatingwebhookconfigurations.admissionregistration.k8s.io Forbidden"}) {
			t.Errorf("operators %+v, missing %+v", inv.Operators, inv.Missing)
		}
	})
	t.Run("pods", func(t *testing.T) {
		s.objects[pathPods] = append(s.objects[pathPods], `{"metadata":{"name":"real","namespace":"web","labels":{"app.kubernetes.io/name":"cloudnative-pg"}},"status":{"phase":"Running"}}`)
		inv := collect(t, s, Options{})
		if len(inv.Operators) != 1 || inv.Operators[0].PodLabels["app.kubernetes.io/name"] != "cloudnative-pg" {
			t.Errorf("operators %+v", inv.Operators)
		}
	})
}

func TestNoServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	clients, err := NewClients(&rest.Config{Host: "http://" + address})
	if err != nil {
		t.Fatal(err)
	}
	inv, err := Collect(context.Background(), clients, Options{})
	if inv != nil || err == nil || !strings.Contains(err.Error(), address) || !strings.Contains(err.Error(), "can't be reached") {
		t.Errorf("inventory %v, error %v", inv, err)
	}
}

func TestCredentialsRefused(t *testing.T) {
	s := newServer()
	for path := range s.objects {
		s.refused[path] = http.StatusUnauthorized
	}
	clients := s.start(t)
	inv, err := Collect(context.Background(), clients, Options{})
	if inv != nil || err == nil || !strings.Contains(err.Error(), "does not accept the credentials") || !strings.Contains(err.Error(), clients.Server) {
		t.Errorf("inventory %v, error %v", inv, err)
	}
}

func TestAHangingServer(t *testing.T) {
	t.Run("cancelled", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newServer()
			s.freeze()
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Minute, cancel)
			began := time.Now()
			inv, err := Collect(ctx, s.start(t), Options{})
			if inv != nil || !errors.Is(err, context.Canceled) || time.Since(began) > 2*time.Minute {
				t.Errorf("inventory %v, error %v after %s", inv, err, time.Since(began))
			}
		})
	})
	t.Run("request timeout", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newServer()
			s.freeze()
			clients := clientsOf(t, s, time.Minute)
			if inv, err := Collect(t.Context(), clients, Options{}); inv != nil || err == nil || !strings.Contains(err.Error(), clients.Server) {
				t.Errorf("inventory %v, error %v", inv, err)
			}
		})
	})
}

func TestProgress(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]int{}
	collect(t, newServer(), Options{Progress: func(resource string, n int) {
		mu.Lock()
		defer mu.Unlock()
		seen[resource] = max(seen[resource], n)
	}})
	if seen["pods"] != 4 || seen["ciliumnetworkpolicies.cilium.io"] != 3 || seen["clusters.postgresql.cnpg.io"] != 2 {
		t.Errorf("progress %v", seen)
	}
}

func TestWatchingAHangingServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.freeze()
		clients := s.start(t)
		began := time.Now()
		w, err := Watch(t.Context(), clients, Options{Timeout: time.Minute})
		if w != nil || err == nil || !strings.Contains(err.Error(), clients.Server) || time.Since(began) > 2*time.Minute {
			t.Errorf("watcher %v, error %v after %s", w, err, time.Since(began))
		}
	})
}

// scopeText is a scope in short: nothing for everywhere, "!shop" for all but shop.
func scopeText(s inventory.Scope) string {
	if s.Except {
		return "!" + s.Namespace
	}
	return s.Namespace
}

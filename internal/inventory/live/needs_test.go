package live

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

const (
	pathServices   = "/api/v1/services"
	pathSlices     = "/apis/discovery.k8s.io/v1/endpointslices"
	pathSubs       = "/apis/postgresql.cnpg.io/v1/subscriptions"
	pathBackups    = "/apis/postgresql.cnpg.io/v1/backups"
	pathStores     = "/apis/barmancloud.cnpg.io/v1/objectstores"
	pathGroups     = "/apis/cilium.io/v2/ciliumcidrgroups"
	pathPodMon     = "/apis/monitoring.coreos.com/v1/podmonitors"
	pathServiceMon = "/apis/monitoring.coreos.com/v1/servicemonitors"
)

// newServerWithNeeds serves what databases need, and what refers to it.
func newServerWithNeeds() *server {
	s := newServer()
	s.objects[pathClusters] = []string{
		`{"metadata":{"name":"pg","namespace":"shop"},"spec":{"instances":1,"plugins":[{"name":"barman-cloud.cloudnative-pg.io"}],"bootstrap":{"recovery":{"backup":{"name":"b1"}}},"externalClusters":[{"name":"x","connectionParameters":{"host":"outside.web.svc"}}]}}`,
		`{"metadata":{"name":"other","namespace":"web"},"spec":{"instances":1}}`,
	}
	s.objects[pathServices] = []string{
		`{"metadata":{"name":"kubernetes","namespace":"default"},"spec":{"clusterIP":"10.96.0.1"}}`,
		`{"metadata":{"name":"outside","namespace":"web","managedFields":[{"manager":"x"}]},"spec":{"ports":[{"port":5432}]}}`,
		`{"metadata":{"name":"unrelated","namespace":"web"},"spec":{"ports":[{"port":80}]}}`,
	}
	s.objects[pathSlices] = []string{
		`{"metadata":{"name":"kubernetes","namespace":"default","labels":{"kubernetes.io/service-name":"kubernetes"}},"addressType":"IPv4","endpoints":[{"addresses":["192.168.7.10"]}]}`,
		`{"metadata":{"name":"outside-x","namespace":"web","labels":{"kubernetes.io/service-name":"outside"}},"addressType":"IPv4","endpoints":[{"addresses":["203.0.113.9"]}]}`,
		`{"metadata":{"name":"unrelated-x","namespace":"web","labels":{"kubernetes.io/service-name":"unrelated"}},"addressType":"IPv4","endpoints":[]}`,
	}
	s.objects[pathSubs] = []string{`{"metadata":{"name":"sub","namespace":"shop"},"spec":{"externalClusterName":"x"}}`}
	s.objects[pathBackups] = []string{`{"metadata":{"name":"b1","namespace":"shop"}}`, `{"metadata":{"name":"b2","namespace":"shop"}}`}
	s.objects[pathStores] = []string{`{"metadata":{"name":"store","namespace":"shop"},"spec":{"configuration":{"endpointURL":"https://objects.example.com"}}}`}
	s.objects[pathGroups] = []string{`{"metadata":{"name":"lan"},"spec":{"externalCIDRs":["10.0.0.0/8"]}}`}
	s.objects[pathPodMon] = []string{`{"metadata":{"name":"pg","namespace":"shop"},"spec":{"selector":{}}}`}
	s.objects[pathServiceMon] = []string{}
	s.objects[pathCNP] = append(s.objects[pathCNP], `{"metadata":{"name":"groups","namespace":"shop"},"spec":{"endpointSelector":{},"ingress":[{"fromCIDRSet":[{"cidrGroupRef":"lan"}]}]}}`)
	for path, kind := range map[string][2]string{
		pathServices: {"v1", "ServiceList"}, pathSlices: {"discovery.k8s.io/v1", "EndpointSliceList"},
		pathSubs: {"postgresql.cnpg.io/v1", "SubscriptionList"}, pathStores: {"barmancloud.cnpg.io/v1", "ObjectStoreList"},
		pathGroups: {"cilium.io/v2", "CiliumCIDRGroupList"}, pathPodMon: {"monitoring.coreos.com/v1", "PodMonitorList"},
		pathServiceMon: {"monitoring.coreos.com/v1", "ServiceMonitorList"},
	} {
		listKinds[path] = kind
	}
	return s
}

// found is what was found, in words.
func found(inv *inventory.Inventory) []string {
	var out []string
	for _, c := range inv.Others {
		out = append(out, "other "+c.Namespace+"/"+c.Name)
	}
	for _, s := range inv.Services {
		if len(s.ManagedFields) == 0 {
			out = append(out, "service "+s.Namespace+"/"+s.Name)
		}
	}
	for _, s := range inv.EndpointSlices {
		out = append(out, "slice "+s.Name)
	}
	for _, s := range inv.Subscriptions {
		out = append(out, "subscription "+s.Name)
	}
	for _, b := range inv.Backups {
		out = append(out, "backup "+b.Name)
	}
	for _, s := range inv.ObjectStores {
		out = append(out, "store "+s.Namespace+"/"+s.Name+" "+s.Spec.Configuration.EndpointURL)
	}
	for _, g := range inv.CIDRGroups {
		out = append(out, "group "+g.Name)
	}
	for _, m := range inv.Monitors {
		out = append(out, m.Kind+" "+m.Name)
	}
	return out
}

func TestWhatDatabasesNeedIsRead(t *testing.T) {
	s := newServerWithNeeds()
	inv := collect(t, s, Options{})
	if d := cmp.Diff([]string{
		"service default/kubernetes", "service web/outside", "service web/unrelated", "slice kubernetes", "slice outside-x",
		"subscription sub", "backup b1", "store shop/store https://objects.example.com", "group lan", "PodMonitor pg",
	}, found(inv)); d != "" {
		t.Error(d)
	}
	if len(inv.Missing)+len(inv.Unseen) > 0 || !inv.AllServices || !inv.AllCIDRGroups {
		t.Errorf("missing %v, unseen %v, all %t %t", inv.Missing, inv.Unseen, inv.AllServices, inv.AllCIDRGroups)
	}
}

func TestClustersElsewhere(t *testing.T) {
	s := newServerWithNeeds()
	if got := found(collect(t, s, Options{Namespace: "shop"}))[0]; got != "other web/other" {
		t.Error(got)
	}
	if got := found(collect(t, s, Options{Namespace: "shop", Names: []string{"none"}})); !slices.Contains(got, "other shop/pg") {
		t.Errorf("a cluster that nobody asked about is gone: %v", got)
	}
	s.refused[pathClusters] = http.StatusForbidden
	inv := collect(t, s, Options{Namespace: "shop"})
	if len(inv.Clusters) != 1 || len(inv.Others) > 0 || len(inv.Missing) > 0 || len(inv.Unseen) != 1 {
		t.Errorf("%d clusters, missing %v, unseen %v", len(inv.Clusters), inv.Missing, inv.Unseen)
	}
}

// What nothing refers to is not asked for, and kinds that are not there are no loss.
func TestNothingIsReadThatNobodyRefersTo(t *testing.T) {
	s := newServer()
	s.objects[pathServices], s.objects[pathSlices] = []string{}, []string{}
	inv := collect(t, s, Options{})
	for _, path := range []string{pathBackups, pathStores, pathGroups} {
		if n := s.asked(path); n > 0 {
			t.Errorf("%s was asked for %d times", path, n)
		}
	}
	if len(inv.Missing)+len(inv.Unseen) > 0 {
		t.Errorf("missing %v, unseen %v", inv.Missing, inv.Unseen)
	}
}

// Without a permission for these kinds, only is unknown what depends on them.
func TestRefusedNeedsAreNoMissingEvidence(t *testing.T) {
	s := newServerWithNeeds()
	for _, path := range []string{pathServices, pathSlices, pathSubs, pathStores, pathGroups, pathPodMon} {
		s.refused[path] = http.StatusForbidden
	}
	s.refused["/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"] = http.StatusForbidden
	inv := collect(t, s, Options{})
	var unseen []string
	for _, m := range inv.Unseen {
		unseen = append(unseen, m.Resource+" "+string(m.Reason))
	}
	slices.Sort(unseen)
	if d := cmp.Diff([]string{
		"ciliumcidrgroups.cilium.io Forbidden", "endpointslices.discovery.k8s.io Forbidden", "objectstores.barmancloud.cnpg.io Forbidden",
		"podmonitors.monitoring.coreos.com Forbidden", "services Forbidden", "subscriptions.postgresql.cnpg.io Forbidden",
	}, unseen); d != "" {
		t.Error(d)
	}
	if len(inv.Missing) > 0 || inv.AllServices || inv.AllCIDRGroups {
		t.Errorf("missing %v, all %t %t", inv.Missing, inv.AllServices, inv.AllCIDRGroups)
	}
}

func TestNeedsAroundTwoNamespaces(t *testing.T) {
	s := newServerWithNeeds()
	inv := collect(t, s, Options{Around: []string{"shop", "web"}})
	if got := strings.Join(found(inv), ", "); inv.AllServices || !strings.Contains(got, "service web/outside") || strings.Contains(got, "default/kubernetes") || !strings.Contains(got, "group lan") {
		t.Errorf("all services %t, found %s", inv.AllServices, got)
	}
}

func TestNeedsAreWatched(t *testing.T) {
	want := found(collect(t, newServerWithNeeds(), Options{}))
	synctest.Test(t, func(t *testing.T) {
		w := watchServer(t, newServerWithNeeds(), Options{})
		inv := eventually(t, w, "everything is read", nothingMissing)
		if d := cmp.Diff(want, found(inv)); d != "" {
			t.Errorf("difference (-once +watched):\n%s", d)
		}
	})
}

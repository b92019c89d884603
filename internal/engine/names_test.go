package engine_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// outside asks for app/web → somebody outside, of whom there may be several identities.
func (w smallWorld) outside(t *testing.T, port uint16, of func(*engine.Identities, engine.World) ([]*engine.Identity, error)) v1alpha1.Verdict {
	t.Helper()
	ids, err := engine.NewIdentitiesAmong(w.settings, w.around)
	if err != nil {
		t.Fatal(err)
	}
	pods, err := ids.Pods([]inventory.Pod{{Namespace: "app", Name: "web", Labels: map[string]string{"app": "web"}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	read, err := engine.ReadAmong(w.settings, w.read(t), w.around)
	if err != nil {
		t.Fatal(err)
	}
	peers, err := of(ids, engine.WorldOf(read))
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(ids, read)
	if err != nil {
		t.Fatal(err)
	}
	var all []engine.Decision
	for _, peer := range peers {
		all = append(all, e.Decide(pods[0], peer, port))
	}
	return engine.Either("it depends on the address", all...).Verdict
}

func TestNames(t *testing.T) {
	const store = "s3.eu-west-1.amazonaws.com"
	for name, tc := range map[string]struct {
		egress string
		name   string
		want   v1alpha1.Verdict
	}{
		"by name":                    {"toFQDNs: [{matchName: s3.eu-west-1.amazonaws.com}]", store, allowed},
		"a dot at the end":           {"toFQDNs: [{matchName: s3.eu-west-1.amazonaws.com}]", store + ".", allowed},
		"in capitals":                {"toFQDNs: [{matchName: S3.eu-west-1.amazonaws.com}]", "S3.EU-west-1.amazonaws.com", allowed},
		"another name":               {"toFQDNs: [{matchName: s3.eu-west-1.amazonaws.com}]", "s3.us-east-1.amazonaws.com", denied},
		"by pattern":                 {"toFQDNs: [{matchPattern: s3.*.amazonaws.com}]", store, allowed},
		"a star does not cross dots": {"toFQDNs: [{matchPattern: '*.amazonaws.com'}]", store, denied},
		"two stars do":               {"toFQDNs: [{matchPattern: '**.amazonaws.com'}]", store, allowed},
		"the world":                  {"toEntities: [world]", store, allowed},
		"all of IPv4":                {"toCIDR: [0.0.0.0/0]", store, allowed},
		"a part of it":               {"toCIDR: [52.0.0.0/8]", store, unknown},
		"all but a part":             {"toCIDRSet: [{cidr: 0.0.0.0/0, except: [10.0.0.0/8]}]", store, unknown},
		"a group that is not known":  {"toCIDRSet: [{cidrGroupRef: aws}]", store, unknown},
		"only the cluster":           {"toEntities: [cluster]", store, denied},
		"only the API server":        {"toEntities: [kube-apiserver]", store, denied},
	} {
		t.Run(name, func(t *testing.T) {
			w := smallWorldWith(rules("app", "egress: [{"+tc.egress+"}]"))
			got := w.outside(t, 443, func(ids *engine.Identities, world engine.World) ([]*engine.Identity, error) {
				return ids.Name(tc.name, world)
			})
			if got != tc.want {
				t.Errorf("%s is %s, want %s", tc.name, got, tc.want)
			}
		})
	}
}

func TestAPIServers(t *testing.T) {
	address := netip.MustParseAddr("192.168.7.10")
	nodes := func(s *inventory.Settings) { s.CIDRMatchMode = []string{"nodes"} }
	for name, tc := range map[string]struct {
		egress  string
		change  func(*inventory.Settings)
		place   engine.Place
		address netip.Addr
		want    v1alpha1.Verdict
	}{
		"the entity, outside":                             {"toEntities: [kube-apiserver]", nil, engine.Outside, address, allowed},
		"the entity, on another node":                     {"toEntities: [kube-apiserver]", nil, engine.OnOtherNode, address, allowed},
		"the entity, on the same node":                    {"toEntities: [kube-apiserver]", nil, engine.OnSameNode, address, allowed},
		"the host, on the same node":                      {"toEntities: [host]", nil, engine.OnSameNode, address, allowed},
		"the host, on another node":                       {"toEntities: [host]", nil, engine.OnOtherNode, address, denied},
		"other nodes, on another node":                    {"toEntities: [remote-node]", nil, engine.OnOtherNode, address, allowed},
		"the address, outside":                            {"toCIDR: [192.168.7.10/32]", nil, engine.Outside, address, allowed},
		"the address, on a node":                          {"toCIDR: [192.168.7.10/32]", nil, engine.OnOtherNode, address, denied},
		"the address, on the same node":                   {"toCIDR: [192.168.7.10/32]", nil, engine.OnSameNode, address, denied},
		"the address, on a node, and the mode says nodes": {"toCIDR: [192.168.7.10/32]", nodes, engine.OnOtherNode, address, allowed},
		"another address, and the mode says nodes":        {"toCIDR: [192.168.7.11/32]", nodes, engine.OnOtherNode, address, denied},
		"an unknown address, and the mode says nodes":     {"toCIDR: [192.168.7.10/32]", nodes, engine.OnOtherNode, netip.Addr{}, unknown},
		"an unknown address, outside":                     {"toCIDR: [192.168.7.10/32]", nil, engine.Outside, netip.Addr{}, unknown},
		"the world, outside":                              {"toEntities: [world]", nil, engine.Outside, address, allowed},
		"the world, on a node":                            {"toEntities: [world]", nil, engine.OnOtherNode, address, denied},
	} {
		t.Run(name, func(t *testing.T) {
			w := smallWorldWith(rules("app", "egress: [{"+tc.egress+"}]"))
			if tc.change != nil {
				tc.change(&w.settings)
			}
			got := w.outside(t, 6443, func(ids *engine.Identities, world engine.World) ([]*engine.Identity, error) {
				return ids.APIServer(tc.place, tc.address, world)
			})
			if got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestServicesThatRulesName(t *testing.T) {
	known := engine.Around{AllServices: true, Services: []engine.Service{
		{Namespace: "db", Name: "pg-rw", Labels: map[string]string{"tier": "db"}, Selector: map[string]string{"cnpg.io/cluster": "pg"}},
		{Namespace: "db", Name: "outside", Backends: []netip.Addr{netip.MustParseAddr("203.0.113.9")}, BackendsKnown: true},
		{Namespace: "db", Name: "empty"},
	}}
	seen := known
	seen.AllServices = false
	for name, tc := range map[string]struct {
		egress string
		around engine.Around
		asked  []asked
	}{
		"its pods":                              {"toServices: [{k8sService: {serviceName: pg-rw, namespace: db}}]", known, []asked{{"app/web → db/pg", 5432, allowed}, {"app/web → app/api", 5432, denied}}},
		"on its port":                           {"toServices: [{k8sService: {serviceName: pg-rw, namespace: db}}], toPorts: [{ports: [{port: '5432'}]}]", seen, []asked{{"app/web → db/pg", 5432, allowed}, {"app/web → db/pg", 8000, denied}}},
		"by labels":                             {"toServices: [{k8sServiceSelector: {selector: {matchLabels: {tier: db}}}}]", known, []asked{{"app/web → db/pg", 5432, allowed}, {"app/web → app/api", 5432, denied}}},
		"there may be others with these labels": {"toServices: [{k8sServiceSelector: {selector: {matchLabels: {tier: db}}}}]", seen, []asked{{"app/web → db/pg", 5432, allowed}, {"app/web → app/api", 5432, unknown}}},
		"in no namespace":                       {"toServices: [{k8sService: {serviceName: pg-rw}}]", seen, []asked{{"app/web → db/pg", 5432, allowed}, {"app/web → app/api", 5432, unknown}}},
		"none of that name":                     {"toServices: [{k8sService: {serviceName: gone, namespace: db}}]", known, []asked{{"app/web → db/pg", 5432, denied}}},
		"not seen":                              {"toServices: [{k8sService: {serviceName: gone, namespace: db}}]", seen, []asked{{"app/web → db/pg", 5432, unknown}}},
		"addresses":                             {"toServices: [{k8sService: {serviceName: outside, namespace: db}}]", known, []asked{{"app/web → cidr:203.0.113.9/32", 5432, allowed}, {"app/web → db/pg", 5432, denied}}},
		"addresses that are not known":          {"toServices: [{k8sService: {serviceName: empty, namespace: db}}]", known, []asked{{"app/web → world", 5432, unknown}}},
	} {
		t.Run(name, func(t *testing.T) {
			w := smallWorldWith(rules("app", "egress: [{"+tc.egress+"}]"))
			w.around = tc.around
			for _, a := range tc.asked {
				if got := w.ask(t, a.question, a.port); got.Verdict != a.want {
					t.Errorf("%s:%d is %s, want %s (%s)", a.question, a.port, got.Verdict, a.want, got.Egress.Reason)
				}
			}
		})
	}
}

func TestKnownGroups(t *testing.T) {
	group := cidrGroup("lan", map[string]string{"zone": "in"}, "10.0.0.0/8")
	for name, tc := range map[string]struct {
		ingress string
		all     bool
		asked   []asked
	}{
		"by name":                        {"fromCIDRSet: [{cidrGroupRef: lan}]", false, []asked{{"cidr:10.0.0.0/8 → db/pg", 5432, allowed}, {"world → db/pg", 5432, denied}}},
		"less than a group":              {"fromCIDRSet: [{cidrGroupRef: lan}, {cidr: 10.1.0.0/16}]", false, []asked{{"cidr:10.1.0.0/16 → db/pg", 5432, allowed}}},
		"by labels":                      {"fromCIDRSet: [{cidrGroupSelector: {matchLabels: {zone: in}}}]", true, []asked{{"cidr:10.0.0.0/8 → db/pg", 5432, allowed}, {"world → db/pg", 5432, denied}}},
		"by labels that others may have": {"fromCIDRSet: [{cidrGroupSelector: {matchLabels: {zone: in}}}]", false, []asked{{"cidr:10.0.0.0/8 → db/pg", 5432, allowed}, {"world → db/pg", 5432, unknown}}},
	} {
		t.Run(name, func(t *testing.T) {
			w := smallWorldWith(rules("db", "ingress: [{"+tc.ingress+"}]"))
			w.around = engine.Around{CIDRGroups: group, AllCIDRGroups: tc.all}
			for _, a := range tc.asked {
				if got := w.ask(t, a.question, a.port); got.Verdict != a.want {
					t.Errorf("%s:%d is %s, want %s (%s)", a.question, a.port, got.Verdict, a.want, got.Ingress.Reason)
				}
			}
			read, err := engine.ReadAmong(w.settings, w.read(t), w.around)
			if err != nil {
				t.Fatal(err)
			}
			world := engine.WorldOf(read)
			if !slices.Contains(world.Prefixes, netip.MustParsePrefix("10.0.0.0/8")) || len(world.CIDRGroups) > 0 {
				t.Errorf("the world has prefixes %v and groups %q", world.Prefixes, world.CIDRGroups)
			}
		})
	}
}

func TestAroundOf(t *testing.T) {
	inv := &inventory.Inventory{}
	inv.AllServices = true
	inv.Services = []*corev1.Service{
		{ObjectMeta: metav1.ObjectMeta{Namespace: "db", Name: "outside", Labels: map[string]string{"a": "b"}}},
		{ObjectMeta: metav1.ObjectMeta{Namespace: "db", Name: "empty"}},
	}
	inv.EndpointSlices = []*discoveryv1.EndpointSlice{{
		ObjectMeta: metav1.ObjectMeta{Namespace: "db", Name: "x", Labels: map[string]string{discoveryv1.LabelServiceName: "outside"}},
		Endpoints:  []discoveryv1.Endpoint{{Addresses: []string{"203.0.113.9"}}},
	}}
	if got := engine.AroundOf(inv); len(got.Services) > 0 {
		t.Errorf("no policy names a Service, and there is %v", got.Services)
	}
	inv.Policies = smallWorldWith(rules("app", "egress: [{toServices: [{k8sService: {serviceName: outside, namespace: db}}]}]")).read(t)
	got := engine.AroundOf(inv)
	want := []engine.Service{
		{Namespace: "db", Name: "outside", Labels: map[string]string{"a": "b"}, Backends: []netip.Addr{netip.MustParseAddr("203.0.113.9")}, BackendsKnown: true},
		{Namespace: "db", Name: "empty"},
	}
	if d := cmp.Diff(want, got.Services, cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmpopts.IgnoreUnexported(engine.Service{})); d != "" || !got.AllServices || got.AllCIDRGroups {
		t.Errorf("%+v\n%s", got, d)
	}
}

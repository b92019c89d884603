package probe_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/probe"
)

// addressed gives each pod an address, 10.0.0.N, and the cluster its Services.
func addressed(inv *inventory.Inventory) {
	address := netip.MustParseAddr("10.0.0.1")
	for i := range inv.Pods {
		inv.Pods[i].Addresses = []netip.Addr{address}
		address = address.Next()
	}
	for name, ip := range map[string]string{"pg-rw": "10.96.0.1", "pooler": "10.96.0.2"} {
		inv.Services = append(inv.Services, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}, Spec: corev1.ServiceSpec{ClusterIP: ip}})
	}
	for _, p := range inv.Poolers {
		p.Spec.Type = cnpgv1.PoolerTypeRW
	}
}

// words are a plan as text: a line for each client.
func words(p probe.Plan) []string {
	out := []string{}
	for _, c := range p.Clients {
		line := c.Name
		if c.Control {
			line = "control " + line
		}
		if c.Container != "" {
			line += " in " + c.Container
		}
		if c.Unfit != "" {
			line += ": " + c.Unfit
		}
		for _, one := range c.Connections {
			line += ", " + one.To + " " + string(one.Expected)
		}
		out = append(out, line)
	}
	return out
}

func expectWords(t *testing.T, p probe.Plan, want ...string) {
	t.Helper()
	if got := words(p); !slices.Equal(got, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// A question is tried at each pod and at the Service, and others who are let in try the same: the target itself, and one that
// comes by the network.
func TestOfQuestion(t *testing.T) {
	controls := []string{
		"control pod/pg-1 in postgres, pod/pg-1 allowed, pod/pg-2 allowed, service/pg-rw allowed",
		"control pod/pg-2 in postgres, pod/pg-1 allowed, pod/pg-2 allowed",
	}
	for name, tc := range map[string]struct {
		locked bool
		source string
		query  explain.Query
		change []func(*inventory.Inventory)
		want   []string
	}{
		"denied":    {true, "pod/web", explain.Query{Port: "5432"}, nil, append([]string{"pod/web, pod/pg-1 denied, pod/pg-2 denied, service/pg-rw denied"}, controls...)},
		"allowed":   {false, "pod/web", explain.Query{Port: "5432"}, nil, append([]string{"pod/web, pod/pg-1 allowed, pod/pg-2 allowed, service/pg-rw allowed"}, controls...)},
		"an entity": {true, "world", explain.Query{Port: "5432"}, nil, []string{"world: no pod of world runs whose identity a connection could have"}},
		"a pod of the cluster connects itself": {true, "pod/pg-1", explain.Query{Port: "8000"}, nil, []string{
			"pod/pg-1 in postgres, pod/pg-2 allowed", "control pod/pg-1 in postgres, pod/pg-2 allowed", "control pod/pg-2 in postgres, pod/pg-2 allowed",
		}},
		"on its node's network": {true, "pod/web", explain.Query{Port: "5432"}, []func(*inventory.Inventory){fixture.OnNode("shop", "web", "192.0.2.1")}, []string{
			"pod/web: it is on its node's network, and has no identity of its own",
		}},
		"not managed by Cilium": {true, "pod/web", explain.Query{Port: "5432"}, []func(*inventory.Inventory){fixture.Unmanaged("shop", "web")}, []string{
			"pod/web: Cilium does not manage it, so that it has no identity",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			changes := append([]func(*inventory.Inventory){addressed}, tc.change...)
			inv := fixture.World(t, changes...)
			if tc.locked {
				inv = fixture.Locked(t, fixture.Flags(fixture.Backends), changes...)
			}
			q, err := fixture.Ask(t, inv, fixture.Database(), tc.source, tc.query)
			if err != nil {
				t.Fatal(err)
			}
			expectWords(t, probe.OfQuestion(q), tc.want...)
		})
	}
}

// A change is tried with those who lose access and with what the cluster needs.
func TestOfChange(t *testing.T) {
	before, err := model.New(fixture.World(t, addressed), model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := change.ProposeLockdown(before, []policyset.Options{fixture.Options(t, fixture.Database(), fixture.Flags(fixture.Backends))})
	if err != nil {
		t.Fatal(err)
	}
	after, err := model.New(fixture.Locked(t, fixture.Flags(fixture.Backends), addressed), model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	expectWords(t, probe.OfChange(after, after.Cluster(fixture.Database()), p.Previews[0].Whole()),
		"pod/web, pod/pg-1 denied, pod/pg-2 denied, pod/pg-rw-1 denied",
		"the operator, pod/pg-1 allowed, pod/pg-2 allowed",
		"pod/pg-1 in postgres, pod/pg-2 allowed, pod/pg-2 allowed",
		"pod/pg-2 in postgres, pod/pg-1 allowed, pod/pg-1 allowed",
		"pooler/pg-rw in pgbouncer, pod/pg-1 allowed, pod/pg-2 allowed",
		"control pod/pg-1 in postgres, pod/pg-1 allowed, pod/pg-2 allowed, pod/pg-rw-1 allowed, pod/pg-1 allowed, pod/pg-2 allowed",
		"control pod/pg-2 in postgres, pod/pg-1 allowed, pod/pg-2 allowed, pod/pg-1 allowed, pod/pg-2 allowed",
		"control pod/pg-rw-1 in pgbouncer, pod/pg-rw-1 allowed",
	)
}

func TestMergeTriesNothingTwice(t *testing.T) {
	one := probe.Connection{To: "pod/pg-1", Address: netip.MustParseAddr("10.0.0.1"), Port: 5432}
	other := probe.Connection{To: "pod/pg-2", Address: netip.MustParseAddr("10.0.0.2"), Port: 5432}
	client := func(connections ...probe.Connection) probe.Plan {
		c := probe.Client{Name: "pod/web", Connections: connections}
		c.Pod.Namespace, c.Pod.Name = "shop", "web"
		return probe.Plan{Clients: []probe.Client{c}}
	}
	merged := probe.Merge(client(one), client(one, other))
	if len(merged.Clients) != 1 || len(merged.Clients[0].Connections) != 2 {
		t.Fatalf("%+v", merged)
	}
	probes := []v1alpha1.Probe{
		{Namespace: "shop", Pod: "web", Target: "pod/pg-1", Address: "10.0.0.1", Port: 5432}, {Namespace: "shop", Pod: "web", Target: "pod/pg-2", Address: "10.0.0.2", Port: 5432},
	}
	if own := client(one).Of(probes); len(own) != 1 || own[0].Target != "pod/pg-1" {
		t.Errorf("%+v", own)
	}
}

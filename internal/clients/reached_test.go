package clients_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/clients"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/propose"
)

// What a database was seen to open and would lose is judged as Cilium would: by pod, name and address, and what can't be
// told is unknown and not lost.
func TestWhatALockdownOfEgressTakesAway(t *testing.T) {
	const (
		world  = `{"labels":["reserved:world"]}`
		worker = `{"namespace":"shop","pod_name":"worker","labels":["k8s:app=worker","k8s:io.kubernetes.pod.namespace=shop"],"workloads":[{"name":"worker","kind":"Deployment"}]}`
		gone   = `{"namespace":"shop","pod_name":"gone-1","labels":["k8s:app=gone","k8s:io.kubernetes.pod.namespace=shop"],"workloads":[{"name":"gone","kind":"Deployment"}]}`
		dns    = `{"namespace":"kube-system","pod_name":"coredns-1","labels":["k8s:k8s-app=kube-dns","k8s:io.kubernetes.pod.namespace=kube-system"],"workloads":[{"name":"coredns","kind":"Deployment"}]}`
	)
	for name, tc := range map[string]struct {
		to, names string
		port      int
		protocol  string
		flags     []string
		want      string
	}{
		"a pod":                    {worker, "", 8080, "TCP", nil, "shop/deployment/worker:8080 denied --allow-egress-pods=shop:app=worker:8080"},
		"a pod that a flag names":  {worker, "", 8080, "TCP", []string{"--allow-egress-pods=shop:app=worker:8080"}, ""},
		"another port of it":       {worker, "", 8081, "TCP", []string{"--allow-egress-pods=shop:app=worker:8080"}, "shop/deployment/worker:8081 denied --allow-egress-pods=shop:app=worker:8081"},
		"a pod that is gone":       {gone, "", 8080, "TCP", nil, "shop/deployment/gone:8080 denied --allow-egress-pods=shop:app=gone:8080"},
		"a name":                   {world, `["files.example.com"]`, 443, "TCP", nil, "files.example.com:443 denied --allow-egress-fqdn=files.example.com:443"},
		"a name that a flag names": {world, `["files.example.com"]`, 443, "TCP", []string{"--allow-egress-fqdn=files.example.com:443"}, ""},
		"one of its names is":      {world, `["a.example.net","files.example.com"]`, 443, "TCP", []string{"--allow-egress-fqdn=*.example.com:443"}, ""},
		"an address":               {world, "", 443, "TCP", nil, "192.0.2.7:443 denied --allow-egress-cidr=192.0.2.7/32:443"},
		"an address in a range":    {world, "", 443, "TCP", []string{"--allow-egress-cidr=192.0.2.0/24:443"}, ""},
		"a name beside others":     {world, `["other.example.net"]`, 443, "TCP", []string{"--allow-egress-fqdn=files.example.com:443"}, "other.example.net:443 denied --allow-egress-fqdn=other.example.net:443"},
		"an address beside names":  {world, "", 443, "TCP", []string{"--allow-egress-fqdn=files.example.com:443"}, "192.0.2.7:443 unknown whether it has one of the names that are let out to was not seen"},
		"DNS":                      {dns, "", 53, "UDP", nil, ""},
		"its own time server":      {world, "", 123, "UDP", nil, "192.0.2.7:123/UDP denied"},
	} {
		t.Run(name, func(t *testing.T) {
			names := ""
			if tc.names != "" {
				names = `"destination_names":` + tc.names + ","
			}
			l4 := fmt.Sprintf(`{%q:{"destination_port":%d}}`, tc.protocol, tc.port)
			line := fmt.Sprintf(`{"flow":{"time":"2026-01-02T10:00:00Z","source":{"namespace":"shop","pod_name":"orders-1","labels":["k8s:cnpg.io/cluster=orders","k8s:cnpg.io/podRole=instance"]},"destination":%s,%s"IP":{"source":"10.0.0.1","destination":"192.0.2.7"},"l4":%s,"verdict":"FORWARDED","event_type":{"type":4},"traffic_direction":"EGRESS","trace_observation_point":"TO_STACK","trace_reason":"NEW"}}`, tc.to, names, l4)
			inv := fixture.Load(t, fixture.Shop()...)
			inv.Pods = append(inv.Pods, inventory.Pod{Namespace: "kube-system", Name: "coredns-1", Labels: map[string]string{"k8s-app": "kube-dns"}, Workload: inventory.Workload{Kind: "deployment", Name: "coredns"}})
			f := observe.NewFlows(observe.MembersOf(inv), "test", time.Time{})
			f.Line(1, []byte(line))
			q, inv := clients.Ask(inv, fixture.Orders(), f.Evidence())
			before, err := model.New(inv, model.Options{Extra: q.Extra()})
			if err != nil {
				t.Fatal(err)
			}
			set, err := policyset.Parse(policyset.FlagValues{Egress: true, OperatorNamespaces: []string{"cnpg-system"}, Allow: tc.flags})
			if err != nil {
				t.Fatal(err)
			}
			after, err := propose.Planned(before, assess.Surrounded(before, set, fixture.Orders()))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range q.Loses(before, after) {
				got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s%s", r.Name(), r.Verdict, r.Flag, r.Message)))
			}
			if want := slices.DeleteFunc([]string{tc.want}, func(text string) bool { return text == "" }); !slices.Equal(got, want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
			// Without --egress, nothing is lost.
			if set.Egress, set.Grants = false, nil; len(q.Loses(before, before)) > 0 {
				t.Error("the same policies take something away")
			}
		})
	}
}

// What is lost went through before, was opened by the database that is asked about, and by somebody whom flags let out.
func TestWhatIsNoLossOfALockdownOfEgress(t *testing.T) {
	const (
		instance = `{"namespace":"shop","pod_name":"orders-1","labels":["k8s:cnpg.io/cluster=orders","k8s:cnpg.io/podRole=instance"]}`
		pooler   = `{"namespace":"shop","pod_name":"orders-rw-1","labels":["k8s:cnpg.io/cluster=orders","k8s:cnpg.io/poolerName=orders-rw","k8s:cnpg.io/podRole=pooler"]}`
		other    = `{"namespace":"shop","pod_name":"stock-1","labels":["k8s:cnpg.io/cluster=stock","k8s:cnpg.io/podRole=instance"]}`
		through  = `"verdict":"FORWARDED","event_type":{"type":4},"trace_observation_point":"TO_STACK","trace_reason":"NEW"`
		dropped  = `"verdict":"DROPPED","drop_reason_desc":"POLICY_DENIED","event_type":{"type":1}`
	)
	locked := func(t *testing.T, m *model.Model, database types.NamespacedName) *model.Model {
		t.Helper()
		set, err := policyset.Parse(policyset.FlagValues{Egress: true, OperatorNamespaces: []string{"cnpg-system"}})
		if err != nil {
			t.Fatal(err)
		}
		after, err := propose.Planned(m, assess.Surrounded(m, set, database))
		if err != nil {
			t.Fatal(err)
		}
		return after
	}
	for name, tc := range map[string]struct {
		from, verdict string
		lockedBefore  bool
		want          string
	}{
		"of instances":            {instance, through, false, "instances 192.0.2.7:443 --allow-egress-cidr=192.0.2.7/32:443"},
		"it was denied":           {instance, dropped, false, ""},
		"it is denied already":    {instance, through, true, ""},
		"of another database":     {other, through, false, ""},
		"of a pooler, by no flag": {pooler, through, false, "pooler orders-rw 192.0.2.7:443 "},
	} {
		t.Run(name, func(t *testing.T) {
			inv := fixture.Load(t, fixture.Shop()...)
			stock := *inv.Clusters[0]
			stock.Name = "stock"
			inv.Clusters = append(inv.Clusters, &stock)
			f := observe.NewFlows(observe.MembersOf(inv), "test", time.Time{})
			f.Line(1, fmt.Appendf(nil, `{"flow":{"time":"2026-01-02T10:00:00Z","source":%s,"destination":{"labels":["reserved:world"]},"IP":{"source":"10.0.0.1","destination":"192.0.2.7"},"l4":{"TCP":{"destination_port":443}},%s,"traffic_direction":"EGRESS"}}`, tc.from, tc.verdict))
			if len(f.Evidence().Reached) != 1 {
				t.Fatalf("the flow was not read: %+v", f.Evidence())
			}
			q, inv := clients.Ask(inv, fixture.Orders(), f.Evidence())
			before, err := model.New(inv, model.Options{Extra: q.Extra()})
			if err != nil {
				t.Fatal(err)
			}
			database := fixture.Orders()
			if tc.from == other {
				database.Name = "stock" // It is cut off, and nobody has asked about it.
			}
			after := locked(t, before, database)
			if tc.lockedBefore {
				before = after
			}
			got := ""
			for _, r := range q.Loses(before, after) {
				got += fmt.Sprintf("%s %s %s", r.From, r.Name(), r.Flag)
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

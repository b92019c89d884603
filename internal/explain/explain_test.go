package explain_test

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// What psql saw, source by source.
func TestExplanationsAgreeWithWhatPsqlSaw(t *testing.T) {
	sources := []string{"pod/backend", "pod/frontend", "other/pod/backend", "other/pod/frontend", "backend/pod/app"}
	for file, connect := range map[string][]string{
		"live-open.json":             sources,
		"live-document-literal.json": {"pod/backend", "pod/frontend"},
		"live-locked.json":           {"pod/backend", "host"},
	} {
		inv := fixture.Load(t, "../inventory/testdata/"+file)
		asked := sources
		if file == "live-locked.json" {
			asked = append(slices.Clone(asked), "host")
		}
		for _, source := range asked {
			for _, pooler := range []string{"", "cluster-example-pooler-rw"} {
				e, err := fixture.Explain(t, inv, fixture.Recorded(), source, explain.Query{Pooler: pooler})
				if err != nil {
					t.Fatal(err)
				}
				want := v1alpha1.VerdictDenied
				if slices.Contains(connect, source) {
					want = v1alpha1.VerdictAllowed
				}
				if e.Verdict != want || len(e.Answers) != 1 {
					t.Errorf("%s, %s to %s: %s in %d answers, want %s in one", file, source, e.Target, e.Verdict, len(e.Answers), want)
				}
			}
		}
	}
}

func TestExplainDecidedBy(t *testing.T) {
	for _, test := range []struct {
		name, source     string
		query            explain.Query
		files            []string
		verdict          v1alpha1.Verdict
		ingress, egress  string // what decided, as decidedBy writes it
		answers, targets int
	}{
		{name: "nothing selects", source: "deploy/web", verdict: v1alpha1.VerdictAllowed,
			ingress: "no policy selects it", egress: "no policy selects it"},
		{name: "default deny", source: "deploy/web", files: []string{"locked.yaml"}, verdict: v1alpha1.VerdictDenied,
			ingress: "default deny own-peers", egress: "no policy selects it"},
		{name: "peers", source: "pooler/orders-rw", files: []string{"locked.yaml"}, verdict: v1alpha1.VerdictAllowed,
			ingress: "own-peers spec.ingress[0]", egress: "no policy selects it"},
		{name: "L7", source: "deploy/web", files: []string{"l7.yaml"}, verdict: v1alpha1.VerdictAllowed,
			ingress: "http spec.ingress[1] L7 http", egress: "no policy selects it"},
		{name: "authentication", source: "deploy/web", files: []string{"authentication.yaml"}, verdict: v1alpha1.VerdictAllowed,
			ingress: "mutual spec.ingress[1] authentication", egress: "no policy selects it"},
		{name: "deny rule", source: "deploy/worker", files: []string{"deny.yaml"}, verdict: v1alpha1.VerdictDenied,
			ingress: "no-workers spec.ingressDeny[0]", egress: "no policy selects it"},
		{name: "deny rule, somebody else", source: "deploy/web", files: []string{"deny.yaml"}, verdict: v1alpha1.VerdictAllowed,
			ingress: "no-workers spec.ingress[0]", egress: "no policy selects it"},
		{name: "egress", source: "backend/deploy/api", files: []string{"egress.yaml"}, verdict: v1alpha1.VerdictDenied,
			ingress: "no policy selects it", egress: "default deny api-egress"},
		{name: "both ends", source: "backend/deploy/api", files: []string{"locked.yaml", "egress-deny.yaml"}, verdict: v1alpha1.VerdictDenied,
			ingress: "default deny own-peers", egress: "api-no-database spec.egressDeny[0]"},
		{name: "toServices", source: "backend/deploy/api", files: []string{"to-services.yaml"}, verdict: v1alpha1.VerdictUnknown,
			ingress: "no policy selects it", egress: "api-services spec.egress[0] spec.egress[0] of CiliumNetworkPolicy/backend/api-services has toServices: which pods are behind a Service is not visible from here"},
		{name: "named port in policy and question", source: "deploy/web", query: explain.Query{Port: "postgresql"}, files: []string{"named-port.yaml"}, verdict: v1alpha1.VerdictAllowed,
			ingress: "by-port-name spec.ingress[0]", egress: "no policy selects it"},
		{name: "named port, another one", source: "deploy/web", query: explain.Query{Port: "metrics"}, files: []string{"named-port.yaml"}, verdict: v1alpha1.VerdictDenied,
			ingress: "default deny by-port-name", egress: "no policy selects it"},
		{name: "pooler", source: "deploy/web", query: explain.Query{Pooler: "orders-rw"}, files: []string{"primary.yaml"}, verdict: v1alpha1.VerdictAllowed,
			ingress: "no policy selects it", egress: "no policy selects it", targets: 1},
		{name: "instances differ", source: "deploy/web", files: []string{"primary.yaml"}, verdict: v1alpha1.VerdictDenied,
			ingress: "default deny primary-only", egress: "no policy selects it", answers: 2, targets: 1},
		{name: "refused policy", source: "deploy/web", files: []string{"refused.yaml"}, verdict: v1alpha1.VerdictAllowed,
			ingress: "no policy selects it", egress: "no policy selects it"},
		{name: "cron job", source: "cj/report", files: []string{"locked.yaml"}, verdict: v1alpha1.VerdictDenied,
			ingress: "default deny own-peers", egress: "no policy selects it"},
		{name: "namespace", source: "ns/backend", files: []string{"locked.yaml"}, verdict: v1alpha1.VerdictDenied,
			ingress: "default deny own-peers", egress: "no policy selects it"},
		{name: "pod to be", source: "cnpg.io/cluster=orders in shop", files: []string{"locked.yaml"}, verdict: v1alpha1.VerdictAllowed,
			ingress: "own-peers spec.ingress[0]", egress: "no policy selects it"},
		{name: "host", source: "host", files: []string{"locked.yaml"}, verdict: v1alpha1.VerdictAllowed,
			ingress: "the local host is always allowed (allow-localhost)", egress: "Cilium's host firewall is off: no policy applies to nodes"},
		{name: "remote node", source: "remote-node", files: []string{"locked.yaml"}, verdict: v1alpha1.VerdictDenied,
			ingress: "default deny own-peers", egress: "Cilium's host firewall is off: no policy applies to nodes"},
		{name: "pod on its node's network", source: "ds/node-agent", files: []string{"locked.yaml"}, verdict: v1alpha1.VerdictDenied,
			ingress: "the local host is always allowed (allow-localhost)", egress: "Cilium's host firewall is off: no policy applies to nodes", answers: 2},
		{name: "world", source: "world", files: []string{"cidr.yaml"}, verdict: v1alpha1.VerdictDenied,
			ingress: "default deny office", egress: "it is outside the Kubernetes cluster, where no policy of it applies"},
		{name: "egress rules for all pods are not the world's", source: "world", files: []string{"clusterwide-egress.yaml"}, verdict: v1alpha1.VerdictAllowed,
			ingress: "no policy selects it", egress: "it is outside the Kubernetes cluster, where no policy of it applies"},
		{name: "address within", source: "203.0.113.7", files: []string{"cidr.yaml"}, verdict: v1alpha1.VerdictAllowed,
			ingress: "office spec.ingress[1]", egress: "it is outside the Kubernetes cluster, where no policy of it applies"},
		{name: "address in the exception", source: "203.0.113.200", files: []string{"cidr.yaml"}, verdict: v1alpha1.VerdictDenied,
			ingress: "default deny office", egress: "it is outside the Kubernetes cluster, where no policy of it applies"},
		{name: "prefix of which a part is excepted", source: "203.0.113.0/24", files: []string{"cidr.yaml"}, verdict: v1alpha1.VerdictDenied,
			ingress: "office spec.ingress[1]", egress: "it is outside the Kubernetes cluster, where no policy of it applies", answers: 2},
		{name: "prefix of which every part is named", source: "203.0.113.0/24", files: []string{"halves.yaml"}, verdict: v1alpha1.VerdictAllowed,
			ingress: "halves spec.ingress[1]", egress: "it is outside the Kubernetes cluster, where no policy of it applies"},
		{name: "prefix of which half is named", source: "203.0.112.0/23", files: []string{"halves.yaml"}, verdict: v1alpha1.VerdictDenied,
			ingress: "default deny halves default deny monitoring", egress: "it is outside the Kubernetes cluster, where no policy of it applies", answers: 2},
		{name: "address that may be in a group", source: "198.51.100.1", files: []string{"cidr-group.yaml"}, verdict: v1alpha1.VerdictUnknown,
			ingress: `partners spec.ingress[1] whether 198.51.100.1 belongs to CiliumCIDRGroup "partners" can't be seen from here; its members are allowed`,
			egress:  "it is outside the Kubernetes cluster, where no policy of it applies"},
	} {
		t.Run(test.name, func(t *testing.T) {
			e, err := fixture.Explain(t, fixture.Load(t, fixture.Shop(test.files...)...), fixture.Orders(), test.source, test.query)
			if err != nil {
				t.Fatal(err)
			}
			if test.answers == 0 {
				test.answers = 1
			}
			if test.targets == 0 {
				test.targets = 2
			}
			if e.Verdict != test.verdict || len(e.Answers) != test.answers {
				t.Errorf("%s in %d answers, want %s in %d", e.Verdict, len(e.Answers), test.verdict, test.answers)
			}
			a := e.Answers[0]
			if len(a.Targets) != test.targets {
				t.Errorf("targets %v, want %d", a.Targets, test.targets)
			}
			if got := decidedBy(a.Ingress); got != test.ingress {
				t.Errorf("ingress: %s\nwant:    %s", got, test.ingress)
			}
			if got := decidedBy(a.Egress); got != test.egress {
				t.Errorf("egress: %s\nwant:   %s", got, test.egress)
			}
			if unanswered := explain.Answerable(e) != nil; unanswered != (test.verdict == v1alpha1.VerdictUnknown) {
				t.Errorf("Answerable: %v", explain.Answerable(e))
			}
		})
	}
}

// decidedBy is a direction's reasons in one line.
func decidedBy(d v1alpha1.ExplainedDirection) string {
	var words []string
	for _, r := range d.Rules {
		words = append(words, r.Name, r.Path)
		if r.Content == nil {
			words = append(words, "(without content)")
		}
	}
	for _, ref := range d.DefaultDeny {
		words = append(words, "default deny", ref.Name)
	}
	if len(d.L7) > 0 {
		words = append(words, "L7", strings.Join(d.L7, ","))
	}
	if d.AuthenticationRequired {
		words = append(words, "authentication")
	}
	if d.Reason != "" {
		words = append(words, d.Reason)
	}
	return strings.Join(words, " ")
}

// The text of a rule is the policy's own.
func TestExplainQuotesTheRule(t *testing.T) {
	e, err := fixture.Explain(t, fixture.Load(t, fixture.Shop("deny.yaml")...), fixture.Orders(), "deploy/worker", explain.Query{})
	if err != nil {
		t.Fatal(err)
	}
	rule, ok := e.Answers[0].Ingress.Rules[0].Content.(map[string]any)
	if !ok || len(rule) != 1 || rule["fromEndpoints"] == nil {
		t.Errorf("content is %v", rule)
	}
}

// Pods of one workload that differ are answered for each.
func TestExplainPodsThatDiffer(t *testing.T) {
	inv := fixture.Load(t, fixture.Shop("authentication.yaml")...)
	for i := range inv.Pods {
		if inv.Pods[i].Name == "web-2" {
			inv.Pods[i].Labels = map[string]string{"app": "canary"}
		}
	}
	e, err := fixture.Explain(t, inv, fixture.Orders(), "deploy/web", explain.Query{})
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Answers) != 2 || e.Answers[0].Verdict != v1alpha1.VerdictAllowed || !slices.Equal(e.Answers[1].Sources, []string{"web-2"}) || e.Answers[1].Verdict != v1alpha1.VerdictDenied {
		t.Errorf("answers %+v", e.Answers)
	}
}

// The instances reach each other, and each of them itself: one answer.
func TestExplainTheClusterItself(t *testing.T) {
	e, err := fixture.Explain(t, fixture.Load(t, fixture.Recording("live-locked")), fixture.Recorded(), "cluster/cluster-example", explain.Query{})
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Answers) != 1 || len(e.Answers[0].Sources) != 3 || len(e.Answers[0].Targets) != 3 || e.Verdict != v1alpha1.VerdictAllowed {
		t.Errorf("%s, answers %+v", e.Verdict, e.Answers)
	}
	one, err := fixture.Explain(t, fixture.Load(t, fixture.Recording("live-locked")), fixture.Recorded(), "pod/cluster-example-1", explain.Query{})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"cluster-example-2", "cluster-example-3"}; !slices.Equal(one.Answers[0].Targets, want) {
		t.Errorf("targets %v, want %v", one.Answers[0].Targets, want)
	}
	if !one.Source.IsTarget || e.Source.IsTarget {
		t.Errorf("a target: one %v, all %v", one.Source.IsTarget, e.Source.IsTarget)
	}
}

func TestExplainMissingEvidence(t *testing.T) {
	for _, test := range []struct {
		name            string
		missing         inventory.Missing
		source          string
		ingress, egress v1alpha1.Verdict
	}{
		{"policies of all namespaces", inventory.Missing{Resource: "ciliumnetworkpolicies.cilium.io"}, "other/pod/backend", v1alpha1.VerdictUnknown, v1alpha1.VerdictUnknown},
		{"policies of other namespaces", inventory.Missing{Resource: "networkpolicies.networking.k8s.io", Scope: inventory.Except("default")}, "other/pod/backend", v1alpha1.VerdictDenied, v1alpha1.VerdictUnknown},
		{"policies of other namespaces, source in the cluster's", inventory.Missing{Resource: "networkpolicies.networking.k8s.io", Scope: inventory.Except("default")}, "pod/frontend", v1alpha1.VerdictDenied, v1alpha1.VerdictAllowed},
		{"a kind that is switched off", inventory.Missing{Resource: "clusternetworkpolicies.policy.networking.k8s.io"}, "pod/frontend", v1alpha1.VerdictDenied, v1alpha1.VerdictAllowed},
		{"poolers", inventory.Missing{Resource: "poolers.postgresql.cnpg.io"}, "pod/frontend", v1alpha1.VerdictDenied, v1alpha1.VerdictAllowed},
		{"a document", inventory.Missing{Resource: "manifests"}, "pod/frontend", v1alpha1.VerdictUnknown, v1alpha1.VerdictUnknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			inv := fixture.Load(t, fixture.Recording("live-locked"))
			test.missing.Message = "not to be had"
			inv.Missing = append(inv.Missing, test.missing)
			e, err := fixture.Explain(t, inv, fixture.Recorded(), test.source, explain.Query{})
			if err != nil {
				t.Fatal(err)
			}
			if got := e.Answers[0].Ingress.Verdict; got != test.ingress {
				t.Errorf("ingress %s, want %s", got, test.ingress)
			}
			if got := e.Answers[0].Egress; got.Verdict != test.egress || got.Verdict == v1alpha1.VerdictUnknown && got.Reason != "not to be had" {
				t.Errorf("egress %+v, want %s", got, test.egress)
			}
		})
	}
}

// A pod without an endpoint where others have one is not under the agent's control.
func TestExplainPodsThatCiliumDoesNotManage(t *testing.T) {
	inv := fixture.Load(t, fixture.Recording("live-locked"))
	delete(inv.Endpoints, types.NamespacedName{Namespace: "default", Name: "backend"})
	e, err := fixture.Explain(t, inv, fixture.Recorded(), "pod/backend", explain.Query{})
	if err != nil {
		t.Fatal(err)
	}
	if e.Verdict != v1alpha1.VerdictDenied || len(e.Notes) != 1 {
		t.Errorf("an unmanaged source: %s, notes %q", e.Verdict, e.Notes)
	}
	inv = fixture.Load(t, fixture.Recording("live-locked"))
	delete(inv.Endpoints, types.NamespacedName{Namespace: "default", Name: "cluster-example-2"})
	e, err = fixture.Explain(t, inv, fixture.Recorded(), "pod/frontend", explain.Query{})
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Answers) != 2 || e.Answers[1].Verdict != v1alpha1.VerdictAllowed || !slices.Equal(e.Answers[1].Targets, []string{"cluster-example-2"}) {
		t.Errorf("an unmanaged instance: %+v", e.Answers)
	}
}

func TestExplainRefuses(t *testing.T) {
	for _, test := range []struct {
		name, source string
		query        explain.Query
		want         string
	}{
		{"unknown pod", "pod/nobody", explain.Query{}, `there is no pod "nobody" in namespace "shop" of the manifests: add it, or describe it with --labels`},
		{"pod elsewhere", "pod/api-1", explain.Query{}, `but one in namespace "backend": use backend/pod/api-1`},
		{"unknown workload", "deploy/nobody", explain.Query{}, `no pod of deployment/nobody in namespace "shop" follows from the manifests`},
		{"workload without replicas", "deploy/idle", explain.Query{}, "or has no replicas"},
		{"unknown kind", "gadget/web", explain.Query{}, `no pod belongs to a "gadget"`},
		{"unknown pooler", "deploy/web", explain.Query{Pooler: "orders-ro"}, `no pod of a pooler "orders-ro" of cluster "orders" could be seen: it has orders-rw`},
		{"unknown port name", "deploy/web", explain.Query{Port: "postgres"}, `no port of the instances of cluster "orders" is named "postgres": use a number, or one of metrics, postgresql, status`},
		{"port too large", "deploy/web", explain.Query{Port: "65536"}, "port 65536 is out of range"},
		{"port zero", "deploy/web", explain.Query{Port: "0"}, "port 0 is out of range"},
		{"port that is no name", "deploy/web", explain.Query{Port: "post gres"}, "neither the number nor the name of a port"},
		{"itself", "pooler/orders-rw", explain.Query{Pooler: "orders-rw"}, "is the only pod behind the pooler orders-rw"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := fixture.Explain(t, fixture.Load(t, fixture.Shop()...), fixture.Orders(), test.source, test.query)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// On a server, what is not there does not exist.
func TestExplainRefusesLive(t *testing.T) {
	for source, want := range map[string]string{
		"pod/nobody":        `there is no running pod "nobody" in namespace "default": 'kubectl get pods -n default' lists what there is`,
		"deploy/nobody":     `no pod of deployment/nobody runs in namespace "default": describe one with --labels and --source-namespace`,
		"ns/nowhere":        `there is no namespace "nowhere"`,
		"app=web in typing": `there is no namespace "typing"`,
	} {
		inv := fixture.Load(t, fixture.Recording("live-locked"))
		inv.Origin = inventory.Live
		if _, err := fixture.Explain(t, inv, fixture.Recorded(), source, explain.Query{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", source, err, want)
		}
	}
	inv := fixture.Load(t, fixture.Recording("live-locked"))
	inv.Missing = append(inv.Missing, inventory.Missing{Resource: "pods", Scope: inventory.Except("default"), Message: "pods are forbidden", Remedy: command.Words("ask for permission")})
	if _, err := fixture.Explain(t, inv, fixture.Recorded(), "other/pod/gone", explain.Query{}); err == nil || !strings.Contains(err.Error(), "pods are forbidden: ask for permission") {
		t.Errorf("got %v", err)
	}
}

// A namespace that only the question names is taken for one without labels.
func TestExplainNamespaceOutsideTheManifests(t *testing.T) {
	e, err := fixture.Explain(t, fixture.Load(t, fixture.Shop("locked.yaml")...), fixture.Orders(), "ns/cnpg-system", explain.Query{Port: "8000"})
	if err != nil {
		t.Fatal(err)
	}
	if e.Verdict != v1alpha1.VerdictAllowed || len(e.Notes) != 1 || !strings.Contains(e.Notes[0], `namespace "cnpg-system" is not in the manifests`) {
		t.Errorf("%s, notes %q", e.Verdict, e.Notes)
	}
}

// The agents know an address by the narrowest prefix: one that is made of others altogether is nobody's.
func TestExplainPrefixOfParts(t *testing.T) {
	for source, want := range map[string]string{
		"203.0.113.0/24":   "203.0.113.0/25 203.0.113.128/25",
		"203.0.113.0/25":   "203.0.113.0/25",
		"203.0.112.0/23":   "203.0.112.0/23 203.0.113.0/25 203.0.113.128/25",
		"198.51.100.0/24":  "198.51.100.0/25 198.51.100.128/26 198.51.100.192/26",
		"198.51.100.255":   "198.51.100.255",
		"198.51.100.64/26": "198.51.100.64/26",
		"2001:db8::/127":   "2001:db8::/127",
	} {
		e, err := fixture.Explain(t, fixture.Load(t, fixture.Shop("halves.yaml")...), fixture.Orders(), source, explain.Query{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, a := range e.Answers {
			got = append(got, a.Sources...)
		}
		slices.Sort(got)
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", source, got, want)
		}
	}
}

func TestExplainAnotherCluster(t *testing.T) {
	key := types.NamespacedName{Namespace: "default", Name: "nobody"}
	if _, err := fixture.Explain(t, fixture.Load(t, fixture.Recording("live-open"), "testdata/lockdown.yaml"), key, "world", explain.Query{}); err == nil || !strings.Contains(err.Error(), `cluster "nobody"`) {
		t.Errorf("got %v", err)
	}
}

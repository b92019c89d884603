package example

import (
	"fmt"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
)

// Explanation is invented, because nothing has all of it at once: a denied source with answers that differ, with everything that can be there.
func Explanation() v1alpha1.Explanation {
	rule := func(name, path string, content any) []v1alpha1.DecidingRule {
		return []v1alpha1.DecidingRule{{PolicyReference: cnp(name), Path: path, Content: content}}
	}
	none := []v1alpha1.PolicyReference{}
	free := v1alpha1.ExplainedDirection{Verdict: v1alpha1.VerdictAllowed, Rules: []v1alpha1.DecidingRule{}, DefaultDeny: none, Reason: "no policy selects it"}
	return v1alpha1.Explanation{
		Metadata: v1alpha1.Metadata{Namespace: "default", Name: "cluster-example"},
		Source:   v1alpha1.ExplainedSource{Name: "deployment/frontend", Namespace: "default"},
		Port:     "postgresql", Verdict: v1alpha1.VerdictDenied,
		Answers: []v1alpha1.Answer{
			{
				Sources: []string{"frontend-1", "frontend-2"}, Targets: []string{"cluster-example-1"}, Port: 5432, Verdict: v1alpha1.VerdictDenied,
				Ingress: v1alpha1.ExplainedDirection{Verdict: v1alpha1.VerdictDenied, Rules: []v1alpha1.DecidingRule{}, DefaultDeny: []v1alpha1.PolicyReference{
					cnp("cluster-example-default-deny"), {Kind: v1alpha1.CiliumClusterwideNetworkPolicy, Name: "platform"}}},
				Egress: v1alpha1.ExplainedDirection{Verdict: v1alpha1.VerdictDenied, DefaultDeny: none,
					Rules: rule("no-databases", "specs[1].egressDeny[0]", map[string]any{"toEntities": []any{"all"}})},
			},
			{
				Sources: []string{"frontend-1", "frontend-2"}, Targets: []string{"cluster-example-2"}, Port: 5433, Verdict: v1alpha1.VerdictAllowed,
				Ingress: v1alpha1.ExplainedDirection{Verdict: v1alpha1.VerdictAllowed, DefaultDeny: none, L7: []string{"http", "kafka"}, AuthenticationRequired: true,
					Rules: append(rule("a", "spec.ingress[0]", map[string]any{}), rule("b", "spec.ingress[1]", map[string]any{"fromEntities": []any{"cluster"}})...)},
				Egress: free,
			},
			{
				Sources: []string{"frontend-3"}, Targets: []string{"cluster-example-1", "cluster-example-2"}, Verdict: v1alpha1.VerdictUnknown,
				Ingress: v1alpha1.ExplainedDirection{Verdict: v1alpha1.VerdictUnknown, Rules: []v1alpha1.DecidingRule{}, DefaultDeny: none, Reason: "the pod has no port of this name"},
				Egress:  v1alpha1.ExplainedDirection{Verdict: v1alpha1.VerdictDenied, Rules: []v1alpha1.DecidingRule{}, DefaultDeny: none, Reason: "the agent enforces a default deny on every pod (enable-policy: always)"},
			},
		},
		Notes: []string{"no pod of deployment/frontend runs: the answer is for a pod of its template"},
		Change: &v1alpha1.AccessChange{
			Steps: []command.Text{
				command.Words("Lock the cluster again, with a flag that lets it in."),
				command.Words("At the source, change or remove specs[1].egressDeny[0] of CiliumNetworkPolicy/default/no-databases: it denies, and no rule that allows can override it."),
			},
			Command: command.Plugin("lockdown", "cluster-example").In("default").With("--allow-pods=role=backend", "--allow-pods=app in (frontend,web)"),
			LetsIn: &v1alpha1.Exposed{Pods: 9, Entities: []v1alpha1.Entity{"host", "remote-node"}, Clients: []v1alpha1.Client{
				{Namespace: "a", Workload: "deployment/one", Pods: 4}, {Namespace: "a", Workload: "pod/two", Pods: 1}, {Namespace: "b", Workload: "pod/three", Pods: 1},
				{Namespace: "b", Workload: "pod/four", Pods: 1}, {Namespace: "c", Workload: "pod/five", Pods: 1}, {Namespace: "c", Workload: "pod/six", Pods: 1},
			}},
		},
	}
}

// LongRule has a rule longer than a table shows, and names longer than a line.
func LongRule() v1alpha1.Explanation {
	var cidrs []any
	for i := range 60 {
		cidrs = append(cidrs, fmt.Sprintf("10.%d.0.0/16", i))
	}
	long := strings.Repeat("very-long-", 20)
	e := Explanation()
	e.Change, e.Notes, e.Answers = nil, []string{}, e.Answers[1:2]
	e.Source = v1alpha1.ExplainedSource{Name: "pod/" + long + "pod", Namespace: long + "namespace"}
	e.Verdict = v1alpha1.VerdictAllowed
	rules := e.Answers[0].Ingress.Rules
	rules[0].Name = long + "policy"
	rules[0].Content = map[string]any{"fromCIDR": cidrs}
	rules[1].Content = map[string]any{"fromEndpoints": []any{map[string]any{"matchLabels": map[string]any{long + "key": long + "value"}}}}
	return e
}

// HostileExplanation is full of what a terminal would act on.
func HostileExplanation() v1alpha1.Explanation {
	const evil = "\x1b[2J\u202e\u009b31m\n"
	e := Explanation()
	e.Source.Name, e.Source.Namespace, e.Metadata.Name, e.Target.Pooler = evil+"source", evil, evil+"cluster", evil
	for i := range e.Answers {
		a := &e.Answers[i]
		a.Sources, a.Targets = []string{evil}, []string{evil, "b"}
		for _, d := range []*v1alpha1.ExplainedDirection{&a.Ingress, &a.Egress} {
			d.Reason = evil
			for j := range d.Rules {
				d.Rules[j].Name, d.Rules[j].Path, d.Rules[j].Content = evil, evil, map[string]any{evil: evil}
			}
			for j := range d.DefaultDeny {
				d.DefaultDeny[j].Name = evil
			}
		}
	}
	e.Notes = []string{evil}
	e.Change.Command, e.Change.Manifest, e.Change.Steps = command.Flags(evil), evil, []command.Text{command.Words(evil)}
	e.Change.LetsIn.Clients[0].Workload = evil
	return e
}

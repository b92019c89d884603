package report_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/text"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// explanation is a denied source with answers that differ, with everything that can be there.
func explanation() v1alpha1.Explanation {
	rule := func(name, path string, content any) []v1alpha1.DecidingRule {
		return []v1alpha1.DecidingRule{{PolicyReference: cnp(name), Path: path, Content: content}}
	}
	none := []v1alpha1.PolicyReference{}
	free := v1alpha1.ExplainedDirection{Verdict: v1alpha1.VerdictAllowed, Rules: []v1alpha1.DecidingRule{}, DefaultDeny: none, Reason: "no policy selects it"}
	return v1alpha1.Explanation{
		Metadata: v1alpha1.Metadata{Namespace: "default", Name: "cluster-example"},
		Source:   v1alpha1.ExplainedSource{Name: "deployment/frontend", Namespace: "default"},
		Target:   "instances", Port: "postgresql", Verdict: v1alpha1.VerdictDenied,
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
			Steps:   []string{"Lock the cluster again, with a flag that lets it in.", "At the source, change or remove specs[1].egressDeny[0] of CiliumNetworkPolicy/default/no-databases: it denies, and no rule that allows can override it."},
			Command: "kubectl cnpg-netpol lockdown cluster-example -n default --allow-pods=role=backend '--allow-pods=app in (frontend,web)'",
			LetsIn: &v1alpha1.Exposed{Pods: 9, Entities: []string{"host", "remote-node"}, Clients: []v1alpha1.Client{
				{Namespace: "a", Workload: "deployment/one", Pods: 4}, {Namespace: "a", Workload: "pod/two", Pods: 1}, {Namespace: "b", Workload: "pod/three", Pods: 1},
				{Namespace: "b", Workload: "pod/four", Pods: 1}, {Namespace: "c", Workload: "pod/five", Pods: 1}, {Namespace: "c", Workload: "pod/six", Pods: 1},
			}},
		},
	}
}

// withLongRule has a rule longer than a table shows, and names longer than a line.
func withLongRule() v1alpha1.Explanation {
	var cidrs []any
	for i := range 60 {
		cidrs = append(cidrs, fmt.Sprintf("10.%d.0.0/16", i))
	}
	long := strings.Repeat("very-long-", 20)
	e := explanation()
	e.Change, e.Notes, e.Answers = nil, []string{}, e.Answers[1:2]
	e.Source = v1alpha1.ExplainedSource{Name: "pod/" + long + "pod", Namespace: long + "namespace"}
	e.Verdict = v1alpha1.VerdictAllowed
	rules := e.Answers[0].Ingress.Rules
	rules[0].Name = long + "policy"
	rules[0].Content = map[string]any{"fromCIDR": cidrs}
	rules[1].Content = map[string]any{"fromEndpoints": []any{map[string]any{"matchLabels": map[string]any{long + "key": long + "value"}}}}
	return e
}

// fromHostile is full of what a terminal would act on.
func fromHostile() v1alpha1.Explanation {
	const evil = "\x1b[2J\u202e\u009b31m\n"
	e := explanation()
	e.Source.Name, e.Source.Namespace, e.Metadata.Name, e.Target = evil+"source", evil, evil+"cluster", "pooler "+evil
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
	e.Change.Command, e.Change.Manifest, e.Change.Steps = evil, evil, []string{evil}
	e.Change.LetsIn.Clients[0].Workload = evil
	return e
}

func TestExplanation(t *testing.T) {
	for _, test := range []struct {
		file        string
		explanation v1alpha1.Explanation
		options     options
	}{
		{"explain-differing.txt", explanation(), options{}},
		{"explain-differing.json", explanation(), options{Format: report.JSON}},
		{"explain-differing.yaml", explanation(), options{Format: report.YAML}},
		{"explain-differing-color.txt", explanation(), options{Colors: terminal.NewColors(terminal.ModeAlways, false, nil)}},
		{"explain-long.txt", withLongRule(), options{}},
		{"explain-long-wide.txt", withLongRule(), options{Format: report.Wide}},
		{"explain-hostile.txt", fromHostile(), options{}},
		{"explain-hostile.yaml", fromHostile(), options{Format: report.YAML}},
	} {
		t.Run(test.file, func(t *testing.T) {
			var out bytes.Buffer
			if err := report.PrintExplanation(&out, test.options.output(), test.explanation, test.options.text()); err != nil {
				t.Fatal(err)
			}
			golden(t, test.file, out.Bytes())
			printed := out.String()
			if test.options.Colors.Enabled() || test.options.Format == report.JSON || test.options.Format == report.YAML {
				printed = strings.ReplaceAll(printed, "\x1b[", "")
			}
			for line := range strings.Lines(printed) {
				line = strings.TrimSuffix(line, "\n")
				command := strings.Contains(line, "kubectl cnpg-netpol lockdown")
				if width := terminal.Width(line); width > 100 && !command && test.options.Format == "" && !test.options.Colors.Enabled() {
					t.Errorf("%d columns: %s", width, line)
				}
				if !test.options.Colors.Enabled() && terminal.Escape(line) != line {
					t.Errorf("not harmless: %q", line)
				}
			}
		})
	}
}

// What comes before a rule with a tier overrides it, and other denials nothing.
func TestDenialsThatNothingOverrides(t *testing.T) {
	for kind, final := range map[v1alpha1.PolicyKind]bool{
		v1alpha1.CiliumNetworkPolicy: true, v1alpha1.CiliumClusterwideNetworkPolicy: true, v1alpha1.ClusterNetworkPolicy: false,
	} {
		e := explanation()
		e.Change, e.Answers = nil, e.Answers[:1]
		e.Answers[0].Ingress = v1alpha1.ExplainedDirection{Verdict: v1alpha1.VerdictDenied, Rules: []v1alpha1.DecidingRule{
			{PolicyReference: v1alpha1.PolicyReference{Kind: kind, Name: "no"}, Path: "spec.ingress[0]"},
		}}
		e.Answers[0].Egress = v1alpha1.ExplainedDirection{Verdict: v1alpha1.VerdictAllowed}
		var out bytes.Buffer
		if err := report.PrintExplanation(&out, report.Output{Format: report.Table}, e, text.Options{}); err != nil {
			t.Fatal(err)
		}
		if printed := out.String(); !strings.Contains(printed, "Decided by this rule") || strings.Contains(printed, "can override it") != final {
			t.Errorf("%s:\n%s", kind, printed)
		}
	}
}

// An instance that asks about the others is none of them.
func TestExplanationFromAnInstance(t *testing.T) {
	e := explanation()
	e.Answers, e.Change = e.Answers[1:2], nil
	e.Answers[0].Targets = []string{"cluster-example-2", "cluster-example-3"}
	for target, want := range map[string]string{"instances": "Into the other 2 instances (ingress)", "pooler rw": "Into the other pods of the pooler rw (ingress)"} {
		e.Source = v1alpha1.ExplainedSource{Name: "pod/cluster-example-1", Namespace: "default", IsTarget: true}
		e.Target = target
		if text := explained(t, e); !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// That nobody else who runs now is let in says little about a source of many.
func TestExplanationSaysWhatAChangeOpens(t *testing.T) {
	const nobody = "It lets in nobody else who runs now."
	for source, want := range map[string]string{
		"world":          "It opens the database to everybody outside the Kubernetes cluster.",
		"0.0.0.0/0":      "It opens the database to all IPv4 addresses outside the Kubernetes cluster.",
		"::/0":           "It opens the database to all IPv6 addresses outside the Kubernetes cluster.",
		"203.0.113.0/24": "It opens the database to all addresses of 203.0.113.0/24.",
		"203.0.113.7":    "It opens the database to whoever has this address.",
		"2001:db8::7":    "It opens the database to whoever has this address.",
		"remote-node":    "It opens the database to the nodes and to whatever runs on their networks.",
		"kube-apiserver": nobody,
		"pod/web":        nobody,
	} {
		e := explanation()
		e.Source = v1alpha1.ExplainedSource{Name: source}
		if source == "pod/web" {
			e.Source.Namespace = "shop"
		}
		e.Change.LetsIn = &v1alpha1.Exposed{}
		text := explained(t, e)
		if !strings.Contains(text, want) || want != nobody && strings.Contains(text, nobody) {
			t.Errorf("%s: want %q in\n%s", source, want, text)
		}
	}
}

func explained(t *testing.T, e v1alpha1.Explanation) string {
	t.Helper()
	var out bytes.Buffer
	if err := report.PrintExplanation(&out, report.Output{Format: report.Table}, e, text.Options{}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestExplanationFormat(t *testing.T) {
	if err := report.PrintExplanation(&bytes.Buffer{}, report.Output{Format: "xml"}, explanation(), text.Options{}); err == nil || !strings.Contains(err.Error(), `unknown output format "xml"`) {
		t.Errorf("got %v", err)
	}
}

// A command in a step is one line, to be copied, like that of a remedy.
func TestExplanationKeepsCommandsWhole(t *testing.T) {
	const command = "kubectl cnpg-netpol lockdown cluster-example -n default --allow-pods=role=backend --allow-cluster-wide"
	e := explanation()
	e.Change.Steps = []string{"Its narrowest flag also lets in 4 other pods, every pod to come and kube-apiserver: " + command}
	want := "  - Its narrowest flag also lets in 4 other pods, every pod to come and kube-apiserver:\n    " + command + "\n"
	if text := explained(t, e); !strings.Contains(text, want) {
		t.Errorf("no %q in\n%s", want, text)
	}
}

package text_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/example"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/golden"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/text"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

func TestExplanation(t *testing.T) {
	for _, test := range []struct {
		file        string
		explanation v1alpha1.Explanation
		options     text.Options
	}{
		{"explain-differing.txt", example.Explanation(), text.Options{}},
		{"explain-differing-color.txt", example.Explanation(), text.Options{Colors: terminal.NewColors(terminal.ModeAlways, false, nil)}},
		{"explain-long.txt", example.LongRule(), text.Options{}},
		{"explain-long-wide.txt", example.LongRule(), text.Options{Wide: true}},
		{"explain-hostile.txt", example.HostileExplanation(), text.Options{}},
	} {
		t.Run(test.file, func(t *testing.T) {
			test.options.Width = 100
			var out bytes.Buffer
			if err := text.Explanation(&out, test.explanation, test.options); err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, "testdata/"+test.file, out.Bytes())
			printed := out.String()
			if test.options.Colors.Enabled() {
				printed = strings.ReplaceAll(printed, "\x1b[", "")
			}
			for line := range strings.Lines(printed) {
				line = strings.TrimSuffix(line, "\n")
				command := strings.Contains(line, "kubectl cnpg-netpol lockdown")
				if width := terminal.Width(line); width > 100 && !command && !test.options.Wide && !test.options.Colors.Enabled() {
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
		e := example.Explanation()
		e.Change, e.Answers = nil, e.Answers[:1]
		e.Answers[0].Ingress = v1alpha1.ExplainedDirection{Verdict: v1alpha1.VerdictDenied, Rules: []v1alpha1.DecidingRule{
			{PolicyReference: v1alpha1.PolicyReference{Kind: kind, Name: "no"}, Path: "spec.ingress[0]"},
		}}
		e.Answers[0].Egress = v1alpha1.ExplainedDirection{Verdict: v1alpha1.VerdictAllowed}
		var out bytes.Buffer
		if err := text.Explanation(&out, e, text.Options{}); err != nil {
			t.Fatal(err)
		}
		if printed := out.String(); !strings.Contains(printed, "Decided by this rule") || strings.Contains(printed, "can override it") != final {
			t.Errorf("%s:\n%s", kind, printed)
		}
	}
}

// An instance that asks about the others is none of them.
func TestExplanationFromAnInstance(t *testing.T) {
	e := example.Explanation()
	e.Answers, e.Change = e.Answers[1:2], nil
	e.Answers[0].Targets = []string{"cluster-example-2", "cluster-example-3"}
	for pooler, want := range map[string]string{"": "Into the other 2 instances (ingress)", "rw": "Into the other pods of the pooler rw (ingress)"} {
		e.Source = v1alpha1.ExplainedSource{Name: "pod/cluster-example-1", Namespace: "default", IsTarget: true}
		e.Target.Pooler = pooler
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
		e := example.Explanation()
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
	if err := text.Explanation(&out, e, text.Options{}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// A command in a step is one line, to be copied, like that of a remedy.
func TestExplanationKeepsCommandsWhole(t *testing.T) {
	line := command.Plugin("lockdown", "cluster-example").In("default").With("--allow-pods=role=backend", "--allow-cluster-wide")
	e := example.Explanation()
	e.Change.Steps = []command.Text{command.Words("Its narrowest flag also lets in 4 other pods, every pod to come and kube-apiserver:").Run(line)}
	want := "  - Its narrowest flag also lets in 4 other pods, every pod to come and kube-apiserver:\n    " + line.String() + "\n"
	if text := explained(t, e); !strings.Contains(text, want) {
		t.Errorf("no %q in\n%s", want, text)
	}
}

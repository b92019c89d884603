package text_test

import (
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/example"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/text"
)

// A command is one line, to be copied, and the words before it keep to the width of the page.
func TestRemedies(t *testing.T) {
	long := command.Plugin("lockdown", "cluster-example").In("default").With("--allow-pods=role=backend", "--allow-metrics=monitoring")
	deletion := command.Kubectl("delete", "cnp", "default-deny").In("default")
	metrics := "--allow-metrics=" + strings.Repeat("m", 100)
	const prose = "Put matchLabels and matchExpressions directly into the fromEndpoints item, or replace it:"
	for name, test := range map[string]struct {
		remedy command.Text
		want   []string
	}{
		"short":                    {command.Words("Correct it:").Run(deletion), []string{"→ Correct it: " + deletion.String()}},
		"a command":                {command.Run(long), []string{"→ " + long.String()}},
		"flags":                    {command.Run(command.Flags(metrics)), []string{"→ " + metrics}},
		"a sentence and a command": {command.Words(prose).Run(long), []string{"→ " + prose, "  " + long.String()}},
		"two commands":             {command.Run(long, deletion), []string{"→ " + long.String(), "  " + deletion.String()}},
		"a sentence and two":       {command.Words(prose).Run(long, deletion), []string{"→ " + prose, "  " + long.String(), "  " + deletion.String()}},
		"a long sentence with a flag": {
			command.Words("Add the operator's Deployment to the manifests, or name the namespace that it runs in with --operator-namespace."),
			[]string{"→ Add the operator's Deployment to the manifests, or name the namespace that it runs in with", "  --operator-namespace."},
		},
		"a long sentence in lower case": {
			command.Words("ask for permission to list ciliumclusterwidenetworkpolicies.cilium.io in all namespaces of this Kubernetes cluster"),
			[]string{"→ ask for permission to list ciliumclusterwidenetworkpolicies.cilium.io in all namespaces of", "  this Kubernetes cluster"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			list := example.Locked(t)
			list.Items[0].Findings = []v1alpha1.Finding{{Code: v1alpha1.PolicyInvalid, Severity: v1alpha1.SeverityError, Message: "It is wrong.", Remedy: test.remedy}}
			got := render(t, list, text.Options{})
			if want := "    It is wrong.\n    " + strings.Join(test.want, "\n    ") + "\n"; !strings.HasSuffix(got, want) {
				t.Errorf("got\n%s\nwant at the end\n%s", got, want)
			}
		})
	}
}

package text_test

import (
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/example"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/text"
)

// A command is one line, to be copied, and the words before it keep to the width of the page.
func TestRemedies(t *testing.T) {
	const (
		long     = "kubectl cnpg-netpol lockdown cluster-example -n default --allow-pods=role=backend --allow-metrics=monitoring"
		deletion = "kubectl delete cnp default-deny -n default"
		prose    = "Put matchLabels and matchExpressions directly into the fromEndpoints item, or replace it:"
	)
	for name, test := range map[string]struct {
		remedy string
		want   []string
	}{
		"short":                    {"Correct it: " + deletion, []string{"→ Correct it: " + deletion}},
		"a command":                {long, []string{"→ " + long}},
		"flags":                    {"--allow-metrics=" + strings.Repeat("m", 100), []string{"→ --allow-metrics=" + strings.Repeat("m", 100)}},
		"a sentence and a command": {prose + " " + long, []string{"→ " + prose, "  " + long}},
		"two commands":             {long + "; " + deletion, []string{"→ " + long, "  " + deletion}},
		"a sentence and two":       {prose + " " + long + "; " + deletion, []string{"→ " + prose, "  " + long, "  " + deletion}},
		"a long sentence with a flag": {
			"Add the operator's Deployment to the manifests, or name the namespace that it runs in with --operator-namespace.",
			[]string{"→ Add the operator's Deployment to the manifests, or name the namespace that it runs in with", "  --operator-namespace."},
		},
		"a long sentence in lower case": {
			"ask for permission to list ciliumclusterwidenetworkpolicies.cilium.io in all namespaces of this Kubernetes cluster",
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

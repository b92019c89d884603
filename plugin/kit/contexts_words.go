package kit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// ContextError is what went wrong in one of several contexts.
type ContextError struct {
	// Context is its name.
	Context string
	// Err is everything that went wrong in it.
	Err error
}

func (e ContextError) Unwrap() error { return e.Err }

func (e ContextError) Error() string { return strings.Join(e.lines(), "\n") }

// lines are one for each problem.
func (e ContextError) lines() []string {
	lines := ErrorLines(e.Err)
	for i := range lines {
		lines[i] = fmt.Sprintf("context %q: %s", e.Context, NameContext(e.Context, lines[i]))
	}
	return lines
}

// NameContext names the context in the commands of a text: copied to a shell, they must not reach another
// cluster of the same name.
func NameContext(name, text string) string {
	flag := "--context " + policyset.CommandLine([]string{name}) + " "
	for _, command := range []string{"kubectl cnpg-netpol ", "kubectl get ", "kubectl delete ", "kubectl auth "} {
		// Some name it already.
		text = strings.ReplaceAll(strings.ReplaceAll(text, command+flag, command), command, command+flag)
	}
	// Which one is current is not the question when they are named.
	return strings.ReplaceAll(text, currentContextHint, "")
}

// NameContextIn does the same for the findings, when a flag has named the context.
func (o *Globals) NameContextIn(list *v1alpha1.IsolationReportList) {
	name := *o.Config.Context
	if name == "" {
		return
	}
	list.Findings = findingsInContext(name, list.Findings)
	for i := range list.Items {
		list.Items[i].Findings = findingsInContext(name, list.Items[i].Findings)
	}
}

func findingsInContext(name string, findings []v1alpha1.Finding) []v1alpha1.Finding {
	findings = slices.Clone(findings)
	for i := range findings {
		findings[i].Remedy = NameContext(name, findings[i].Remedy)
	}
	return findings
}

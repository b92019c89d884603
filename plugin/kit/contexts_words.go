package kit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
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

// Problems are one line for each problem, in words that suit a context that was named: which one is
// current is not the question then.
func (e ContextError) Problems() []string { return wording{named: true}.lines(e.Err) }

// lines are the problems with the name of the context in front.
func (e ContextError) lines() []string {
	lines := e.Problems()
	for i := range lines {
		lines[i] = fmt.Sprintf("context %q: %s", e.Context, lines[i])
	}
	return lines
}

// NameContextIn names the context in the command lines of the findings, when a flag has named it: copied to
// a shell, they must not reach another cluster of the same name.
func (o *Globals) NameContextIn(list *v1alpha1.IsolationReportList) {
	name := *o.Config.Context
	if name == "" {
		return
	}
	list.Findings = findingsInContext(name, list.Findings)
	for i := range list.Items {
		if r := list.Items[i].Rehearsal; r != nil {
			rehearsal := *r
			rehearsal.Lockdown = r.Lockdown.InContext(name)
			list.Items[i].Rehearsal = &rehearsal
		}
		list.Items[i].Findings = findingsInContext(name, list.Items[i].Findings)
	}
}

func findingsInContext(name string, findings []v1alpha1.Finding) []v1alpha1.Finding {
	findings = slices.Clone(findings)
	for i := range findings {
		findings[i].Remedy = findings[i].Remedy.InContext(name)
	}
	return findings
}

package text

import (
	"fmt"
	"strings"
	"time"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
)

// timed writes what ends by itself, nothing when nothing does.
func (p *page) timed(r v1alpha1.IsolationReport) error {
	if len(r.Timed) == 0 {
		return nil
	}
	p.section("Ends by itself")
	p.timedLines(r)
	return nil
}

// timedLines are a sentence for each of what ends by itself, and what can be done about it.
func (p *page) timedLines(r v1alpha1.IsolationReport) {
	for _, t := range r.Timed {
		p.paragraph(2, timedWords(t), nil)
		cluster := func(verb string, more ...string) command.Line {
			return command.Plugin(verb, append([]string{r.Metadata.Name}, more...)...).In(r.Metadata.Namespace).InContext(r.Metadata.Context)
		}
		if t.Kind == v1alpha1.TimedGrant {
			p.remedy(4, command.Words("End it now:").Run(cluster("revoke", t.Name)))
			continue
		}
		p.remedy(4, command.Words("Keep it:").Run(cluster("confirm")))
	}
}

func timedWords(t v1alpha1.Timed) string {
	var out strings.Builder
	switch t.Kind {
	case v1alpha1.TimedLockdown:
		out.WriteString("The lockdown, which nobody has confirmed yet")
	case v1alpha1.TimedRehearsal:
		out.WriteString("The rehearsal, which nobody has confirmed yet")
	case v1alpha1.TimedGrant:
		fmt.Fprintf(&out, "Access granted as %s", t.Name)
		if len(t.Clients) > 0 {
			out.WriteString(" for " + strings.Join(t.Clients, ", "))
		}
		if t.RequestedBy != "" {
			out.WriteString(", asked for by " + t.RequestedBy)
		}
		if t.Reason != "" {
			out.WriteString(", because: " + t.Reason)
		}
	}
	switch {
	case t.Until == nil && t.Overdue:
		out.WriteString("; " + t.Message)
	case t.Until == nil:
		out.WriteString("; when it ends is not known: " + t.Message)
	case t.Overdue:
		out.WriteString("; " + t.Message)
	default:
		out.WriteString("; ends at " + t.Until.UTC().Format("2006-01-02 15:04:05 UTC"))
		if t.Remaining != nil {
			fmt.Fprintf(&out, ", in %s", max(t.Remaining.Duration, 0).Round(time.Second))
		}
	}
	if t.Then != "" && t.Kind != v1alpha1.TimedGrant {
		fmt.Fprintf(&out, ". The cluster is %s then", t.Then)
	}
	return out.String() + "."
}

package text

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/words"
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
		p.timedEntry(r.Metadata, t)
	}
}

// observedTimed says what ends by itself, and who loses access then.
func (p *page) observedTimed(list v1alpha1.ClientList) error {
	if len(list.Timed) == 0 {
		return nil
	}
	p.section("Ends by itself")
	for _, t := range list.Timed {
		p.timedEntry(list.Metadata, t.Timed)
		if len(t.CutOff) > 0 {
			shown := t.CutOff
			if !p.wide {
				shown = words.Some(shown)
			}
			p.bullet(4, "It cuts off then, with the sessions that are open: "+strings.Join(shown, ", ")+".")
		}
	}
	return nil
}

// timedEntry is a sentence on one thing that ends by itself, and what can be done about it.
func (p *page) timedEntry(of v1alpha1.Metadata, t v1alpha1.Timed) {
	p.paragraph(2, timedWords(t), nil)
	if t.Kind == v1alpha1.TimedGrant {
		p.remedy(4, command.Words("End it now:").Run(p.about(of, "revoke", t.Name)))
		return
	}
	p.remedy(4, command.Words("Keep it:").Run(p.about(of, "confirm")))
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

// about is a command about a cluster, in the context in which it was asked about.
func (p *page) about(of v1alpha1.Metadata, verb string, more ...string) command.Line {
	return command.Plugin(verb, append([]string{of.Name}, more...)...).In(of.Namespace).InContext(cmp.Or(of.Context, p.context))
}

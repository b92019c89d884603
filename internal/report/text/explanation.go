package text

import (
	"fmt"
	"io"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/words"
)

// Explanation writes what explain has found.
func Explanation(w io.Writer, e v1alpha1.Explanation, o Options) error {
	p := newPage(o)
	if err := p.explanation(e); err != nil {
		return fmt.Errorf("render the explanation: %w", err)
	}
	return p.writeTo(w)
}

func (p *page) explanation(e v1alpha1.Explanation) error {
	heading, answer := p.inboundHeading, p.answer
	if e.Outbound {
		heading, answer = p.outboundHeading, p.outboundAnswer
	}
	if err := heading(e); err != nil {
		return err
	}
	for _, a := range e.Answers {
		answer(e, a)
	}
	if err := p.probes(e.Probes, e.Findings); err != nil {
		return err
	}
	if len(e.Notes) > 0 {
		p.section("Notes")
		for _, note := range e.Notes {
			p.bullet(2, note)
		}
	}
	switch {
	case e.Change != nil:
		p.accessChange(e, *e.Change)
	case e.Verdict == v1alpha1.VerdictDenied && e.Source.Remote:
		// Nothing is proposed for who is in another Kubernetes cluster.
	case e.Verdict == v1alpha1.VerdictDenied && e.Outbound:
		p.out.WriteByte('\n')
		p.paragraph(0, "(--why-not looks for the smallest change that would allow it)", nil)
	case e.Verdict == v1alpha1.VerdictDenied:
		p.out.WriteByte('\n')
		p.paragraph(0, "(--why-not looks for the smallest change that would let it in)", nil)
	}
	return nil
}

// inboundHeading says who wants to connect to what of the cluster, and whether it can.
func (p *page) inboundHeading(e v1alpha1.Explanation) error {
	g := grid{bare: true, columns: []column{{}, {flexible: true, limit: p.limit(3)}}}
	label := func(s string) cell { return painted(s, p.colors.Heading) }
	source := sourceName(e.Source)
	if e.Source.Context != "" {
		source += " of " + e.Source.Context
	}
	g.add(label("Source"), text(source))
	g.add(label("Cluster"), text(words.ClusterName(e.Metadata)+", "+e.Target.String()+", port "+portOf(e)))
	g.add(label("Verdict"), p.verdict(e.Verdict, false))
	return p.table(0, g)
}

func sourceName(s v1alpha1.ExplainedSource) string {
	switch {
	case s.Namespace == "":
		return words.Entity(v1alpha1.Entity(s.Name))
	case s.Name == "namespace/"+s.Namespace:
		return "a pod without labels in namespace " + s.Namespace
	default:
		return s.Name + " in namespace " + s.Namespace
	}
}

// portOf adds the number to a port's name when all answers agree on it.
func portOf(e v1alpha1.Explanation) string {
	number := ""
	for _, a := range e.Answers {
		n := fmt.Sprint(a.Port)
		if a.Port == 0 {
			return e.Port
		}
		if number != "" && n != number {
			return e.Port
		}
		number = n
	}
	if number == "" || number == e.Port {
		return e.Port
	}
	return e.Port + " (" + number + ")"
}

// answer writes both directions. With a single answer, source and target have been said above.
func (p *page) answer(e v1alpha1.Explanation, a v1alpha1.Answer) {
	indent := 0
	if len(e.Answers) > 1 {
		port := ""
		if portOf(e) == e.Port && fmt.Sprint(a.Port) != e.Port && a.Port != 0 {
			port = fmt.Sprintf(", port %d", a.Port)
		}
		p.section(fmt.Sprintf("%s → %s%s: %s", p.few(a.Sources), p.few(a.Targets), port, shout(a.Verdict)))
		indent = 2
	}
	p.direction(indent, "Into "+into(e, a)+" (ingress)", a.Ingress)
	p.direction(indent, "Out of "+outOf(e)+" (egress)", a.Egress)
}

func into(e v1alpha1.Explanation, a v1alpha1.Answer) string {
	switch {
	case len(a.Targets) == 1:
		return a.Targets[0]
	case e.Source.IsTarget && e.Target.Pooler != "":
		return "the other pods of the " + e.Target.String()
	case e.Source.IsTarget && len(e.Answers) == 1:
		return fmt.Sprintf("the other %d %s", len(a.Targets), e.Target)
	case e.Target.Pooler != "":
		return "the " + e.Target.String()
	case len(e.Answers) == 1 && len(a.Targets) == 2:
		return "both " + e.Target.String()
	case len(e.Answers) == 1:
		return fmt.Sprintf("all %d %s", len(a.Targets), e.Target)
	}
	return "these " + e.Target.String()
}

func outOf(e v1alpha1.Explanation) string {
	if e.Source.Namespace == "" || strings.HasPrefix(e.Source.Name, "namespace/") || strings.HasPrefix(e.Source.Name, "a pod") {
		return "the source"
	}
	return e.Source.Name
}

// few names the first of many.
func (p *page) few(names []string) string {
	const most = 4
	if p.wide || len(names) <= most+1 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

func shout(v v1alpha1.Verdict) string {
	if v == v1alpha1.VerdictDenied {
		return "DENIED"
	}
	return string(v)
}

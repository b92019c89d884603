package text

import (
	"cmp"
	"fmt"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/words"
)

// outboundHeading says who of the cluster wants to reach what, and whether it can.
func (p *page) outboundHeading(e v1alpha1.Explanation) error {
	g := grid{bare: true, columns: []column{{}, {flexible: true, limit: p.limit(3)}}}
	label := func(s string) cell { return painted(s, p.colors.Heading) }
	g.add(label("Cluster"), text(words.ClusterName(e.Metadata)+", "+e.Source.Name))
	target := e.Target.String()
	if port := portOf(e); port != "" {
		target += ", port " + port
	}
	g.add(label("Target"), text(target))
	g.add(label("Verdict"), p.verdict(e.Verdict, false))
	return p.table(0, g)
}

// outboundAnswer writes both directions, the database's first.
func (p *page) outboundAnswer(e v1alpha1.Explanation, a v1alpha1.Answer) {
	indent := 0
	if len(e.Answers) > 1 {
		port, advisory := "", ""
		switch {
		case a.Port == 0 && a.Protocol == "" && !a.Advisory:
		case a.Port == 0:
			port = ", " + cmp.Or(a.Protocol, "TCP")
		case a.Protocol != "":
			port = fmt.Sprintf(", %s port %d", a.Protocol, a.Port)
		case fmt.Sprint(a.Port) != e.Port || a.Advisory:
			port = fmt.Sprintf(", TCP port %d", a.Port)
		}
		if a.Advisory {
			advisory = " (for long answers only)"
		}
		p.section(fmt.Sprintf("%s → %s%s: %s%s", p.few(a.Sources), p.few(a.Targets), port, shout(a.Verdict), advisory))
		indent = 2
	}
	out := "these " + e.Source.Name
	switch {
	case len(a.Sources) == 1:
		out = a.Sources[0]
	case len(e.Answers) == 1:
		out = "all " + e.Source.Name
		if e.Source.Name != "instances" {
			out = "all pods of " + e.Source.Name
		}
	case e.Source.Name != "instances":
		out = "these pods of " + e.Source.Name
	}
	p.direction(indent, "Out of "+out+" (egress)", a.Egress)
	into := e.Target.String()
	if len(a.Targets) == 1 {
		into = a.Targets[0]
	}
	p.direction(indent, "Into "+into+" (ingress)", a.Ingress)
}

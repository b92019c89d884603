package text

import (
	"fmt"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/words"
)

// detail writes one cluster in full. Findings come last: that is where the reader's eye and the
// prompt are.
func (p *page) detail(r v1alpha1.IsolationReport) error {
	for _, write := range []func(v1alpha1.IsolationReport) error{
		p.headline, p.pods, p.policies, p.flows, p.clients, p.timed, p.rehearsal,
	} {
		if err := write(r); err != nil {
			return err
		}
	}
	p.section("Findings")
	shown, hidden := words.Visible(r.Findings, p.wide)
	p.findings(shown)
	if len(shown) == 0 {
		p.paragraph(2, "none", p.colors.Good)
	}
	if hidden > 0 {
		p.paragraph(2, "(-o wide shows "+words.Count(hidden, "info finding")+")", nil)
	}
	return nil
}

// shortClients is shortClients with a color for the answer that nobody wants.
func (p *page) shortClients(r v1alpha1.IsolationReport) cell {
	short := text(words.ShortClients(r))
	if short.parts[0] == words.Everybody {
		short.paint = p.colors.Bad
	}
	return short
}

// limit is how many lines a name may take; wide never shortens one.
func (p *page) limit(lines int) int {
	if p.wide {
		return 0
	}
	return lines
}

func (p *page) headline(r v1alpha1.IsolationReport) error {
	posture := string(r.Posture)
	paint := p.posture(r.Posture)
	g := grid{bare: true, columns: []column{{}, {flexible: true, limit: p.limit(3)}}}
	label := func(s string) cell { return painted(s, p.colors.Heading) }
	g.add(label("Cluster"), text(words.ClusterName(r.Metadata)))
	g.add(label("Posture"), painted(posture+": "+words.Meaning(r.Posture), func(s string) string {
		if rest, ok := strings.CutPrefix(s, posture); ok {
			return paint(posture) + rest
		}
		return s
	}))
	g.add(label("Clients"), p.shortClients(r))
	if r.CiliumVersion != "" && p.wide {
		g.add(label("Cilium"), text(r.CiliumVersion))
	}
	g.add(label("Findings"), text(words.FindingCounts(r.Findings, p.wide)))
	return p.table(0, g)
}

func (p *page) pods(r v1alpha1.IsolationReport) error {
	p.section("Pods")
	g := grid{columns: []column{
		{header: "NAME", flexible: true, limit: p.limit(2)}, {header: "ROLE", flexible: true}, {header: "INGRESS"}, {header: "EGRESS"},
	}}
	if p.wide {
		g.columns = append(g.columns, column{header: "SEEN"})
	}
	expected := 0
	for _, pod := range r.Pods {
		row := []cell{text(pod.Name), text(string(pod.Role)), p.enforcement(pod), text(words.Egress(pod))}
		seen := "yes"
		if pod.Expected {
			expected++
			seen = "expected"
		}
		if p.wide {
			row = append(row, text(seen))
		}
		g.add(row...)
	}
	if len(r.Pods) == 0 {
		p.paragraph(2, "none", nil)
	}
	if err := p.table(2, g); err != nil {
		return err
	}
	if expected > 0 {
		p.paragraph(2, fmt.Sprintf("%d of %s expected from the manifests, not seen running", expected, words.Count(len(r.Pods), "pod")), nil)
	}
	return nil
}

func (p *page) enforcement(pod v1alpha1.PodReport) cell {
	paint := p.colors.Bad
	switch {
	case !pod.Enforced:
		paint = p.colors.Alarm
	case pod.IngressDefaultDeny:
		paint = p.colors.Good
	}
	return painted(words.Enforcement(pod), paint)
}

func (p *page) clients(r v1alpha1.IsolationReport) error {
	p.section("Who can connect")
	if len(r.Exposure) == 0 {
		p.paragraph(2, "unknown", p.colors.Warn)
		return nil
	}
	for _, e := range mergeTargets(r.Exposure) {
		if err := p.exposure(e, r.Posture); err != nil {
			return err
		}
	}
	return nil
}

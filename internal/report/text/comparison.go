package text

import (
	"fmt"
	"io"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/words"
)

// Comparison writes what differs between two states: a line for each database, then what changes for it. Where nothing
// differs, that is the only line.
func Comparison(w io.Writer, c v1alpha1.StateComparison, o Options) error {
	p := newPage(o)
	if err := p.comparison(c); err != nil {
		return fmt.Errorf("render comparison: %w", err)
	}
	return p.writeTo(w)
}

func (p *page) comparison(c v1alpha1.StateComparison) error {
	g := grid{columns: []column{
		{header: "CHANGE"}, {header: "NAMESPACE", flexible: true, limit: p.limit(1)}, {header: "CLUSTER", flexible: true, limit: p.limit(2)},
		{header: "POSTURE"}, {header: "WHAT", flexible: true},
	}}
	for _, one := range c.Clusters {
		sign, paint := p.presence(one)
		g.add(painted(sign, paint), text(one.Metadata.Namespace), text(one.Metadata.Name), p.postureChange(one.Posture), text(words.ComparisonSummary(one)))
	}
	if err := p.table(0, g); err != nil {
		return err
	}
	for _, one := range c.Clusters {
		if err := p.clusterComparison(one); err != nil {
			return err
		}
	}
	if c.Findings.Differs() {
		p.section("Without a cluster")
		p.findingChanges(c.Findings, true)
	}
	if doubts := words.Doubts(c); len(doubts) > 0 {
		p.section("Unknown")
		for _, doubt := range doubts {
			p.paragraph(2, words.DoubtSubject(c, doubt), p.colors.Warn)
			p.paragraph(4, doubt.Doubt.Message, nil)
		}
	}
	if p.out.Len() > 0 {
		p.out.WriteByte('\n')
	}
	p.paragraph(0, words.ComparisonTotals(c), p.colors.Heading)
	return nil
}

func (p *page) presence(c v1alpha1.ClusterComparison) (string, style) {
	switch {
	case c.Presence == v1alpha1.PresenceAdded:
		return "+ added", p.colors.Good
	case c.Presence == v1alpha1.PresenceRemoved:
		return "- removed", p.colors.Bad
	case c.Differs():
		return "~ differs", p.colors.Warn
	}
	return "? unknown", p.colors.Warn
}

func (p *page) postureChange(change v1alpha1.PostureChange) cell {
	last := change.After
	if last == "" {
		last = change.Before
	}
	return painted(words.PostureChange(change), p.posture(last))
}

func (p *page) clusterComparison(c v1alpha1.ClusterComparison) error {
	if len(c.RequiredFlows)+len(c.Access.Loses)+len(c.Access.Gains)+len(c.Findings.New)+len(c.Findings.Gone) == 0 {
		return nil
	}
	p.section(words.ClusterName(c.Metadata))
	if len(c.RequiredFlows) > 0 {
		g := p.flowGrid()
		for _, flow := range c.RequiredFlows {
			verdict, change := p.verdict(flow.After, flow.Advisory), words.VerdictChange(flow)
			if flow.Advisory {
				change += " (advisory)"
			}
			g.add(append(p.flowCells(flow.Name, words.Between(flow.From, flow.To), flow.Port), painted(change, verdict.paint))...)
		}
		if err := p.table(2, g); err != nil {
			return err
		}
	}
	if len(c.Access.Loses)+len(c.Access.Gains) > 0 {
		if err := p.accessTable(c.Access); err != nil {
			return err
		}
	}
	p.findingChanges(c.Findings, c.Presence != v1alpha1.PresenceRemoved)
	return nil
}

// findingChanges writes new findings in full, and of those that are gone what they were about.
func (p *page) findingChanges(changes v1alpha1.FindingChanges, gone bool) {
	shown, _ := words.Visible(changes.New, p.wide)
	if len(shown) > 0 {
		p.findings(shown)
	}
	if !gone {
		return
	}
	shown, _ = words.Visible(changes.Gone, p.wide)
	for _, f := range shown {
		p.paragraph(2, "gone: "+string(f.Code)+": "+f.Message, p.colors.Good)
	}
}

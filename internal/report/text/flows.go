package text

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/words"
)

func (p *page) flows(r v1alpha1.IsolationReport) error {
	p.section("Required flows")
	if len(r.RequiredFlows) == 0 {
		p.paragraph(2, "none known", nil)
		return nil
	}
	g := p.flowGrid(column{header: "DECIDED BY", flexible: true, limit: p.limit(2)})
	shown := slices.DeleteFunc(slices.Clone(r.RequiredFlows), func(f v1alpha1.RequiredFlow) bool { return !p.wide && incidental(f) })
	for _, flow := range shown {
		g.add(append(p.flowCells(flow.Name, words.Between(flow.From, flow.To), flow.Port),
			p.verdict(flow.Verdict, flow.Advisory), lines(p.deciders(flow)))...)
	}
	if err := p.table(2, g); err != nil {
		return err
	}
	for _, flow := range shown {
		if flow.Message != "" && flow.Verdict != v1alpha1.VerdictAllowed {
			target := strconv.Itoa(int(flow.Port))
			if flow.To != "" {
				target = flow.To
			}
			p.paragraph(2, fmt.Sprintf("%s to %s: %s", flow.From, target, flow.Message), nil)
		}
	}
	return nil
}

// flowGrid is the table of flows: source and port tell them apart, their names stand in wide.
func (p *page) flowGrid(more ...column) grid {
	columns := []column{{header: "FROM", flexible: true, limit: p.limit(2)}, {header: "PORT"}, {header: "VERDICT"}}
	if p.wide {
		columns = append([]column{{header: "FLOW"}}, columns...)
	}
	return grid{columns: append(columns, more...)}
}

// incidental flows stand in wide: with which no policy has to do, and which are of use and not needed. That
// metrics are scraped is of interest to everybody who has asked for it.
func incidental(f v1alpha1.RequiredFlow) bool {
	return f.Unrestricted() || f.To != "" && f.Advisory && f.Name != v1alpha1.FlowMetrics
}

func (p *page) flowCells(name, from string, port uint16) []cell {
	cells := []cell{text(from), text(words.Port(port))}
	if p.wide {
		return append([]cell{text(name)}, cells...)
	}
	return cells
}

func (p *page) deciders(flow v1alpha1.RequiredFlow) []string {
	names := p.policyNames(flow.Policies)
	if len(names) == 0 {
		switch flow.Verdict {
		case v1alpha1.VerdictAllowed:
			return []string{"no policy restricts it"}
		case v1alpha1.VerdictDenied:
			return []string{"no policy allows it"}
		default:
			return []string{"-"}
		}
	}
	if p.wide {
		return names
	}
	return words.Some(names)
}

package text

import (
	"fmt"
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
	for _, flow := range r.RequiredFlows {
		g.add(append(p.flowCells(flow.Name, flow.From, flow.Port),
			p.verdict(flow.Verdict, flow.Advisory), lines(p.deciders(flow)))...)
	}
	if err := p.table(2, g); err != nil {
		return err
	}
	for _, flow := range r.RequiredFlows {
		if flow.Message != "" && flow.Verdict != v1alpha1.VerdictAllowed {
			p.paragraph(2, fmt.Sprintf("%s to %d: %s", flow.From, flow.Port, flow.Message), nil)
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

func (p *page) flowCells(name, from string, port uint16) []cell {
	cells := []cell{text(from), text(strconv.Itoa(int(port)))}
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

package text

import (
	"slices"
	"strconv"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/words"
)

// overview writes several clusters: one line for each, then what is wrong with them. Contexts that
// failed are lines too.
func (p *page) overview(list v1alpha1.IsolationReportList) error {
	g := grid{columns: []column{
		{header: "NAMESPACE", flexible: true, limit: p.limit(1)},
		{header: "CLUSTER", flexible: true, limit: p.limit(2)},
		{header: "POSTURE"},
		{header: "PODS"},
		{header: "POLICIES"},
		{header: "CLIENTS", flexible: true},
		{header: "FINDINGS", flexible: true},
	}}
	contexts := hasContexts(list)
	add := func(context string, row ...cell) {
		if contexts {
			row = append([]cell{text(context)}, row...)
		}
		g.add(row...)
	}
	if contexts {
		g.columns = append([]column{{header: "CONTEXT", flexible: true, limit: p.limit(2)}}, g.columns...)
	}
	addReport := func(r v1alpha1.IsolationReport) {
		add(r.Metadata.Context,
			text(r.Metadata.Namespace),
			text(r.Metadata.Name),
			painted(string(r.Posture), p.posture(r.Posture)),
			text(strconv.Itoa(len(r.Pods))),
			text(strconv.Itoa(len(r.Policies))),
			p.shortClients(r),
			text(words.FindingCounts(r.Findings, p.wide)),
		)
	}
	addFailed := func(failed v1alpha1.ContextError) {
		none := text("-")
		add(failed.Context, none, none, painted("ERROR", p.colors.Alarm), none, none, none, text("1 error"))
	}
	// Reports come in the order of the contexts already: what failed goes in between.
	reports, failures := list.Items, list.Errors
	for _, context := range p.contexts {
		for len(reports) > 0 && reports[0].Metadata.Context == context {
			addReport(reports[0])
			reports = reports[1:]
		}
		for len(failures) > 0 && failures[0].Context == context {
			addFailed(failures[0])
			failures = failures[1:]
		}
	}
	for _, r := range reports {
		addReport(r)
	}
	for _, failed := range failures {
		addFailed(failed)
	}
	if err := p.table(0, g); err != nil {
		return err
	}
	common := commonFindings(list.Items)
	if shown, _ := words.Visible(common, p.wide); len(shown) > 0 {
		p.section("All clusters")
		p.findings(shown)
	}
	for _, r := range list.Items {
		shown, _ := words.Visible(without(r.Findings, common), p.wide)
		if len(shown)+len(r.Timed) > 0 || r.Rehearsal != nil {
			p.section(words.ClusterName(r.Metadata))
			p.timedLines(r)
			p.rehearsalLines(r)
			p.findings(shown)
		}
	}
	for _, failed := range list.Errors {
		p.section(failed.Context)
		p.paragraph(2, "ERROR", p.colors.Alarm)
		p.paragraph(4, failed.Message, nil)
	}
	p.leftOver(list.Findings)
	p.out.WriteByte('\n')
	p.paragraph(0, words.Totals(list), nil)
	return nil
}

// commonFindings are those that every one of several clusters has: evidence that is missing for one
// is often missing for all, and is told once.
func commonFindings(reports []v1alpha1.IsolationReport) []v1alpha1.Finding {
	if len(reports) < 2 {
		return nil
	}
	common := slices.Clone(reports[0].Findings)
	for _, r := range reports[1:] {
		if len(common) == 0 {
			break
		}
		known := byMessage(r.Findings)
		common = slices.DeleteFunc(common, func(f v1alpha1.Finding) bool { return !known.has(f) })
	}
	return common
}

func without(findings, common []v1alpha1.Finding) []v1alpha1.Finding {
	known := byMessage(common)
	return slices.DeleteFunc(slices.Clone(findings), known.has)
}

// messages are findings by what they say: there may be thousands.
type messages map[string][]v1alpha1.Finding

func byMessage(findings []v1alpha1.Finding) messages {
	out := messages{}
	for _, f := range findings {
		out[f.Message] = append(out[f.Message], f)
	}
	return out
}

func (m messages) has(f v1alpha1.Finding) bool { return slices.ContainsFunc(m[f.Message], f.Equal) }

// leftOver writes the findings that belong to no cluster.
func (p *page) leftOver(findings []v1alpha1.Finding) {
	if shown, _ := words.Visible(findings, p.wide); len(shown) > 0 {
		p.section("Without a cluster")
		p.findings(shown)
	}
}

// hasContexts is true for the reports of several contexts.
func hasContexts(list v1alpha1.IsolationReportList) bool {
	return len(list.Errors) > 0 || slices.ContainsFunc(list.Items, func(r v1alpha1.IsolationReport) bool {
		return r.Metadata.Context != ""
	})
}

package text

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/words"
)

// Preview writes what verb ("lockdown", "unlock") would change. It ends with the refusals and one line
// that sums everything up, because that is what stands above the question.
func Preview(w io.Writer, verb string, preview v1alpha1.ChangePreview, o Options) error {
	p := newPage(o)
	if err := p.preview(verb, preview); err != nil {
		return fmt.Errorf("render preview: %w", err)
	}
	return p.writeTo(w)
}

func (p *page) preview(verb string, preview v1alpha1.ChangePreview) error {
	if err := p.previewHeadline(verb, preview); err != nil {
		return err
	}
	for _, write := range []func(v1alpha1.ChangePreview) error{
		p.observed, p.steps, p.flowChanges, p.accessChanges, p.bystanders,
	} {
		if err := write(preview); err != nil {
			return err
		}
	}
	p.notes(preview.Notes)
	p.refusals(verb, preview.Refusals)
	p.out.WriteByte('\n')
	if len(preview.Refusals) > 0 {
		p.paragraph(0, "REFUSED: "+summary(preview), p.colors.Alarm)
	} else {
		p.paragraph(0, summary(preview), p.colors.Heading)
	}
	return nil
}

func (p *page) previewHeadline(verb string, preview v1alpha1.ChangePreview) error {
	before, after := string(preview.Posture.Before), string(preview.Posture.After)
	value := painted(before+" → "+after, func(string) string {
		return p.posture(preview.Posture.Before)(before) + " → " + p.posture(preview.Posture.After)(after)
	})
	if before == after {
		value = painted(before+" (stays)", func(string) string { return p.posture(preview.Posture.Before)(before) + " (stays)" })
	}
	g := grid{bare: true, columns: []column{{}, {flexible: true, limit: p.limit(3)}}}
	g.add(painted("Preview", p.colors.Heading), text(verb+" "+words.ClusterName(preview.Metadata)))
	if before != "" || after != "" {
		g.add(painted("Posture", p.colors.Heading), value)
	}
	return p.table(0, g)
}

func (p *page) steps(preview v1alpha1.ChangePreview) error {
	p.section("Policies")
	if len(preview.Policies) == 0 {
		p.paragraph(2, "nothing to change", nil)
		return nil
	}
	g := grid{columns: []column{{header: "CHANGE"}, {header: "KIND"}, {header: "NAME", flexible: true, limit: p.limit(2)}, {header: "FOR", flexible: true}}}
	for _, step := range preview.Policies {
		change, paint := p.action(step.Action)
		g.add(painted(change, paint), text(words.ShortKind(step.Kind)), text(step.Name), text(step.For))
	}
	return p.table(2, g)
}

func (p *page) action(action v1alpha1.PolicyAction) (string, style) {
	switch action {
	case v1alpha1.PolicyCreate:
		return "+ create", p.colors.Good
	case v1alpha1.PolicyUpdate:
		return "~ update", p.colors.Warn
	case v1alpha1.PolicyDelete:
		return "- delete", p.colors.Bad
	default:
		return "  " + string(action), nil
	}
}

func (p *page) flowChanges(preview v1alpha1.ChangePreview) error {
	if len(preview.RequiredFlows) == 0 {
		return nil
	}
	p.section("Required flows")
	g := p.flowGrid()
	flows := slices.Clone(preview.RequiredFlows)
	slices.SortStableFunc(flows, func(a, b v1alpha1.RequiredFlowChange) int { return urgency(a) - urgency(b) })
	for _, flow := range flows {
		g.add(append(p.flowCells(flow.Name, words.Between(flow.From, flow.To), flow.Port), p.verdictChange(flow))...)
	}
	return p.table(2, g)
}

// urgency orders flows: blocked ones first, then those that nobody can judge, advisory ones after
// required ones.
func urgency(flow v1alpha1.RequiredFlowChange) int {
	switch {
	case flow.After == v1alpha1.VerdictAllowed:
		return 4
	case flow.After == v1alpha1.VerdictDenied && !flow.Advisory:
		return 0
	case !flow.Advisory:
		return 1
	case flow.After == v1alpha1.VerdictDenied:
		return 2
	default:
		return 3
	}
}

func (p *page) verdictChange(flow v1alpha1.RequiredFlowChange) cell {
	after := p.verdict(flow.After, flow.Advisory)
	if flow.Advisory && flow.After != v1alpha1.VerdictDenied {
		after.parts[0] += " (advisory)"
	}
	if flow.Before == flow.After {
		return painted("stays "+after.parts[0], after.paint)
	}
	return painted(string(flow.Before)+" → "+after.parts[0], after.paint)
}

func (p *page) bystanders(preview v1alpha1.ChangePreview) error {
	if len(preview.Bystanders) == 0 {
		return nil
	}
	p.section("Other workloads whose ingress changes")
	g := grid{columns: []column{{header: "NAMESPACE", flexible: true, limit: p.limit(1)}, {header: "WORKLOAD", flexible: true, limit: p.limit(2)}, {header: "INGRESS"}}}
	shown, rest := p.firstBystanders(preview.Bystanders)
	for _, b := range shown {
		paint := p.colors.Good
		if b.DefaultDenyAfter {
			paint = p.colors.Bad
		}
		g.add(text(b.Client.Namespace), text(words.Workload(b.Client)), painted(ingress(b.DefaultDenyBefore)+" → "+ingress(b.DefaultDenyAfter), paint))
	}
	if err := p.table(2, g); err != nil {
		return err
	}
	for _, denied := range []bool{true, false} {
		var left places
		for _, b := range rest {
			if b.DefaultDenyAfter == denied {
				left.add(b.Client.Namespace)
			}
		}
		if len(left.all) > 0 {
			sum, names := left.words()
			p.paragraph(2, "and "+sum+" whose ingress becomes "+ingress(denied)+" (-o wide names all): "+names, nil)
		}
	}
	return nil
}

// firstBystanders are those that a preview names, of whom those that lose their ingress come first where there are more.
func (p *page) firstBystanders(all []v1alpha1.BystanderChange) (shown, rest []v1alpha1.BystanderChange) {
	if p.wide || len(all) <= firstClients+1 {
		return all, nil
	}
	ordered := slices.Clone(all)
	slices.SortStableFunc(ordered, func(a, b v1alpha1.BystanderChange) int {
		switch {
		case a.DefaultDenyAfter == b.DefaultDenyAfter:
			return 0
		case a.DefaultDenyAfter:
			return -1
		}
		return 1
	})
	return ordered[:firstClients], ordered[firstClients:]
}

func ingress(defaultDeny bool) string {
	if defaultDeny {
		return "default deny"
	}
	return "open"
}

func (p *page) notes(notes []v1alpha1.ChangeNote) {
	if len(notes) == 0 {
		return
	}
	p.section("Notes")
	for _, n := range notes {
		p.paragraph(2, strings.TrimPrefix(n.Subject+": "+n.Message, ": "), p.colors.Warn)
		p.remedy(4, n.Remedy)
	}
}

func (p *page) refusals(verb string, refusals []v1alpha1.Refusal) {
	if len(refusals) == 0 {
		return
	}
	p.out.WriteByte('\n')
	p.paragraph(0, verb+" does not go on without --force:", p.colors.Alarm)
	for _, reason := range refusals {
		p.bullet(2, reason.Message)
	}
}

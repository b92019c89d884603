package text

import (
	"slices"
	"strconv"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/words"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// observed says who really uses the cluster and would be cut off. The flags of those are for clients to say.
func (p *page) observed(preview v1alpha1.ChangePreview) error {
	o := preview.Observed
	if o == nil {
		return nil
	}
	list := v1alpha1.ClientList{Clients: o.CutOff, Evidence: o.Evidence}
	p.section("They use the cluster or refer to it, and would be cut off")
	if len(o.CutOff) == 0 {
		p.paragraph(2, "nobody of whom there is evidence; what it does not cover, it does not rule out", nil)
	}
	if err := p.table(2, p.cutOffGrid(o.CutOff, looked(list))); err != nil {
		return err
	}
	if err := p.losesReach(o.Loses); err != nil {
		return err
	}
	return p.evidence(list)
}

// losesReach are the connections that the cluster's pods were seen to open and would lose; nothing when there are none.
func (p *page) losesReach(loses []v1alpha1.ObservedReach) error {
	if len(loses) == 0 {
		return nil
	}
	title := "Its own pods were seen to connect to these, and would be cut off"
	if slices.ContainsFunc(loses, func(r v1alpha1.ObservedReach) bool { return r.Verdict != v1alpha1.VerdictDenied }) {
		title += ", or may be"
	}
	p.section(title)
	g := grid{columns: []column{{header: "FROM", flexible: true, limit: p.limit(1)}, {header: "TO", flexible: true, limit: p.limit(2)}, {header: "OPENED"}, {header: "THEN"}, {header: "FLAG", flexible: true}}}
	for _, r := range loses {
		opened := orDash("")
		if r.Opened > 0 {
			opened = strconv.FormatUint(r.Opened, 10)
		} else if r.Ongoing {
			opened = "ongoing"
		}
		flag := orDash(r.Flag)
		if r.Message != "" {
			flag = r.Message
		} else if r.Flag != "" {
			flag = command.Quote(r.Flag)
		}
		g.add(text(r.From), text(r.Name()), text(opened), p.verdict(r.Verdict, false), text(flag))
	}
	return p.table(2, g)
}

// cutOffGrid is the table of clients without MAY, which is the same for all, and without FLAG.
func (p *page) cutOffGrid(clients []v1alpha1.ObservedClient, seen map[v1alpha1.EvidenceKind]bool) grid {
	g := p.clientGrid(clients, seen)
	g.columns = g.columns[:len(g.columns)-2]
	for i := range g.rows {
		g.rows[i] = g.rows[i][:len(g.columns)]
	}
	return g
}

// seenLosers are the changes without those workloads that lose access and were not seen, which unseenLosers folds.
func seenLosers(preview v1alpha1.ChangePreview) v1alpha1.ChangePreview {
	if preview.Observed == nil {
		return preview
	}
	unseen := map[v1alpha1.Client]bool{}
	for _, u := range preview.Observed.Unseen {
		unseen[v1alpha1.Client{Namespace: u.Namespace, Workload: u.Workload}] = true
	}
	preview.Access.Loses = slices.DeleteFunc(slices.Clone(preview.Access.Loses), func(c v1alpha1.ClientChange) bool {
		return c.Entity == "" && unseen[v1alpha1.Client{Namespace: c.Namespace, Workload: c.Workload}]
	})
	return preview
}

func (p *page) unseenLosers(preview v1alpha1.ChangePreview) {
	if preview.Observed == nil || len(preview.Observed.Unseen) == 0 {
		return
	}
	var who []string
	for _, c := range preview.Observed.Unseen {
		who = append(who, c.Namespace+"/"+words.Workload(c))
	}
	p.paragraph(2, "loses, without any evidence of use: "+words.Count(len(who), "workload")+": "+strings.Join(words.Some(who), ", "), nil)
}

// proposedLockdown is the command, what each of its flags is for, and what it leaves out.
func (p *page) proposedLockdown(list v1alpha1.ClientList) error {
	l := list.Lockdown
	if l == nil {
		return nil
	}
	p.section("Lockdown for those who use it")
	p.line(2, terminal.Escape(l.Command.String()), nil)
	g := grid{columns: []column{{header: "FLAG", flexible: true}, {header: "FOR", flexible: true}}}
	for _, grant := range l.Grants {
		who := grant.Clients
		if !p.wide {
			who = words.Some(who)
		}
		text := strings.Join(who, ", ")
		if grant.ReferencesOnly {
			text += " (refers to it, and was not seen to connect)"
		}
		g.add(cell{parts: []string{grant.Flag}}, cell{parts: []string{text}})
	}
	if len(l.Grants) > 0 {
		p.out.WriteByte('\n')
	}
	if err := p.table(2, g); err != nil {
		return err
	}
	if len(l.LeavesOut) > 0 {
		p.out.WriteByte('\n')
		p.paragraph(2, "It leaves out:", nil)
		for _, c := range l.LeavesOut {
			p.bullet(2, c.Client+": "+c.Reason)
			p.remedy(4, c.Remedy)
		}
	}
	if len(l.AlsoLetsIn) > 0 {
		var who []string
		for _, c := range l.AlsoLetsIn {
			who = append(who, c.Namespace+"/"+words.Workload(c))
		}
		if !p.wide {
			who = words.Some(who)
		}
		p.out.WriteByte('\n')
		p.paragraph(2, "It also lets in, without any evidence: "+strings.Join(who, ", ")+".", p.colors.Warn)
	}
	p.refusals("lockdown", l.Refusals)
	return nil
}

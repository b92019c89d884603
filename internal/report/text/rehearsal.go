package text

import (
	"fmt"
	"strconv"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/words"
)

// rehearsal writes what is rehearsed, nothing when nothing is.
func (p *page) rehearsal(r v1alpha1.IsolationReport) error {
	if r.Rehearsal == nil {
		return nil
	}
	p.section("Rehearsal")
	p.rehearsalLines(r)
	return nil
}

// rehearsalLines are a sentence on a rehearsal, and what can be done about it.
func (p *page) rehearsalLines(r v1alpha1.IsolationReport) {
	if r.Rehearsal == nil {
		return
	}
	cluster := func(verb string) command.Line {
		return p.about(r.Metadata, verb)
	}
	p.paragraph(2, "A lockdown is rehearsed since "+sinceWhen(*r.Rehearsal)+": its default deny is left out, and it cuts off nobody.", nil)
	p.remedy(4, command.Words("Who would be cut off:").Run(cluster("clients")))
	p.remedy(4, command.Words("End it by the lockdown:").Run(r.Rehearsal.Lockdown))
	p.remedy(4, command.Words("Give it up:").Run(cluster("unlock")))
}

// observedRehearsal says whom the lockdown that is rehearsed would cut off.
func (p *page) observedRehearsal(list v1alpha1.ClientList) error {
	r := list.Rehearsal
	if r == nil {
		return nil
	}
	p.section("Rehearsal since " + sinceWhen(r.Rehearsal))
	used, seen := 0, 0
	for _, c := range r.CutOff {
		if c.Used() {
			used++
		}
	}
	for _, c := range list.Clients {
		if c.Used() {
			seen++
		}
	}
	switch {
	case seen == 0:
		p.paragraph(2, "Nobody was seen to use the cluster; what the evidence does not cover, it does not rule out.", nil)
	case used == 0:
		p.paragraph(2, fmt.Sprintf("Of %s seen to use the cluster, the lockdown would cut off none.", words.Count(seen, "client")), p.colors.Good)
	default:
		p.paragraph(2, fmt.Sprintf("Of %s seen to use the cluster, the lockdown would cut off %d:", words.Count(seen, "client"), used), p.colors.Bad)
	}
	if used == 0 && len(r.CutOff) > 0 {
		p.paragraph(2, "It would cut off those who refer to it, and were not seen:", p.colors.Warn)
	}
	g := p.cutOffGrid(r.CutOff, looked(list))
	g.columns = append(g.columns, column{header: "BY DEFAULT"})
	for i, c := range r.CutOff {
		g.rows[i] = append(g.rows[i], text(byDefault(c)))
	}
	if err := p.table(2, g); err != nil {
		return err
	}
	if len(r.CutOff) > 0 {
		p.paragraph(2, "BY DEFAULT: connections of which Cilium says that no policy let them in.", nil)
	}
	if err := p.losesReach(r.Loses); err != nil {
		return err
	}
	p.remedy(2, command.Words("It ends by:").Run(r.Lockdown))
	return nil
}

// byDefault is the number of connections of which Cilium says that no policy let them in.
func byDefault(c v1alpha1.ObservedClient) string {
	var n uint64
	for _, t := range c.Targets {
		n += t.ByDefault
	}
	if n == 0 {
		return orDash("")
	}
	return strconv.FormatUint(n, 10)
}

func sinceWhen(r v1alpha1.Rehearsal) string { return r.Since.UTC().Format("2006-01-02 15:04:05 UTC") }

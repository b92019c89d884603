package text

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/words"
)

// notAsked stands in a column whose evidence nobody has: it is no zero.
const notAsked = "?"

// Clients writes who uses a cluster, what that rests on, and the lockdown that lets them in.
func Clients(w io.Writer, list v1alpha1.ClientList, o Options) error {
	p := newPage(o)
	for _, write := range []func(v1alpha1.ClientList) error{p.clientTable, p.observedTimed, p.observedRehearsal, p.evidence, p.proposedLockdown} {
		if err := write(list); err != nil {
			return fmt.Errorf("render clients: %w", err)
		}
	}
	for _, note := range list.Notes {
		p.out.WriteByte('\n')
		p.paragraph(0, strings.ToUpper(note[:1])+note[1:]+".", p.colors.Warn)
	}
	return p.writeTo(w)
}

// looked are the kinds of evidence that there is anything of.
func looked(list v1alpha1.ClientList) map[v1alpha1.EvidenceKind]bool {
	out := map[v1alpha1.EvidenceKind]bool{}
	for _, e := range list.Evidence {
		out[e.Kind] = out[e.Kind] || hasAny(e)
	}
	for _, c := range list.Clients {
		out[v1alpha1.EvidenceSessions] = out[v1alpha1.EvidenceSessions] || c.Sessions() > 0
		out[v1alpha1.EvidenceReferences] = out[v1alpha1.EvidenceReferences] || len(c.References) > 0
	}
	return out
}

// hasAny is true for an evidence that was looked at, though not all of it may have been.
func hasAny(e v1alpha1.EvidenceReport) bool {
	return len(e.Gaps) == 0 || e.Events > 0 || e.Source != ""
}

func (p *page) clientTable(list v1alpha1.ClientList) error {
	p.section("Clients of " + words.ClusterName(list.Metadata))
	seen := looked(list)
	if len(list.Clients) == 0 {
		p.paragraph(2, "There is no evidence of any. What the evidence below does not cover, it does not rule out.", nil)
	}
	g := p.clientGrid(list.Clients, seen)
	if !p.wide && g.natural() > p.width-2 {
		// The flags are told again below, where there is room for them.
		g.columns = g.columns[:len(g.columns)-1]
		for i := range g.rows {
			g.rows[i] = g.rows[i][:len(g.columns)]
		}
	}
	if err := p.table(2, g); err != nil {
		return err
	}
	if all := seen[v1alpha1.EvidenceSessions] && seen[v1alpha1.EvidenceFlows] && seen[v1alpha1.EvidenceReferences]; !all && len(list.Clients) > 0 {
		p.paragraph(2, notAsked+": not looked at, see below.", nil)
	}
	p.denials(list)
	p.mayConnect(list)
	return nil
}

// clientGrid is the table of clients, with what was looked at.
func (p *page) clientGrid(clients []v1alpha1.ObservedClient, seen map[v1alpha1.EvidenceKind]bool) grid {
	g := grid{columns: []column{
		{header: "NAMESPACE", flexible: true, limit: p.limit(1)}, {header: "CLIENT", flexible: true, limit: p.limit(2)},
		{header: "TO", flexible: true, limit: p.limit(2)},
		{header: "CONNECTED"}, {header: "SEEN"}, {header: "REFERS", flexible: p.wide}, {header: "MAY"}, {header: "FLAG", flexible: !p.wide},
	}}
	if p.wide {
		g.columns = slices.Insert(g.columns, 5, column{header: "LAST SEEN"})
	}
	for _, c := range clients {
		row := []cell{
			text(c.Namespace), text(client(c)), lines(targetsOf(c)), text(connected(c, seen)), p.seen(c, seen),
			lines(p.refers(c, seen)), p.verdict(c.Verdict, false), text(orDash(c.Flag)),
		}
		if p.wide {
			row = slices.Insert(row, 5, text(lastSeen(c)))
		}
		g.add(row...)
	}
	return g
}

// client is what to call one; what runs nowhere now says so.
func client(c v1alpha1.ObservedClient) string {
	switch {
	case c.Entity == "" && c.Address != "":
		return c.Address + " (no pod or node that is there)"
	case c.Entity != "" && c.Address != "":
		return c.Entity.Short() + " (" + c.Address + ")"
	case c.Entity != "":
		return c.Entity.Short()
	case c.Pods == 0:
		return c.Workload + " (no pod)"
	}
	return words.Workload(c.Client)
}

// targetsOf are what a client was seen to connect to; the port where it is not PostgreSQL's.
func targetsOf(c v1alpha1.ObservedClient) []string {
	var out []string
	for _, t := range c.Targets {
		target := t.Target.String()
		if t.Port != 5432 {
			target += ":" + strconv.Itoa(int(t.Port))
		}
		out = append(out, target)
	}
	return out
}

func connected(c v1alpha1.ObservedClient, looked map[v1alpha1.EvidenceKind]bool) string {
	switch n := c.Sessions(); {
	case n > 0:
		return strconv.Itoa(n)
	case !looked[v1alpha1.EvidenceSessions]:
		return notAsked
	}
	return orDash("")
}

// seen are the numbers of connections that went through and of those that did not.
func (p *page) seen(c v1alpha1.ObservedClient, looked map[v1alpha1.EvidenceKind]bool) cell {
	var opened, audited uint64
	ongoing := false
	for _, t := range c.Targets {
		opened, audited, ongoing = opened+t.Opened, audited+t.Audited, ongoing || t.Ongoing
	}
	var parts []string
	switch {
	case opened > 0:
		parts = append(parts, strconv.FormatUint(opened, 10))
	case ongoing:
		parts = append(parts, "open")
	}
	if audited > 0 {
		parts = append(parts, fmt.Sprintf("%d audited", audited))
	}
	if n := c.Denied(); n > 0 {
		return painted(strings.Join(append(parts, fmt.Sprintf("%d denied", n)), ", "), p.colors.Bad)
	}
	if len(parts) == 0 && !looked[v1alpha1.EvidenceFlows] {
		return text(notAsked)
	}
	return text(orDash(strings.Join(parts, ", ")))
}

func lastSeen(c v1alpha1.ObservedClient) string {
	last := ""
	for _, t := range c.Targets {
		if t.Last != nil {
			last = max(last, t.Last.UTC().Format("2006-01-02 15:04:05"))
		}
	}
	return orDash(last)
}

func (p *page) refers(c v1alpha1.ObservedClient, looked map[v1alpha1.EvidenceKind]bool) []string {
	switch {
	case len(c.References) > 0 && p.wide:
		return c.References
	case len(c.References) > 0:
		return []string{"yes"}
	case !looked[v1alpha1.EvidenceReferences]:
		return []string{notAsked}
	}
	return []string{orDash("")}
}

// denials say why clients are, one by one.
func (p *page) denials(list v1alpha1.ClientList) {
	first := true
	for _, c := range list.Clients {
		if c.Verdict != v1alpha1.VerdictDenied {
			continue
		}
		if first {
			p.out.WriteByte('\n')
			p.paragraph(2, "Denied now:", p.colors.Bad)
			first = false
		}
		why := "a rule denies it, or its own side does"
		if len(c.DefaultDeny) > 0 {
			why = "nothing allows it under the default deny of " + words.Series(p.policyNames(c.DefaultDeny))
		}
		if c.NearestMiss != "" {
			why += "; it " + c.NearestMiss
		}
		p.bullet(2, c.Name()+": "+why)
		if list.Lockdown == nil && c.Flag != "" {
			p.remedy(4, command.Run(command.Flags(c.Flag)))
		}
	}
}

// mayConnect folds those of whom nothing is known but what policies say.
func (p *page) mayConnect(list v1alpha1.ClientList) {
	var who []string
	for _, c := range list.MayConnect {
		who = append(who, c.Namespace+"/"+words.Workload(c))
	}
	for _, e := range list.MayConnectEntities {
		who = append(who, e.Short())
	}
	if len(who) == 0 {
		return
	}
	p.out.WriteByte('\n')
	if !p.wide {
		who = words.Some(who)
	}
	p.paragraph(2, "They may as well, and there is no evidence that they do: "+strings.Join(who, ", ")+".", nil)
}

// evidence says what was looked at.
func (p *page) evidence(list v1alpha1.ClientList) error {
	p.section("Evidence")
	g := grid{bare: true, columns: []column{{}, {flexible: true}}}
	for _, e := range list.Evidence {
		parts := []string{}
		if text := extent(e); text != "" {
			parts = append(parts, text)
		}
		parts = append(parts, e.Gaps...)
		if e.CannotSee != "" && hasAny(e) {
			parts = append(parts, "never sees "+e.CannotSee)
		}
		g.add(text(string(e.Kind)), lines(parts))
	}
	if err := p.table(2, g); err != nil {
		return err
	}
	var told []string
	for _, e := range list.Evidence {
		if text := e.Remedy.String(); text != "" && !slices.Contains(told, text) {
			told = append(told, text)
			p.remedy(2, e.Remedy)
		}
	}
	return nil
}

// extent is how far an evidence reaches.
func extent(e v1alpha1.EvidenceReport) string {
	var parts []string
	if e.Events > 0 || e.Kind == v1alpha1.EvidenceFlows && len(e.Gaps) == 0 {
		parts = append(parts, words.Count(int(min(e.Events, 1<<53)), "event"))
	}
	if e.From != nil && e.To != nil {
		from, to := e.From.UTC(), e.To.UTC()
		if from.Format("2006-01-02") == to.Format("2006-01-02") {
			parts = append(parts, "from "+from.Format("2006-01-02 15:04:05")+" to "+to.Format("15:04:05")+" UTC")
		} else {
			parts = append(parts, "from "+from.Format("2006-01-02 15:04:05")+" to "+to.Format("2006-01-02 15:04:05")+" UTC")
		}
	}
	if len(e.Nodes) > 0 {
		parts = append(parts, "of "+words.Count(len(e.Nodes), "node"))
	}
	text := strings.Join(parts, " ")
	switch {
	case e.Source == "":
		return text
	case text == "":
		return e.Source
	}
	return e.Source + ": " + text
}

package markdown

import (
	"fmt"
	"io"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/words"
)

// Comparison writes what differs between two states, as a comment on the pull request that leads from one to the other. Where
// nothing differs, it is one line.
func Comparison(w io.Writer, c v1alpha1.StateComparison) error {
	var d Document
	d.Heading(2, "Network isolation of the databases")
	d.Paragraph(Text(capital(words.ComparisonTotals(c)) + "."))
	var rows [][]Inline
	for _, one := range c.Clusters {
		rows = append(rows, []Inline{Code(words.ClusterName(one.Metadata)), presence(one), comparedPosture(one), Text(words.ComparisonSummary(one))})
	}
	d.Table([]Inline{"Database", "Change", "Posture", "What"}, rows)
	left := 0
	for _, one := range c.Clusters {
		if d.Len() > maxComment*3/4 {
			left++
			continue
		}
		if len(one.RequiredFlows)+len(one.Access.Loses)+len(one.Access.Gains)+len(one.Findings.New)+len(one.Findings.Gone) == 0 {
			continue
		}
		d.Heading(3, Code(words.ClusterName(one.Metadata)))
		d.flowChanges(one.RequiredFlows)
		d.accessChanges(one)
		d.findingChanges(one.Findings)
	}
	if left > 0 {
		d.Paragraph(Textf("What changes for %s is left out, because comments may not be longer: see -o table.", words.Count(left, "more database")))
	}
	if c.Findings.Differs() {
		d.Heading(3, "Without a database")
		d.findingChanges(c.Findings)
	}
	if doubts := words.Doubts(c); len(doubts) > 0 {
		var items []Inline
		const most = 50
		for i, doubt := range doubts {
			if i == most {
				items = append(items, Textf("and %d more", len(doubts)-most))
				break
			}
			items = append(items, Text(words.DoubtSubject(c, doubt))+": "+Text(doubt.Doubt.Message))
		}
		d.Heading(3, "Unknown")
		d.List(items...)
	}
	_, err := d.WriteTo(w)
	return err
}

func presence(c v1alpha1.ClusterComparison) Inline {
	switch {
	case c.Presence != v1alpha1.PresenceBoth:
		return Text(string(c.Presence))
	case c.Differs():
		return "differs"
	}
	return "unknown"
}

// comparedPosture is in bold where the database is not locked in the end.
func comparedPosture(c v1alpha1.ClusterComparison) Inline {
	text := Text(words.PostureChange(c.Posture))
	if c.Presence != v1alpha1.PresenceRemoved && c.Posture.After != v1alpha1.PostureLocked {
		return Bold(text)
	}
	return text
}

func (d *Document) flowChanges(flows []v1alpha1.RequiredFlowChange) {
	var rows [][]Inline
	for _, f := range flows {
		verdict := Text(words.VerdictChange(f))
		switch {
		case f.Advisory:
			verdict += " (advisory)"
		case f.After == v1alpha1.VerdictDenied || f.After == v1alpha1.VerdictUnknown:
			verdict = Bold(verdict)
		}
		rows = append(rows, []Inline{Text(f.Name), Text(words.Between(f.From, f.To)), Text(words.Port(f.Port)), verdict})
	}
	d.Table([]Inline{"Required flow", "Between", "Port", "Verdict"}, rows)
}

// accessChanges are who loses and who gains, the first of many in the open and all others folded.
func (d *Document) accessChanges(c v1alpha1.ClusterComparison) {
	const few, most = 15, 200
	var rows [][]Inline
	add := func(what Inline, all []v1alpha1.ClientChange) {
		for _, one := range all {
			who := words.Entity(one.Entity)
			if one.Entity == "" {
				who = one.Namespace + "/" + words.Workload(v1alpha1.Client{Workload: one.Workload, Pods: one.Pods})
			}
			rows = append(rows, []Inline{what, Text(who), Textf("%s, port %d", one.Target, one.Port)})
		}
	}
	add(Bold("loses"), c.Access.Loses)
	add("gains", c.Access.Gains)
	header := []Inline{"Access", "Who", "To"}
	if len(rows) <= few {
		d.Table(header, rows)
		return
	}
	d.Table(header, rows[:few])
	d.Details(fmt.Sprintf("%d more", len(rows)-few), func() {
		d.Table(header, rows[few:min(len(rows), most)])
		if len(rows) > most {
			d.Paragraph(Textf("and %d more: see -o json.", len(rows)-most))
		}
	})
}

// reachChanges are what the cluster's own pods were seen to connect to and would not reach any more, or not for certain.
func (d *Document) reachChanges(lost []v1alpha1.ObservedReach) {
	const most = 50
	var rows [][]Inline
	for _, r := range lost[:min(most, len(lost))] {
		verdict := Bold(Text(string(r.Verdict)))
		if r.Message != "" {
			verdict += ": " + Text(r.Message)
		}
		var flag Inline
		if r.Flag != "" {
			flag = Code(command.Quote(r.Flag))
		}
		rows = append(rows, []Inline{Text(r.From), Text(r.Name()), verdict, flag})
	}
	d.Table([]Inline{"Seen to connect", "To", "Afterwards", "Let out by"}, rows)
	if more := len(lost) - most; more > 0 {
		d.Paragraph(Textf("and %d more: see -o json.", more))
	}
}

func (d *Document) findingChanges(changes v1alpha1.FindingChanges) {
	var items []Inline
	shown, _ := words.Visible(changes.New, false)
	for _, f := range shown {
		items = append(items, findingItem(words.SharedFinding{Finding: f}))
	}
	shown, _ = words.Visible(changes.Gone, false)
	for _, f := range shown {
		items = append(items, Join(" ", "gone:", Code(string(f.Code)), Text(f.Message)))
	}
	d.List(items...)
}

// capital begins a sentence. What follows our own first word is left as it is.
func capital(sentence string) string {
	if sentence == "" || sentence[0] < 'a' || sentence[0] > 'z' {
		return sentence
	}
	return string(sentence[0]-'a'+'A') + sentence[1:]
}

// Change writes the preview of a lockdown: the policies as a difference, and what that would mean. The text is the unified diff of the policies.
func Change(w io.Writer, preview v1alpha1.ChangePreview, diff string) error {
	var d Document
	d.Heading(2, Join(" ", "Lockdown of", Code(words.ClusterName(preview.Metadata))))
	if posture := words.PostureChange(preview.Posture); posture != "" {
		d.Paragraph("Posture:", Bold(Text(posture)))
	}
	var refusals []Inline
	for _, r := range preview.Refusals {
		refusals = append(refusals, Join(" ", Bold("Refused:"), Text(r.Message)))
	}
	d.List(refusals...)
	d.accessChanges(v1alpha1.ClusterComparison{Access: v1alpha1.AccessChanges{Loses: preview.Access.Loses, Gains: preview.Access.Gains}})
	if preview.Observed != nil {
		d.reachChanges(preview.Observed.Loses)
	}
	var changing []v1alpha1.RequiredFlowChange
	for _, f := range preview.RequiredFlows {
		if f.Before != f.After {
			changing = append(changing, f)
		}
	}
	d.flowChanges(changing)
	var notes []Inline
	for _, n := range preview.Notes {
		note := Text(n.Subject + ": " + n.Message)
		if !n.Remedy.IsZero() {
			note += "<br>→ " + remedy(n.Remedy)
		}
		notes = append(notes, note)
	}
	d.List(notes...)
	if diff == "" {
		d.Paragraph("No policy changes.")
	} else {
		d.Details("The policies", func() { d.Fence("diff", diff) })
	}
	_, err := d.WriteTo(w)
	return err
}

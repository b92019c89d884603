package markdown

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/words"
)

// maxComment is about how many bytes a document may have: GitHub takes 65,536 characters as a comment. What is folded is
// left out beyond that, and the document says so.
const maxComment = 60_000

// Reports writes a table of the databases, what is wrong with them, and folded under that each of them in detail.
// Databases that are locked without a finding are folded as well: a repository in which all is well fits a screen.
func Reports(w io.Writer, list v1alpha1.IsolationReportList) error {
	var d Document
	d.Heading(2, "Network isolation of the databases")
	total := words.Totals(list)
	if total == "" {
		total = "No CloudNativePG clusters were found."
	}
	d.Paragraph(Text(total))
	d.clusters(list.Items)
	for _, failed := range list.Errors {
		d.List(Join(" ", Bold("ERROR"), Code(failed.Context)+":", Text(failed.Message)))
	}
	d.findings(list)
	d.folded(list.Items)
	_, err := d.WriteTo(w)
	return err
}

// well is true for a database about which there is nothing to say.
func well(r v1alpha1.IsolationReport) bool {
	shown, _ := words.Visible(r.Findings, false)
	return r.Posture == v1alpha1.PostureLocked && len(shown) == 0
}

// clusters is the table of databases, of which the good ones are folded when they are many.
func (d *Document) clusters(reports []v1alpha1.IsolationReport) {
	const few = 10
	var bad, good [][]Inline
	for _, r := range reports {
		row := []Inline{Code(words.ClusterName(r.Metadata)), posture(r.Posture), Text(words.ShortClients(r)), Text(words.FindingCounts(r.Findings, false))}
		if well(r) {
			good = append(good, row)
		} else {
			bad = append(bad, row)
		}
	}
	header := []Inline{"Database", "Posture", "Clients", "Findings"}
	if len(reports) <= few {
		bad, good = append(bad, good...), nil
	}
	d.Table(header, bad)
	if len(good) > 0 {
		d.Details(words.Count(len(good), "database")+" "+string(v1alpha1.PostureLocked)+" without a finding", func() { d.Table(header, good) })
	}
}

// posture is in bold where somebody has to act.
func posture(posture v1alpha1.Posture) Inline {
	if posture == v1alpha1.PostureLocked {
		return Text(string(posture))
	}
	return Bold(Text(string(posture)))
}

// findings are all that are to be seen, those that several databases share told once.
func (d *Document) findings(list v1alpha1.IsolationReportList) {
	var items []Inline
	left, size := 0, 0
	for _, severity := range []v1alpha1.Severity{v1alpha1.SeverityError, v1alpha1.SeverityWarning} {
		for _, shared := range words.Shared(list) {
			switch {
			case shared.Severity != severity:
			case size > maxComment/2:
				left++
			default:
				item := findingItem(shared)
				items, size = append(items, item), size+len(item)
			}
		}
	}
	if len(items) == 0 {
		return
	}
	d.Heading(3, "Findings")
	d.List(items...)
	if left > 0 {
		d.Paragraph(Textf("%s: see -o json.", words.Count(left, "more finding")))
	}
}

// findingItem is one finding, with the databases that have it, where to correct it, and the remedy.
func findingItem(shared words.SharedFinding) Inline {
	item := Join(" ", Bold(Text(strings.ToUpper(string(shared.Severity)))), Code(string(shared.Code)))
	if names := shared.Names(); names != "" {
		item += " " + Text(names)
	}
	item += ": " + Text(shared.Message)
	if place := placeOf(shared); place != "" {
		item += " (" + Code(place) + ")"
	}
	if !shared.Remedy.IsZero() {
		item += "<br>→ " + remedy(shared.Remedy)
	}
	return item
}

// placeOf is the file to look at first.
func placeOf(shared words.SharedFinding) string {
	for _, at := range shared.At {
		switch {
		case at.File == "":
		case at.Line > 0:
			return fmt.Sprintf("%s:%d", at.File, at.Line)
		default:
			return at.File
		}
	}
	return ""
}

// remedy is what to do, with commands as code.
func remedy(text command.Text) Inline {
	parts := []Inline{Text(text.Words)}
	for _, line := range text.Lines {
		parts = append(parts, Code(line.String()))
	}
	return Join(" ", parts...)
}

// folded are the details of each database that is not well, as long as there is room.
func (d *Document) folded(reports []v1alpha1.IsolationReport) {
	left := 0
	for _, r := range reports {
		if well(r) {
			continue
		}
		if d.Len() > maxComment*3/4 {
			left++
			continue
		}
		d.Details("Details of "+words.ClusterName(r.Metadata)+": "+string(r.Posture), func() {
			d.Paragraph(Text(string(r.Posture) + ": " + words.Meaning(r.Posture)))
			d.flows(r)
			d.access(r)
			d.policies(r)
		})
	}
	if left > 0 {
		d.Paragraph(Textf("The details of %s are left out, because comments may not be longer: see -o table CLUSTER.", words.Count(left, "more database")))
	}
}

func (d *Document) flows(r v1alpha1.IsolationReport) {
	var rows [][]Inline
	for _, f := range r.RequiredFlows {
		if f.Unrestricted() {
			continue
		}
		verdict := Text(string(f.Verdict))
		switch {
		case f.Advisory:
			verdict += " (advisory)"
		case f.Verdict != v1alpha1.VerdictAllowed:
			verdict = Bold(verdict)
		}
		rows = append(rows, []Inline{Text(f.Name), Text(words.Between(f.From, f.To)), Text(words.Port(f.Port)), verdict, policyNames(f.Policies)})
	}
	d.Table([]Inline{"Required flow", "Between", "Port", "Verdict", "Decided by"}, rows)
}

// access is who can connect to what, the first of many.
func (d *Document) access(r v1alpha1.IsolationReport) {
	const most = 20
	var rows [][]Inline
	for _, e := range r.Exposure {
		target := Textf("%s, port %d", e.Target, e.Port)
		var all [][]Inline
		for _, entity := range e.Entities {
			all = append(all, []Inline{target, Text(words.Entity(entity)), policyNames(e.EntityPolicies[entity])})
		}
		for _, c := range e.Clients {
			all = append(all, []Inline{target, Text(c.Namespace + "/" + words.Workload(c.Client)), policyNames(c.Policies)})
		}
		for _, p := range e.Possible {
			all = append(all, []Inline{target, Text(words.Possible(p) + " (not read)"), policyNames(p.Policies)})
		}
		if e.Unknown > 0 {
			all = append(all, []Inline{target, Textf("%s of which nobody can tell", words.Identities(e.Unknown)), ""})
		}
		if more := len(all) - most + e.MoreClients; more > e.MoreClients || e.MoreClients > 0 {
			all = append(slices.Clip(all[:min(most, len(all))]), []Inline{target, Textf("%d more", max(more, e.MoreClients)), ""})
		}
		rows = append(rows, all...)
	}
	d.Table([]Inline{"Target", "Who can connect", "Let in by"}, rows)
}

func (d *Document) policies(r v1alpha1.IsolationReport) {
	var rows [][]Inline
	for _, p := range r.Policies {
		selects := fmt.Sprintf("%d of %s", len(p.SelectedPods), words.Count(len(r.Pods), "pod"))
		if !p.Valid {
			selects = "not valid: " + p.Message
		}
		rows = append(rows, []Inline{Code(p.PolicyReference.String()), Text(words.Effect(p.Ingress)), Text(words.Effect(p.Egress)), Text(selects)})
	}
	d.Table([]Inline{"Policy", "Ingress", "Egress", "Selects"}, rows)
}

func policyNames(references []v1alpha1.PolicyReference) Inline {
	names := make([]string, len(references))
	for i, r := range references {
		names[i] = words.ShortReference(r)
	}
	return Text(strings.Join(words.Some(names), ", "))
}

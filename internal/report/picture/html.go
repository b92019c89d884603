package picture

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/words"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// html holds the page's template and style sheet. html/template escapes by context whatever is put
// into it; what a terminal would act on is made visible before that.
//
//go:embed html/page.html.tmpl html/style.css
var html embed.FS

// HTML writes one file that needs nothing else: a picture for each cluster, drawn here, and
// tables with all of it in words.
func HTML(w io.Writer, list v1alpha1.IsolationReportList) error {
	style, err := html.ReadFile("html/style.css")
	if err != nil {
		return fmt.Errorf("render reports as HTML: %w", err)
	}
	page, err := template.New("page.html.tmpl").Funcs(template.FuncMap{"safe": safeText}).ParseFS(html, "html/page.html.tmpl")
	if err != nil {
		return fmt.Errorf("render reports as HTML: %w", err)
	}
	return page.Execute(w, newHTMLPage(list, template.CSS(style))) //nolint:gosec // The style sheet is our own file.
}

// safeText makes visible what a reader would not see: control characters and reordered text.
func safeText(v any) string { return terminal.Escape(fmt.Sprint(v)) }

type htmlPage struct {
	Style    template.CSS
	Summary  string
	Legend   []look
	Clusters []htmlCluster
	Errors   []v1alpha1.ContextError
	Findings []v1alpha1.Finding
}

type htmlCluster struct {
	Report          v1alpha1.IsolationReport
	ID, Name        string
	Meaning         string
	Clients         string
	FindingCounts   string
	Picture         layout
	Summary         string
	Needed, Reached []htmlConnection
	Policies        []htmlPolicy
	Pods            []htmlPod
	// Cut is true when the picture shows fewer clients than the tables.
	Cut bool
}

type htmlConnection struct {
	From, Namespace, Verdict, Message string
	Kind                              kind
	Port                              uint16
	To, Deciders                      []string
}

type htmlPolicy struct {
	Name, Ingress, Egress, Selects, ManagedBy, Message string
}

type htmlPod struct{ Name, Role, Ingress, Egress string }

func newHTMLPage(list v1alpha1.IsolationReportList, style template.CSS) htmlPage {
	page := htmlPage{Style: style, Legend: looks(), Errors: list.Errors, Findings: list.Findings, Summary: "No CloudNativePG clusters were found."}
	if sentence := words.Totals(list); sentence != "" {
		page.Summary = sentence
	}
	for i, r := range list.Items {
		page.Clusters = append(page.Clusters, newHTMLCluster(i, r))
	}
	return page
}

func newHTMLCluster(index int, r v1alpha1.IsolationReport) htmlCluster {
	all, some := connections(r, limits{}), connections(r, drawn())
	c := htmlCluster{
		Report: r, ID: fmt.Sprintf("cluster-%d", index+1), Name: words.ClusterName(r.Metadata), Meaning: capital(words.Meaning(r.Posture)),
		Clients: words.ShortClients(r), FindingCounts: words.FindingCounts(r.Findings, true),
		Picture: lay(r, some), Cut: len(some) < len(all),
	}
	c.Report.Findings, _ = words.Visible(r.Findings, true)
	c.Summary = pictureSummary(all)
	needed := len(requiredOnly(all))
	for _, connection := range all[:needed] {
		c.Needed = append(c.Needed, newHTMLConnection(connection))
	}
	c.addMessages(r)
	c.Reached = mergedRows(all[needed:])
	for _, p := range r.Policies {
		row := htmlPolicy{
			Name: p.PolicyReference.String(), Ingress: words.Effect(p.Ingress), Egress: words.Effect(p.Egress),
			Selects: fmt.Sprintf("%d of %s", len(p.SelectedPods), words.Count(len(r.Pods), "pod")), ManagedBy: p.ManagedBy,
		}
		if !p.Valid {
			row.Message = "Invalid: " + p.Message
		}
		c.Policies = append(c.Policies, row)
	}
	for _, pod := range r.Pods {
		c.Pods = append(c.Pods, htmlPod{pod.Name, string(pod.Role), words.Enforcement(pod), words.Egress(pod)})
	}
	return c
}

// requiredOnly are the connections that the cluster needs: they come first.
func requiredOnly(all []connection) []connection {
	for i, c := range all {
		if !c.required {
			return all[:i]
		}
	}
	return all
}

// mergedRows are one for each source that is treated alike at several targets.
func mergedRows(all []connection) []htmlConnection {
	var rows []htmlConnection
	at := map[string]int{}
	for _, c := range all {
		row := newHTMLConnection(c)
		key := fmt.Sprintf("%q %q %d %s %q", row.From, row.Namespace, row.Port, row.Kind, row.Deciders)
		if i, known := at[key]; known {
			rows[i].To = append(rows[i].To, row.To...)
			continue
		}
		at[key] = len(rows)
		rows = append(rows, row)
	}
	return rows
}

// addMessages puts what a flow's report says into its first row.
func (c *htmlCluster) addMessages(r v1alpha1.IsolationReport) {
	row := 0
	for _, flow := range r.RequiredFlows {
		if flow.Verdict != v1alpha1.VerdictAllowed && row < len(c.Needed) {
			c.Needed[row].Message = flow.Message
		}
		row += len(requiredConnections(r, flow))
	}
}

func newHTMLConnection(c connection) htmlConnection {
	row := htmlConnection{
		From: strings.TrimSpace(c.from.name + " " + c.from.detail), Namespace: c.from.namespace, To: []string{c.to}, Port: c.port,
		Verdict: c.answer(), Kind: c.kind(), Deciders: c.policies,
	}
	if len(c.only) > 0 {
		row.To = []string{c.to + " (" + c.onlyLines()[0] + ")"}
	}
	if c.from.kind == entityEnd {
		row.From = words.Entity(v1alpha1.Entity(c.from.name))
	}
	if len(row.Deciders) == 0 && c.from.kind != moreEnd {
		row.Deciders = []string{c.reason}
	}
	return row
}

// capital begins a sentence.
func capital(sentence string) string {
	if sentence == "" {
		return ""
	}
	return strings.ToUpper(sentence[:1]) + sentence[1:]
}

// pictureSummary is the picture in one sentence, for those who can't see it.
func pictureSummary(all []connection) string {
	needed, denied, clients := 0, 0, map[string]bool{}
	for _, c := range all {
		switch {
		case c.required && !c.advisory:
			needed++
			if c.verdict != v1alpha1.VerdictAllowed {
				denied++
			}
		case !c.required && c.verdict == v1alpha1.VerdictAllowed:
			clients[c.from.key()] = true
		}
	}
	sentence := fmt.Sprintf("%d of %s that the cluster needs allowed", needed-denied, words.Count(needed, "connection"))
	return sentence + "; " + words.Count(len(clients), "other source") + " can connect to PostgreSQL. The tables below say the same in words."
}

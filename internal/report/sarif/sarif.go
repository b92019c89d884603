package sarif

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/words"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

const (
	name     = "kubectl-cnpg-netpol"
	homepage = "https://github.com/cnpg-netpol/kubectl-cnpg-netpol"
	helpPage = homepage + "/blob/main/plugin/docs/findings.md"
)

// Write writes the findings of reports as one run of the program in this version. A finding that several clusters have is
// one result. The lines of places are those that the list has.
func Write(w io.Writer, list v1alpha1.IsolationReportList, programVersion string) error {
	rules := words.Rules()
	one := run{
		Tool: tool{driver{Name: name, Version: programVersion, InformationURI: homepage}},
		// Places have lines and no columns: whatever columns are counted in, there are none.
		ColumnKind:  "utf16CodeUnits",
		Results:     []result{},
		Invocations: []invocation{{ExecutionSuccessful: len(list.Errors) == 0}},
	}
	for _, r := range rules {
		one.Tool.Driver.Rules = append(one.Tool.Driver.Rules, ruleOf(r))
	}
	for _, failed := range list.Errors {
		one.Invocations[0].Notifications = append(one.Invocations[0].Notifications,
			notification{"error", message{terminal.Escape(failed.Context + ": " + failed.Message)}})
	}
	seen := map[string]int{}
	for _, shared := range words.Shared(list) {
		result := resultOf(shared, rules)
		// Several of the same kind in the same place are told apart by their order.
		mark := fingerprint(shared)
		seen[mark]++
		result.PartialFingerprints = map[string]string{"primaryLocationLineHash": fmt.Sprintf("%s:%d", mark, seen[mark])}
		one.Results = append(one.Results, result)
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(log{schema, version, []run{one}}); err != nil {
		return fmt.Errorf("encode as SARIF: %w", err)
	}
	_, err := w.Write(terminal.EscapeJSON(text.Bytes()))
	return err
}

func ruleOf(r words.Rule) rule {
	help := r.Meaning + ".\n\nRemedy: " + r.Remedy + "."
	problem := string(r.Level())
	if r.Level() == v1alpha1.SeverityInfo {
		problem = "recommendation"
	}
	return rule{
		ID: string(r.Code), ShortDescription: message{r.Title()}, FullDescription: message{plain(r.Meaning) + "."},
		Help: multiformat{plain(help), help}, HelpURI: helpPage, Default: configuration{level(r.Level())},
		Properties: ruleProperties{[]string{"kubernetes", "network-policy", "postgresql"}, problem},
	}
}

// plain is Markdown without its marks of code.
func plain(text string) string { return strings.ReplaceAll(text, "`", "") }

func level(severity v1alpha1.Severity) string {
	if severity == v1alpha1.SeverityInfo {
		return "note"
	}
	return string(severity)
}

func resultOf(shared words.SharedFinding, rules []words.Rule) result {
	f := shared.Finding
	text := terminal.Escape(f.Message)
	if clusters := shared.Names(); clusters != "" {
		text = terminal.Escape(clusters) + ": " + text
	}
	if !f.Remedy.IsZero() {
		text += "\n\n→ " + terminal.Escape(f.Remedy.String())
	}
	r := result{
		RuleID: string(f.Code), Level: level(f.Severity), Message: message{withoutLinks(text)},
		RuleIndex: slices.IndexFunc(rules, func(r words.Rule) bool { return r.Code == f.Code }),
	}
	for i, at := range shared.Places() {
		place := locationOf(at)
		if i == 0 {
			r.Locations = []location{place}
			continue
		}
		place.Message = &message{withoutLinks(terminal.Escape(objectName(at)))}
		r.RelatedLocations = append(r.RelatedLocations, place)
	}
	if r.Locations == nil {
		r.Locations = []location{}
	}
	return r
}

// withoutLinks makes text of what readers of SARIF would take for a link: [text](target).
func withoutLinks(text string) string {
	if !strings.Contains(text, "](") {
		return text
	}
	return strings.NewReplacer("[", `\[`, "]", `\]`).Replace(text)
}

func locationOf(at v1alpha1.Location) location {
	var out location
	if at.File != "" {
		out.Physical = &physicalLocation{Artifact: artifactLocation{uri(at.File)}}
		if at.Line > 0 {
			out.Physical.Region = &region{at.Line}
		}
	}
	if at.Name != "" || at.Kind != "" {
		kind := "resource"
		if at.Field != "" {
			kind = "member"
		}
		full := terminal.Escape(objectName(at))
		out.Logical = []logicalLocation{{Name: terminal.Escape(at.Name), FullyQualifiedName: full, Kind: kind}}
	}
	return out
}

// objectName is the object and the field: "CiliumNetworkPolicy/shop/clients: spec.ingress[0]".
func objectName(at v1alpha1.Location) string {
	out := path.Join(at.Kind, at.Namespace, at.Name)
	if at.Field != "" {
		out += ": " + at.Field
	}
	if out == "" {
		out = at.File
	}
	return out
}

// uri is a path as a URI: relative ones stay relative.
func uri(file string) string {
	u := url.URL{Path: file}
	if path.IsAbs(file) {
		u.Scheme = "file"
	}
	return u.String()
}

// fingerprint is the same for a finding before and after lines have moved.
func fingerprint(shared words.SharedFinding) string {
	f := shared.Finding
	parts := []string{string(f.Code)}
	if places := shared.Places(); len(places) > 0 {
		at := places[0]
		parts = append(parts, at.Kind, at.Namespace, at.Name, at.Field, at.File)
	}
	if len(f.At) == 0 || f.At[0].Field == "" {
		parts = append(parts, f.Message)
	}
	if len(shared.Clusters) == 1 {
		parts = append(parts, words.ClusterName(shared.Clusters[0]))
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:8])
}

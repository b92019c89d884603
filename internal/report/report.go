// Package report renders what others computed in the medium that is asked for: package text is for
// people, object for scripts, picture for both, and markdown, sarif and junit for what pipelines show. It only
// chooses one: words, layouts and encodings are the media's own.
package report

import (
	"fmt"
	"io"
	"strings"

	"k8s.io/cli-runtime/pkg/printers"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/junit"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/markdown"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/object"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/picture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/sarif"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/suites"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/text"
)

// Format is the value of -o.
type Format string

const (
	// Table is for people: one cluster in detail, or one line for each of several.
	Table Format = "table"
	// Wide is Table with full names, every client, and info findings.
	Wide Format = "wide"
	// JSON is the report as in package v1alpha1.
	JSON Format = "json"
	// YAML is the same as YAML.
	YAML Format = "yaml"
	// DOT is a graph for Graphviz.
	DOT Format = "dot"
	// Mermaid is a flowchart for Mermaid, which Markdown renderers draw.
	Mermaid Format = "mermaid"
	// HTML is one self-contained page with a picture for each cluster.
	HTML Format = "html"
	// Markdown is a comment on a pull request, or the summary of a pipeline.
	Markdown Format = "markdown"
	// SARIF are the findings, for GitHub's code scanning and the like.
	SARIF Format = "sarif"
	// JUnit has a test case for each cluster, or for each expectation, for pipelines that show tests.
	JUnit Format = "junit"
)

// Output is what -o asks for: a format, or a template of kubectl get.
type Output struct {
	Format Format
	// Template is kubectl's printer of a template; the Format is empty then.
	Template printers.ResourcePrinter
	// Version is that of the program, which SARIF names.
	Version string
	// Least is the severity of the least finding by which a case of JUnit fails; empty for error.
	Least v1alpha1.Severity
}

// Formats are those of reports, the default first.
func Formats() []Format {
	return []Format{Table, Wide, JSON, YAML, DOT, Mermaid, HTML, Markdown, SARIF, JUnit}
}

// ExplanationFormats are those of explanations, the default first.
func ExplanationFormats() []Format { return []Format{Table, Wide, JSON, YAML, Mermaid} }

// ChangeFormats are those of previews and comparisons.
func ChangeFormats() []Format { return []Format{Table, JSON, YAML, Markdown} }

// TestFormats are those of what came of expectations, the default first.
func TestFormats() []Format { return []Format{Table, JSON, YAML, JUnit, Markdown} }

// PrintTests writes what came of expectations.
func PrintTests(w io.Writer, output Output, t v1alpha1.TestReport, o text.Options) error {
	if output.Template != nil {
		return object.Template(w, output.Template, t)
	}
	switch output.Format {
	case Table:
		return text.Tests(w, t, o)
	case JSON:
		return object.JSON(w, t)
	case YAML:
		return object.YAML(w, t)
	case JUnit:
		return junit.Write(w, suites.Tests(t))
	case Markdown:
		return markdown.Tests(w, t)
	default:
		return unknown(output.Format, TestFormats())
	}
}

// PrintExpectations writes what test reads, with comments.
func PrintExpectations(w io.Writer, drafts []v1alpha1.ExpectationsDraft) error {
	return object.Expectations(w, drafts)
}

// PrintComparison writes what differs between two states.
func PrintComparison(w io.Writer, output Output, c v1alpha1.StateComparison, o text.Options) error {
	if output.Template != nil {
		return object.Template(w, output.Template, c)
	}
	switch output.Format {
	case "", Table:
		return text.Comparison(w, c, o)
	case JSON:
		return object.JSON(w, c)
	case YAML:
		return object.YAML(w, c)
	case Markdown:
		return markdown.Comparison(w, c)
	default:
		return unknown(output.Format, ChangeFormats())
	}
}

// ClientFormats are those of clients, the default first.
func ClientFormats() []Format { return []Format{Table, Wide, JSON, YAML} }

// PrintClients writes who uses a cluster.
func PrintClients(w io.Writer, output Output, list v1alpha1.ClientList, o text.Options) error {
	if output.Template != nil {
		return object.Template(w, output.Template, list)
	}
	switch output.Format {
	case Table, Wide:
		o.Wide = output.Format == Wide
		return text.Clients(w, list, o)
	case JSON:
		return object.JSON(w, list)
	case YAML:
		return object.YAML(w, list)
	default:
		return unknown(output.Format, ClientFormats())
	}
}

// PrintChange writes what a lockdown would change; diff are its policies as a unified diff.
func PrintChange(w io.Writer, output Output, preview v1alpha1.ChangePreview, diff string, o text.Options) error {
	if output.Template != nil {
		return object.Template(w, output.Template, preview)
	}
	switch output.Format {
	case Table:
		return text.Preview(w, "lockdown", preview, o)
	case JSON:
		return object.JSON(w, preview)
	case YAML:
		return object.YAML(w, preview)
	case Markdown:
		return markdown.Change(w, preview, diff)
	default:
		return unknown(output.Format, ChangeFormats())
	}
}

// Print writes reports. The options are for people only; that a table is wide, the format says.
func Print(w io.Writer, output Output, list v1alpha1.IsolationReportList, o text.Options) error {
	if output.Template != nil {
		return object.Template(w, output.Template, list)
	}
	switch output.Format {
	case Table, Wide:
		o.Wide = output.Format == Wide
		return text.Reports(w, list, o)
	case JSON:
		return object.JSON(w, list)
	case YAML:
		return object.YAML(w, list)
	case DOT:
		return picture.DOT(w, list)
	case Mermaid:
		return picture.Mermaid(w, list)
	case HTML:
		return picture.HTML(w, list)
	case Markdown:
		return markdown.Reports(w, list)
	case SARIF:
		return sarif.Write(w, list, output.Version)
	case JUnit:
		return junit.Write(w, suites.Of(list, output.Least))
	default:
		return unknown(output.Format, Formats())
	}
}

// PrintExplanation writes what explain has found.
func PrintExplanation(w io.Writer, output Output, e v1alpha1.Explanation, o text.Options) error {
	if output.Template != nil {
		return object.Template(w, output.Template, e)
	}
	switch output.Format {
	case Table, Wide:
		o.Wide = output.Format == Wide
		return text.Explanation(w, e, o)
	case JSON:
		return object.JSON(w, e)
	case YAML:
		return object.YAML(w, e)
	case Mermaid:
		return picture.Explanation(w, e)
	default:
		return unknown(output.Format, ExplanationFormats())
	}
}

func unknown(format Format, known []Format) error {
	names := make([]string, len(known))
	for i, name := range known {
		names[i] = string(name)
	}
	return fmt.Errorf("unknown output format %q: use one of %s", format, strings.Join(names, ", "))
}

package picture

import (
	"fmt"
	"io"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/words"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// Explanation writes a flowchart: for each answer, from the source through what its egress and
// the target's ingress say. An end that denies lets only a dashed edge out.
func Explanation(w io.Writer, e v1alpha1.Explanation) error {
	var out strings.Builder
	out.WriteString("flowchart LR\n")
	edges := 0
	var styles []string
	edge := func(from, to string, verdict v1alpha1.Verdict, label ...string) {
		arrow, text := "-->", ""
		switch verdict {
		case v1alpha1.VerdictAllowed:
		case v1alpha1.VerdictDenied:
			arrow = "-.->"
			styles = append(styles, fmt.Sprintf("  linkStyle %d stroke:#cf222e,color:#cf222e\n", edges))
		default:
			arrow = "-.->"
			styles = append(styles, fmt.Sprintf("  linkStyle %d stroke:#9a6700\n", edges))
		}
		if len(label) > 0 {
			text = "|" + mermaidQuote(label...) + "|"
		}
		fmt.Fprintf(&out, "  %s %s%s %s\n", from, arrow, text, to)
		edges++
	}
	for i, a := range e.Answers {
		source, egress, ingress, target := fmt.Sprintf("s%d", i), fmt.Sprintf("e%d", i), fmt.Sprintf("i%d", i), fmt.Sprintf("t%d", i)
		from, to := explainedSource(e), words.ClusterName(e.Metadata)
		if e.Outbound {
			from, to = to+", "+e.Source.Name, e.Target.String()
		}
		fmt.Fprintf(&out, "  %s[%s]\n", source, mermaidQuote(someNames(from, a.Sources)...))
		fmt.Fprintf(&out, "  %s[%s]\n", egress, mermaidQuote(directionLines("egress", a.Egress)...))
		fmt.Fprintf(&out, "  %s[%s]\n", ingress, mermaidQuote(directionLines("ingress", a.Ingress)...))
		fmt.Fprintf(&out, "  %s[(%s)]\n", target, mermaidQuote(someNames(to, a.Targets)...))
		port := terminal.Escape(e.Port)
		if a.Port != 0 {
			port = strings.TrimSpace(fmt.Sprintf("%s %d", a.Protocol, a.Port))
		}
		edge(source, egress, v1alpha1.VerdictAllowed)
		edge(egress, ingress, a.Egress.Verdict, string(a.Egress.Verdict))
		edge(ingress, target, a.Ingress.Verdict, port+" "+string(a.Verdict))
	}
	for _, style := range styles {
		out.WriteString(style)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// explainedSource is the source as kubectl would name it.
func explainedSource(e v1alpha1.Explanation) string {
	if e.Source.Namespace != "" {
		return e.Source.Name + " in namespace " + e.Source.Namespace
	}
	return e.Source.Name
}

// someNames are a heading and the first names below it.
func someNames(heading string, names []string) []string {
	all := []string{heading}
	for _, name := range words.Some(names) {
		if name != heading {
			all = append(all, name)
		}
	}
	return safeLines(all)
}

// directionLines are what one end says, and which policies made it. Names are shortened and counted,
// sentences are wrapped.
func directionLines(name string, d v1alpha1.ExplainedDirection) []string {
	var names []string
	for _, r := range d.Rules {
		names = append(names, words.ShortReference(r.PolicyReference)+" "+r.Path)
	}
	if len(d.Rules) == 0 {
		for _, p := range d.DefaultDeny {
			names = append(names, "default deny by "+words.ShortReference(p))
		}
	}
	all := append([]string{name + " " + string(d.Verdict)}, safeLines(words.Some(names))...)
	sentence := func(text string) { all = append(all, terminal.Wrap(terminal.Escape(text), longest)...) }
	if d.Reason != "" {
		sentence(d.Reason)
	}
	if len(d.L7) > 0 {
		sentence("restricted by rules for " + words.Series(d.L7))
	}
	if d.AuthenticationRequired {
		sentence("authentication required")
	}
	return all
}

func safeLines(lines []string) []string {
	for i := range lines {
		lines[i] = terminal.Escape(lines[i])
	}
	return shortened(lines)
}

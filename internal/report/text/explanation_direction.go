package text

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// direction writes what one end says, and why.
func (p *page) direction(indent int, title string, d v1alpha1.ExplainedDirection) {
	if indent == 0 {
		p.section(title + ": " + shout(d.Verdict))
	} else {
		p.paragraph(indent, title+": "+shout(d.Verdict), nil)
	}
	p.paragraph(indent+2, because(d), nil)
	for _, ref := range d.DefaultDeny {
		p.bullet(indent+4, ref.String())
	}
	for _, r := range d.Rules {
		p.paragraph(indent+4, r.PolicyReference.String()+", "+r.Path, nil)
		p.code(indent+6, r.Content)
	}
	if len(d.L7) > 0 {
		p.paragraph(indent+2, fmt.Sprintf("The connection passes Cilium's proxy, which applies L7 rules (%s): what does not conform to them is refused.", strings.Join(d.L7, ", ")), p.colors.Warn)
	}
	if d.AuthenticationRequired {
		p.paragraph(indent+2, "Mutual authentication is required: without it, Cilium drops the connection.", p.colors.Warn)
	}
}

// because is the reason of a direction's verdict; what it lists follows it.
func because(d v1alpha1.ExplainedDirection) string {
	switch {
	case d.Verdict == v1alpha1.VerdictUnknown:
		return "It can't be told: " + d.Reason + "."
	case d.Verdict == v1alpha1.VerdictDenied && len(d.Rules) > 0 && !haveTiers(d.Rules):
		return ruleCount(d.Rules) + "; no rule that allows can override it:"
	case len(d.Rules) > 0:
		return ruleCount(d.Rules) + ":"
	case d.Verdict == v1alpha1.VerdictDenied && len(d.DefaultDeny) > 0:
		return "No rule allows it. Default deny by:"
	case d.Verdict == v1alpha1.VerdictDenied:
		return "No rule allows it: " + d.Reason + "."
	case d.Reason != "":
		return sentence(d.Reason)
	default:
		return "No policy restricts it."
	}
}

// haveTiers is true when rules have a tier and a priority: what comes before them overrides them, and
// all policies come before the tier Baseline.
func haveTiers(rules []v1alpha1.DecidingRule) bool {
	return slices.ContainsFunc(rules, func(r v1alpha1.DecidingRule) bool { return r.Kind == v1alpha1.ClusterNetworkPolicy })
}

func ruleCount(rules []v1alpha1.DecidingRule) string {
	if len(rules) == 1 {
		return "Decided by this rule"
	}
	return fmt.Sprintf("Decided by these %d rules", len(rules))
}

// sentence makes a reason one: upper case at the start, and a full stop.
func sentence(reason string) string {
	first, size := utf8.DecodeRuneInString(reason)
	return string(unicode.ToUpper(first)) + reason[size:] + "."
}

// codeLines is how many lines of a rule are shown, unless wide.
const codeLines = 30

// code writes what a policy says at one place, as YAML.
func (p *page) code(indent int, content any) {
	if content == nil {
		return
	}
	data, err := json.Marshal(content)
	if err != nil {
		return // Content comes from JSON, and goes back.
	}
	text, err := terminal.EscapeYAML(data)
	if err != nil {
		return
	}
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	hidden := 0
	if !p.wide && len(lines) > codeLines {
		hidden = len(lines) - codeLines
		lines = lines[:codeLines]
	}
	for _, line := range lines {
		p.codeLine(indent, line)
	}
	if hidden > 0 {
		p.line(indent, fmt.Sprintf("… %d more lines (-o wide shows them)", hidden), nil)
	}
}

// codeLine keeps the indentation, also of the lines into which a long one is broken.
func (p *page) codeLine(indent int, line string) {
	body := strings.TrimLeft(line, " ")
	depth := min(len(line)-len(body), p.width/2)
	for _, part := range terminal.Wrap(terminal.Escape(body), p.width-indent-depth) {
		p.line(indent+depth, part, nil)
	}
}

package change

import (
	"fmt"
	"strings"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"github.com/pmezard/go-difflib/difflib"
	"sigs.k8s.io/yaml"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// diffContext is how many unchanged lines stand around a change, as in diff -u.
const diffContext = 3

// diffOf is the unified diff of all changes of a plan, empty when there are none.
func diffOf(plan change.Plan) (string, error) {
	var out strings.Builder
	for _, c := range plan.Changing() {
		before, err := lines(c.Before)
		if err != nil {
			return "", err
		}
		after, err := lines(c.After)
		if err != nil {
			return "", err
		}
		path := fmt.Sprintf("cilium.io.v2.CiliumNetworkPolicy.%s.%s", c.Policy.Namespace, c.Policy.Name)
		text, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{
			A: before, B: after, FromFile: "LIVE/" + path, ToFile: "LOCKDOWN/" + path, Context: diffContext,
		})
		if err != nil {
			return "", fmt.Errorf("comparing %s: %w", c.Policy, err)
		}
		out.WriteString(text)
	}
	return out.String(), nil
}

// lines are a policy as YAML with what users write, none for nil.
func lines(p *ciliumv2.CiliumNetworkPolicy) ([]string, error) {
	if p == nil {
		return nil, nil
	}
	content, err := policyset.Unstructured(policyset.Policy{Object: policyset.WithoutServerFields(p)})
	if err != nil {
		return nil, err
	}
	text, err := yaml.Marshal(content.Object)
	if err != nil {
		return nil, err
	}
	// Line by line, because the breaks are the diff's own and must survive.
	var out []string
	for line := range strings.Lines(string(text)) {
		out = append(out, terminal.Escape(strings.TrimSuffix(line, "\n"))+"\n")
	}
	return out, nil
}

// colored marks added and removed lines.
func (o *diffOptions) colored(text string) string {
	colors := o.source.Colors(o.Out)
	if !colors.Enabled() {
		return text
	}
	var out strings.Builder
	for line := range strings.Lines(text) {
		body := strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "---"), strings.HasPrefix(line, "+++"):
			body = colors.Heading(body)
		case strings.HasPrefix(line, "+"):
			body = colors.Good(body)
		case strings.HasPrefix(line, "-"):
			body = colors.Bad(body)
		}
		out.WriteString(body + "\n")
	}
	return out.String()
}

package object

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// Expectations writes documents that test reads: one for each draft, one line for each expectation, and what was left
// out as comments. Whatever names hold, nothing else is read back.
func Expectations(w io.Writer, drafts []v1alpha1.ExpectationsDraft) error {
	var out bytes.Buffer
	for i, draft := range drafts {
		if i > 0 {
			out.WriteString("---\n")
		}
		if err := expectations(&out, draft); err != nil {
			return err
		}
	}
	_, err := w.Write(out.Bytes())
	return err
}

func expectations(out *bytes.Buffer, draft v1alpha1.ExpectationsDraft) error {
	e := draft.Expectations
	fmt.Fprintf(out, "# What holds for the cluster %s. Look through it: what should not be so is better changed than kept.\n", terminal.Escape(draft.Cluster.Name))
	fmt.Fprintf(out, "apiVersion: %s\nkind: %s\n", e.APIVersion, e.Kind)
	if e.Namespace != "" {
		namespace, err := flow(e.Namespace)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "namespace: %s\n", namespace)
	}
	out.WriteString("expect:")
	if len(e.Expect) == 0 {
		out.WriteString(" []")
	}
	out.WriteByte('\n')
	for _, x := range e.Expect {
		line, err := flow(x)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "- %s\n", line)
	}
	if len(draft.Omitted) > 0 {
		out.WriteString("# Not written, because there is no clear answer:\n")
	}
	for _, sentence := range draft.Omitted {
		fmt.Fprintf(out, "# - %s\n", terminal.Escape(sentence))
	}
	return nil
}

// flow is a value as YAML on one line. JSON is YAML too, and takes the place of what a terminal would act on.
func flow(value any) (string, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("encode as JSON: %w", err)
	}
	// Read as YAML, JSON keeps the order of its fields.
	var node yaml.Node
	if err := yaml.Unmarshal(terminal.EscapeJSON(data), &node); err != nil {
		return "", fmt.Errorf("encode as YAML: %w", err)
	}
	if err := plain(&node); err != nil {
		return "", fmt.Errorf("encode as YAML: %w", err)
	}
	text, err := yaml.Marshal(&node)
	if err != nil {
		return "", fmt.Errorf("encode as YAML: %w", err)
	}
	line := strings.TrimSuffix(string(text), "\n")
	if strings.Contains(line, "\n") || terminal.Escape(line) != line {
		return string(terminal.EscapeJSON(data)), nil
	}
	return line, nil
}

// plain takes the quotes of JSON off, where they are not needed: YAML has many words that are no text, such as no
// and 1e3, and the encoder knows those of all its versions when it gets text.
func plain(node *yaml.Node) error {
	node.Style = yaml.FlowStyle
	if node.Kind == yaml.ScalarNode {
		node.Style = 0
		text, err := yaml.Marshal(node.Value)
		if err != nil {
			return err
		}
		if node.ShortTag() == "!!str" && strings.ContainsAny(string(text[:1]), "\"'|>") {
			node.Style = yaml.DoubleQuotedStyle
		}
	}
	for _, child := range node.Content {
		if err := plain(child); err != nil {
			return err
		}
	}
	return nil
}

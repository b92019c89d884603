package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"unicode/utf16"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// printJSON indents by four spaces, as kubectl does.
func printJSON(w io.Writer, list v1alpha1.IsolationReportList) error {
	data, err := json.MarshalIndent(normalized(list), "", "    ")
	if err != nil {
		return fmt.Errorf("encode reports as JSON: %w", err)
	}
	_, err = w.Write(append(asciiControls(data), '\n'))
	return err
}

func printYAML(w io.Writer, list v1alpha1.IsolationReportList) error {
	// The YAML library reads JSON as YAML on its way, and rejects raw control characters there.
	var encoded bytes.Buffer
	if err := printJSON(&encoded, list); err != nil {
		return err
	}
	data, err := asYAML(encoded.Bytes())
	if err != nil {
		return fmt.Errorf("encode reports as YAML: %w", err)
	}
	_, err = w.Write(data)
	return err
}

// asYAML is JSON as YAML, or JSON again where there is something in it that a terminal would act on:
// YAML lets bidirectional overrides stand in plain scalars, where they can't be escaped, and JSON is
// YAML too.
func asYAML(data []byte) ([]byte, error) {
	text, err := yaml.JSONToYAML(data)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(asciiControls(text), text) {
		return data, nil
	}
	return text, nil
}

// asciiControls writes what a terminal would act on (C1 controls, bidirectional overrides) as \u
// escapes: encoding/json does so for ASCII only. It is the same JSON, since such runes can only
// occur inside strings. Nearly all of it is plain ASCII, which is copied as it is.
func asciiControls(data []byte) []byte {
	if !slices.ContainsFunc(data, isSpecial) {
		return data
	}
	var out bytes.Buffer
	for rest := data; len(rest) > 0; {
		plain := slices.IndexFunc(rest, isSpecial)
		if plain < 0 {
			plain = len(rest)
		}
		out.Write(rest[:plain])
		if rest = rest[plain:]; len(rest) == 0 {
			break
		}
		r, size := utf8.DecodeRune(rest)
		rest = rest[size:]
		switch {
		case terminal.Visible(r):
			out.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.Bytes()
}

// isSpecial tells whether a byte is more than a visible ASCII character or a line break.
func isSpecial(b byte) bool { return (b < ' ' || b > '~') && b != '\n' }

// normalized is a copy with apiVersion and kind everywhere, and without null: a script that loops
// over a list must not care whether it is empty.
func normalized(list v1alpha1.IsolationReportList) v1alpha1.IsolationReportList {
	list.TypeMeta = metav1.TypeMeta{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.IsolationReportListKind}
	list.Items = copied(list.Items)
	for i := range list.Items {
		item := &list.Items[i]
		item.TypeMeta = metav1.TypeMeta{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.IsolationReportKind}
		item.Pods = copied(item.Pods)
		item.Findings = copied(item.Findings)
		item.Policies = copied(item.Policies)
		for j := range item.Policies {
			item.Policies[j].SelectedPods = copied(item.Policies[j].SelectedPods)
		}
		item.RequiredFlows = copied(item.RequiredFlows)
		for j := range item.RequiredFlows {
			item.RequiredFlows[j].Policies = copied(item.RequiredFlows[j].Policies)
		}
		item.Exposure = copied(item.Exposure)
		for j := range item.Exposure {
			exposure := &item.Exposure[j]
			exposure.Namespaces = copied(exposure.Namespaces)
			exposure.Clients = withPolicies(exposure.Clients)
			exposure.Denied = withPolicies(exposure.Denied)
			exposure.Entities = copied(exposure.Entities)
			exposure.DeniedEntities = copied(exposure.DeniedEntities)
		}
	}
	return list
}

// withPolicies is a copy in which no list is nil.
func withPolicies(clients []v1alpha1.ClientAccess) []v1alpha1.ClientAccess {
	clients = copied(clients)
	for i := range clients {
		if clients[i].Policies == nil {
			clients[i].Policies = []v1alpha1.PolicyReference{}
		}
	}
	return clients
}

// copied is a copy that is never nil.
func copied[T any](in []T) []T {
	if in == nil {
		return []T{}
	}
	return slices.Clone(in)
}

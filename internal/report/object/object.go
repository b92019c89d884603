// Package object renders reports and explanations for scripts, by kubectl's own printers: JSON, YAML,
// and the templates of kubectl get. It writes what package v1alpha1 describes, without anything that a terminal would act
// on, and decides nothing.
package object

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/printers"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// JSON writes a report list or an explanation, indented as kubectl does.
func JSON(w io.Writer, object any) error {
	if list, ok := object.(v1alpha1.IsolationReportList); ok && len(list.Items) > 0 {
		return reports(w, list)
	}
	return whole(w, object)
}

// whole writes an object at once.
func whole(w io.Writer, object any) error {
	data, err := encoded(object)
	if err != nil {
		return err
	}
	// As Unknown, the fields keep the order of the types. Escaped, it is the same JSON.
	return (&printers.JSONPrinter{}).PrintObj(&runtime.Unknown{Raw: terminal.EscapeJSON(data)}, w)
}

// YAML writes the same as YAML. kubectl's printer would fail at control characters, and leave
// bidirectional overrides as they are.
func YAML(w io.Writer, object any) error {
	var encoded bytes.Buffer
	if err := JSON(&encoded, object); err != nil {
		return err
	}
	text, err := terminal.EscapeYAML(encoded.Bytes())
	if err != nil {
		return fmt.Errorf("encode as YAML: %w", err)
	}
	_, err = w.Write(text)
	return err
}

// Template writes a report list or an explanation by one of the printers of kubectl get: jsonpath,
// go-template, custom-columns. What a template can't make of it is an error of one line.
func Template(w io.Writer, printer printers.ResourcePrinter, object any) error {
	data, err := encoded(object)
	if err != nil {
		return err
	}
	content, err := runtime.Decode(unstructured.UnstructuredJSONScheme, data)
	if err != nil {
		return fmt.Errorf("read back what is printed: %w", err)
	}
	// When a template fails, kubectl's printers write all that they know, to debug it.
	var out bytes.Buffer
	if err := printer.PrintObj(content, &out); err != nil {
		return failure(err)
	}
	_, err = io.WriteString(w, terminal.EscapeLines(out.String()))
	return err
}

// failure is the reason alone of what a printer says about a template.
func failure(err error) error {
	reason := err.Error()
	if _, after, found := strings.Cut(reason, "Error executing template: "); found {
		reason = after
	} else if after, found := strings.CutPrefix(reason, "error executing template "); found {
		// The template, quoted, is in front of text/template's own words.
		if quoted, err := strconv.QuotedPrefix(after); err == nil {
			reason = strings.TrimPrefix(after[len(quoted):], ": ")
		}
	}
	reason, _, _ = strings.Cut(reason, ". Printing more information")
	reason, _, _ = strings.Cut(reason, "\n")
	return errors.New("the template of -o can't be applied: " + strings.TrimSpace(reason))
}

func encoded(object any) ([]byte, error) {
	switch o := object.(type) {
	case v1alpha1.IsolationReportList:
		object = normalizedList(o)
	case v1alpha1.Explanation:
		o.TypeMeta = metav1.TypeMeta{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.ExplanationKind}
		object = o
	case v1alpha1.TestReport:
		o.TypeMeta = metav1.TypeMeta{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.TestReportKind}
		o.Results = copied(o.Results)
		object = o
	}
	data, err := json.Marshal(object)
	if err != nil {
		return nil, fmt.Errorf("encode as JSON: %w", err)
	}
	return data, nil
}

// normalizedList is a copy with apiVersion and kind everywhere, and without null: a script that loops
// over a list must not care whether it is empty.
func normalizedList(list v1alpha1.IsolationReportList) v1alpha1.IsolationReportList {
	list.TypeMeta = metav1.TypeMeta{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.IsolationReportListKind}
	list.Items = copied(list.Items)
	for i, item := range list.Items {
		list.Items[i] = normalized(item)
	}
	return list
}

// normalized is such a copy of one report.
func normalized(item v1alpha1.IsolationReport) v1alpha1.IsolationReport {
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
		if len(exposure.ByPod) > 0 {
			exposure.ByPod = slices.Clone(exposure.ByPod)
		}
		for k := range exposure.ByPod {
			some := &exposure.ByPod[k]
			some.Targets, some.Namespaces, some.Entities = copied(some.Targets), copied(some.Namespaces), copied(some.Entities)
			some.Clients = withPolicies(some.Clients)
		}
	}
	return item
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

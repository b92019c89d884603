package decode

import (
	"fmt"
	"strings"

	kjson "sigs.k8s.io/json"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// chart is how Flux, Argo CD, k3s and OLM install the operator: the parts of their kinds that say what, where
// and under which name.
type chart struct {
	Metadata Meta `json:"metadata"`
	Spec     struct {
		// Of a HelmRelease of Flux, where the chart is an object, and of a HelmChart of k3s, where it is a name.
		Chart           kindOfChart `json:"chart"`
		ReleaseName     string      `json:"releaseName"`
		TargetNamespace string      `json:"targetNamespace"`
		Values          values      `json:"values"`
		// Of an Application of Argo CD.
		Source      origin   `json:"source"`
		Sources     []origin `json:"sources"`
		Destination struct {
			Namespace string `json:"namespace"`
		} `json:"destination"`
		// Of a Subscription of OLM.
		Name string `json:"name"`
	} `json:"spec"`
}

type origin struct {
	Chart string `json:"chart"`
	Helm  struct {
		ReleaseName  string `json:"releaseName"`
		ValuesObject values `json:"valuesObject"`
	} `json:"helm"`
}

// values are those that change the labels of the operator's pods.
type values struct {
	NameOverride string `json:"nameOverride"`
}

// kindOfChart is the name of a chart, written as such or as an object.
type kindOfChart string

// UnmarshalJSON implements json.Unmarshaler.
func (k *kindOfChart) UnmarshalJSON(raw []byte) error {
	var name string
	if kjson.UnmarshalCaseSensitivePreserveInts(raw, &name) == nil {
		*k = kindOfChart(name)
		return nil
	}
	var object struct {
		Spec struct {
			Chart string `json:"chart"`
		} `json:"spec"`
	}
	if kjson.UnmarshalCaseSensitivePreserveInts(raw, &object) == nil {
		*k = kindOfChart(object.Spec.Chart)
	}
	return nil // Anybody's kind: what it looks like otherwise is not for us to judge.
}

// operatorChart is the name of the operator's chart, and of its package for OLM.
const operatorChart = "cloudnative-pg"

// OperatorFromChart is the operator that an object of the kind installs; false when it installs something
// else, or when the kind is another one. An object that can't be read is anybody's.
func OperatorFromChart(apiVersion, kind string, raw []byte, defaultNamespace string) (inventory.Operator, bool) {
	known := map[string]string{
		"HelmRelease": "helm.toolkit.fluxcd.io", "Application": "argoproj.io", "HelmChart": "helm.cattle.io", "Subscription": "operators.coreos.com",
	}
	var c chart
	if g := known[kind]; g == "" || g != group(apiVersion) || kjson.UnmarshalCaseSensitivePreserveInts(raw, &c) != nil {
		return inventory.Operator{}, false
	}
	if c.Metadata.Namespace == "" {
		c.Metadata.Namespace = defaultNamespace
	}
	o := inventory.Operator{Namespace: c.Metadata.Namespace, FoundBy: fmt.Sprintf("%s %s/%s", kind, c.Metadata.Namespace, c.Metadata.Name)}
	named, override := "", c.Spec.Values.NameOverride
	switch kind {
	case "HelmRelease", "HelmChart":
		named = string(c.Spec.Chart)
		if c.Spec.TargetNamespace != "" {
			o.Namespace = c.Spec.TargetNamespace
		}
	case "Application":
		for _, from := range append(c.Spec.Sources, c.Spec.Source) {
			if isOperatorChart(from.Chart) {
				named, override = from.Chart, from.Helm.ValuesObject.NameOverride
			}
		}
		o.Namespace = c.Spec.Destination.Namespace
	case "Subscription":
		named = c.Spec.Name
	}
	if !isOperatorChart(named) || o.Namespace == "" {
		return inventory.Operator{}, false
	}
	name := inventory.OperatorLabelValue
	if override != "" {
		name = override
	}
	o.PodLabels = map[string]string{inventory.OperatorLabel: name}
	return o, true
}

// isOperatorChart knows the chart by its name, also at the end of an OCI address.
func isOperatorChart(name string) bool {
	return name == operatorChart || strings.HasSuffix(name, "/"+operatorChart)
}

package manifests

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/fluxcd/pkg/envsubst"
	"sigs.k8s.io/yaml"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/manifests/repository"
)

// placeholders are the values that Flux puts in for ${x} in what it applies.
type placeholders struct {
	values map[string]string
	// incomplete is true when a ConfigMap or Secret with more values is not there.
	incomplete bool
}

// value is what stands for a name. What nobody has given is empty, as in Flux, unless it may be where we can't look:
// then the placeholder stays, and what holds it is not rendered.
func (p *placeholders) value(name string) (string, bool) {
	value, ok := p.values[name]
	if !ok && p.incomplete {
		return "${" + name + "}", true
	}
	return value, true
}

// placeholdersOf collects the values that a folder is applied with: nil when nothing is replaced.
func (l *loader) placeholdersOf(folder repository.Folder) *placeholders {
	if folder.Substitute == nil {
		return nil
	}
	p := &placeholders{values: map[string]string{}}
	for _, from := range folder.SubstituteFrom {
		values, ok := l.values[objectKey{from.Kind, from.Namespace, from.Name}]
		p.incomplete = p.incomplete || !ok && !from.Optional
		for key, value := range values {
			p.values[key] = value
		}
	}
	for key, value := range folder.Substitute {
		p.values[key] = value
	}
	return p
}

// waits is true when a folder's values may still be read.
func (l *loader) waits(folder repository.Folder) bool {
	for _, from := range folder.SubstituteFrom {
		if _, ok := l.values[objectKey{from.Kind, from.Namespace, from.Name}]; !ok && !from.Optional {
			return true
		}
	}
	return false
}

// substituted is the object with its placeholders replaced; false when that failed, which has been noted then.
func (l *loader) substituted(h header, raw []byte, at place) ([]byte, bool) {
	if l.placeholders == nil || !strings.Contains(string(raw), "${") || switchedOff(raw) {
		return raw, true
	}
	text, err := yaml.JSONToYAML(raw)
	if err == nil {
		var out string
		if out, err = envsubst.Eval(string(text), l.placeholders.value); err == nil {
			raw, err = yaml.YAMLToJSON([]byte(out))
		}
	}
	if err != nil {
		l.fail(at.source, fmt.Errorf("the placeholders of %s can't be replaced: %s", h.Kind, oneLine(err)))
		return nil, false
	}
	return raw, true
}

// switchedOff is true for objects whose placeholders Flux leaves alone.
func switchedOff(raw []byte) bool {
	var object struct {
		Metadata struct {
			Labels      map[string]any `json:"labels"`
			Annotations map[string]any `json:"annotations"`
		} `json:"metadata"`
	}
	_ = json.Unmarshal(raw, &object) // What does not fit says nothing.
	const key = "kustomize.toolkit.fluxcd.io/substitute"
	return object.Metadata.Labels[key] == "disabled" || object.Metadata.Annotations[key] == "disabled"
}

// keepValues keeps the data of a ConfigMap or Secret: a Kustomization of Flux may take values of placeholders from it. What is
// encrypted has none.
func (l *loader) keepValues(h header, raw []byte) {
	if l.from.root == "" {
		return // What was read from a cluster holds no instructions, and very many of these.
	}
	var object struct {
		Metadata struct {
			Name      string `json:"name"`
			Namespace string `json:"namespace"`
		} `json:"metadata"`
		Data       map[string]string `json:"data"`
		StringData map[string]string `json:"stringData"`
		SOPS       any               `json:"sops"`
	}
	if err := json.Unmarshal(raw, &object); err != nil || object.SOPS != nil || h.Kind == "Secret" && object.StringData == nil {
		return
	}
	values := object.Data
	if h.Kind == "Secret" {
		values = object.StringData
	}
	namespace := object.Metadata.Namespace
	if namespace == "" {
		namespace = l.namespace
	}
	l.values[objectKey{h.Kind, namespace, object.Metadata.Name}] = values
}

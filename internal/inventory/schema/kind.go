package schema

import (
	"embed"
	"encoding/json"
	"fmt"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/kube-openapi/pkg/validation/spec"
)

//go:embed kinds/*.json
var kinds embed.FS

// Kind is a kind whose rules are known. The schema is read when it is first needed: most runs need
// one or two. A Kind may be used by several goroutines.
type Kind struct {
	apiVersion, kind string
	namespaced       bool
	read             func() (*rules, error)
	// check has the rules that no schema expresses; nil when there are none.
	check func(object map[string]any) []Problem
}

// rules are a schema in the two forms that the API server has of it, and in one in which most values can be told to be as they should.
type rules struct {
	structural *structural.Structural
	openAPI    *spec.Schema
	form       *form
	// pieces are openAPI, once something is not as it should be.
	pieces func() *pieces
}

// Kinds are the kinds whose rules are known.
type Kinds struct{ byName map[string]*Kind }

// NewKinds returns all of them, with the versions that are read here.
func NewKinds() *Kinds {
	all := &Kinds{byName: map[string]*Kind{}}
	meta := sync.OnceValues(func() (*structural.Structural, error) { return readStructural("objectmeta.json") })
	for _, k := range []struct {
		Kind
		file string
	}{
		{Kind{apiVersion: "cilium.io/v2", kind: "CiliumNetworkPolicy", namespaced: true, check: specOrSpecs}, "ciliumnetworkpolicies.json"},
		{Kind{apiVersion: "cilium.io/v2", kind: "CiliumClusterwideNetworkPolicy", check: specOrSpecs}, "ciliumnetworkpolicies.json"},
		{Kind{apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", namespaced: true, check: networkPolicy}, "networkpolicies.json"},
		{Kind{apiVersion: "policy.networking.k8s.io/v1alpha2", kind: "ClusterNetworkPolicy", check: clusterNetworkPolicy}, "clusternetworkpolicies.json"},
		{Kind{apiVersion: "postgresql.cnpg.io/v1", kind: "Cluster", namespaced: true}, "clusters.json"},
		{Kind{apiVersion: "postgresql.cnpg.io/v1", kind: "Pooler", namespaced: true}, "poolers.json"},
	} {
		one := k.Kind
		one.read = sync.OnceValues(func() (*rules, error) {
			r, err := readRules(k.file, meta)
			if err != nil {
				return nil, fmt.Errorf("this program's schema of %s: %w", one.kind, err)
			}
			return r, nil
		})
		all.byName[one.apiVersion+" "+one.kind] = &one
	}
	return all
}

// Of is the kind of an object; nil when its rules are not known.
func (k *Kinds) Of(apiVersion, kind string) *Kind { return k.byName[apiVersion+" "+kind] }

func readStructural(file string) (*structural.Structural, error) {
	data, err := kinds.ReadFile("kinds/" + file)
	if err != nil {
		return nil, err
	}
	external := &apiextensionsv1.JSONSchemaProps{}
	if err := json.Unmarshal(data, external); err != nil {
		return nil, err
	}
	internal := &apiextensions.JSONSchemaProps{}
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(external, internal, nil); err != nil {
		return nil, err
	}
	return structural.NewStructural(internal)
}

func readRules(file string, meta func() (*structural.Structural, error)) (*rules, error) {
	s, err := readStructural(file)
	if err != nil {
		return nil, err
	}
	m, err := meta()
	if err != nil {
		return nil, err
	}
	checked := s.DeepCopy()
	checked.Properties["metadata"] = *m
	forgetDefaults(checked)
	r := &rules{structural: s, openAPI: checked.ToKubeOpenAPI(), form: formOf(checked)}
	r.pieces = sync.OnceValue(func() *pieces { return piecesOf(r.openAPI) })
	return r, nil
}

// forgetDefaults takes the fields with a default out of those that are required: the API server has
// filled them in when it looks whether they are there.
func forgetDefaults(s *structural.Structural) {
	mapper := structural.Visitor{Structural: func(s *structural.Structural) bool {
		if s.ValueValidation == nil || len(s.ValueValidation.Required) == 0 {
			return false
		}
		var required []string
		for _, name := range s.ValueValidation.Required {
			if property, ok := s.Properties[name]; !ok || property.Default.Object == nil {
				required = append(required, name)
			}
		}
		changed := len(required) != len(s.ValueValidation.Required)
		s.ValueValidation.Required = required
		return changed
	}}
	mapper.Visit(s)
}

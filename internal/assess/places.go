package assess

import (
	"slices"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// mostPlaces bounds the places of one finding: more of them help nobody.
const mostPlaces = 10

// at is the finding with the places that it is about.
func at(f v1alpha1.Finding, places ...v1alpha1.Location) v1alpha1.Finding {
	for _, place := range places {
		if len(f.At) < mostPlaces && !slices.Contains(f.At, place) {
			f.At = append(f.At, place)
		}
	}
	return f
}

// fieldOf is a field of a policy, or all of it.
func fieldOf(ref v1alpha1.PolicyReference, field string) v1alpha1.Location {
	return v1alpha1.Location{Kind: string(ref.Kind), Namespace: ref.Namespace, Name: ref.Name, Field: field}
}

// fieldsOf are several fields of a policy; all of it when there are none.
func fieldsOf(ref v1alpha1.PolicyReference, fields []string) []v1alpha1.Location {
	if len(fields) == 0 {
		return []v1alpha1.Location{fieldOf(ref, "")}
	}
	out := make([]v1alpha1.Location, len(fields))
	for i, field := range fields {
		out[i] = fieldOf(ref, field)
	}
	return out
}

// rulePlaces are where rules stand.
func rulePlaces(rules []engine.Rule) []v1alpha1.Location {
	out := make([]v1alpha1.Location, len(rules))
	for i, rule := range rules {
		out[i] = fieldOf(rule.PolicyReference, rule.Path)
	}
	return out
}

// denials are where it stands that connections are denied: rules that deny, or the direction that brings default deny.
func denials(m *model.Model, denied []connection) []v1alpha1.Location {
	var out []v1alpha1.Location
	for _, one := range denied {
		for _, end := range []struct {
			engine.Direction
			field string
		}{{one.decision.Ingress, "ingress"}, {one.decision.Egress, "egress"}} {
			if end.Verdict != v1alpha1.VerdictDenied {
				continue
			}
			out = append(out, rulePlaces(end.Rules)...)
			for _, ref := range end.DefaultDeny {
				out = append(out, fieldOf(ref, directionOf(m, ref, end.field)))
			}
		}
		if len(out) > 0 {
			break // The others are denied by the same, or are told once this one is corrected.
		}
	}
	return out
}

// directionOf is the field of a policy with the rules of a direction.
func directionOf(m *model.Model, ref v1alpha1.PolicyReference, direction string) string {
	if at, ok := m.Positions()[ref]; ok {
		switch object := m.Inventory().Policies[at].Object.(type) {
		case *ciliumv2.CiliumNetworkPolicy:
			if object.Spec == nil {
				return "specs"
			}
		case *ciliumv2.CiliumClusterwideNetworkPolicy:
			if object.Spec == nil {
				return "specs"
			}
		}
	}
	return "spec." + direction
}

// subjectOf is the field by which a policy of the kind selects pods.
func subjectOf(kind v1alpha1.PolicyKind) string {
	switch kind {
	case v1alpha1.NetworkPolicy:
		return "spec.podSelector"
	case v1alpha1.ClusterNetworkPolicy:
		return "spec.subject"
	case v1alpha1.CiliumNetworkPolicy, v1alpha1.CiliumClusterwideNetworkPolicy:
	}
	return "spec.endpointSelector"
}

// placed completes the places of findings: with the files that objects of manifests came from, and with the cluster itself where a
// finding of its has no other place.
func placed(m *model.Model, c *model.Cluster, findings []v1alpha1.Finding) []v1alpha1.Finding {
	if m.Inventory().Origin != inventory.Manifests {
		return findings
	}
	for i := range findings {
		f := &findings[i]
		if len(f.At) == 0 && c != nil {
			f.At = []v1alpha1.Location{{Kind: clusterKind, Namespace: c.Object.Namespace, Name: c.Object.Name}}
		}
		for j := range f.At {
			if source, ok := sourceOf(m, f.At[j]); ok {
				f.At[j].File, f.At[j].Document = source.File, source.Document
			}
		}
	}
	return findings
}

const clusterKind = "Cluster"

// sourceOf is where an object of manifests came from; false for what has no file.
func sourceOf(m *model.Model, at v1alpha1.Location) (inventory.Source, bool) {
	return m.Inventory().SourceOf(at.Kind, types.NamespacedName{Namespace: at.Namespace, Name: at.Name}, m.Positions())
}

// document is where missing evidence was looked for, none where that is no single place.
func document(missing inventory.Missing) []v1alpha1.Location {
	if !missing.At.InFile() {
		return nil
	}
	return []v1alpha1.Location{{File: missing.At.File, Document: missing.At.Document}}
}

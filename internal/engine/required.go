package engine

import (
	"encoding/json"
	"slices"
	"strings"

	k8sConst "github.com/cilium/cilium/pkg/k8s/apis/cilium.io"
	slim_metav1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/apis/meta/v1"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/policy/types"
)

// Cilium's selector cache tries a selector that names no namespace on everybody. Of very many such selectors, each asks for a label
// that few have: these are the only ones that it can select, and whether it does is still for Cilium to say.

const (
	// manyEverywhere is from how many selectors on it is worth looking who has which label.
	manyEverywhere = 4
	// fewNamespaces is in how many namespaces the holders of a label may be, for a selector to be tried on what is there alone.
	fewNamespaces = 16
)

// required is a label that a selector asks for, whatever its source.
type required struct{ key, value string }

// requirements are the labels that selectors ask for, by the selectors' keys.
type requirements map[string][]required

// requirementsOf are those of the policies' selectors that name no namespace; nil where these are few.
func requirementsOf(policies []Policy) requirements {
	out := requirements{}
	for p := range policies {
		for e := range policies[p].entries {
			for _, s := range policies[p].entries[e].L3 {
				l, ok := s.(*types.LabelSelector)
				if !ok || l.IsWildcard() || len(l.SelectedNamespaces()) > 0 {
					continue
				}
				if _, known := out[l.Key()]; !known {
					out[l.Key()] = requiredBy(l)
				}
			}
		}
	}
	if len(out) < manyEverywhere {
		return nil
	}
	return out
}

// requiredBy are the labels without which a selector selects nobody, as far as it says so by their values.
func requiredBy(s *types.LabelSelector) []required {
	text, err := json.Marshal(s)
	var written slim_metav1.LabelSelector
	if err != nil || json.Unmarshal(text, &written) != nil {
		return nil
	}
	var out []required
	for key, value := range written.MatchLabels {
		// As in types.NewRequirement. Labels of prefixes match those of the prefixes within.
		if label := labels.ParseSelectLabel(key); label.Source != labels.LabelSourceCIDR {
			out = append(out, required{label.Key, value})
		}
	}
	return out
}

// holders are what holds the labels that are required: things of some kind, by label.
type holders[T comparable] map[required][]T

// add notes the labels of somebody. Several in a row that are the same are noted once.
func (h holders[T]) add(l labels.LabelArray, of T) {
	for i := range l {
		key := required{l[i].Key, l[i].Value}
		held, wanted := h[key]
		if wanted && (len(held) == 0 || held[len(held)-1] != of) {
			h[key] = append(held, of)
		}
	}
}

// holdersOf has a place for each of the labels.
func holdersOf[T comparable](r requirements) holders[T] {
	out := holders[T]{}
	for _, all := range r {
		for _, one := range all {
			out[one] = nil
		}
	}
	return out
}

// fewest are those who hold the label that the fewest hold of those that a selector asks for; false where it asks for none.
func (h holders[T]) fewest(asked []required) (who []T, ok bool) {
	for i, one := range asked {
		if held := h[one]; i == 0 || len(held) < len(who) {
			who = held
		}
	}
	return who, len(asked) > 0
}

// namespacesWith are the namespaces in which the selector cache keeps those who hold each of the labels.
func (a *alike) namespacesWith(r requirements) holders[string] {
	if r == nil {
		return nil
	}
	out := holdersOf[string](r)
	namespace := labels.NewLabel(k8sConst.PodNamespaceLabel, "", labels.LabelSourceK8s)
	for _, l := range a.all {
		in, _ := l.LookupLabel(&namespace)
		out.add(l, in)
	}
	for label, namespaces := range out {
		out[label] = sortedSet(namespaces, strings.Compare)
	}
	return out
}

// within is the selector as the selector cache gets it, where those whom it can select are in few namespaces.
func (a *alike) within(s types.Selector) (types.Selector, bool) {
	namespaces, ok := a.holders.fewest(a.required[s.Key()])
	switch {
	case !ok || len(namespaces) > fewNamespaces:
		return nil, false
	case len(namespaces) == 0:
		return shelved{s, []string{nobodysShelf}}, true
	default:
		return shelved{s, slices.Clone(namespaces)}, true
	}
}

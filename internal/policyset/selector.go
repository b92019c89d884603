package policyset

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	ciliumio "github.com/cilium/cilium/pkg/k8s/apis/cilium.io"
	slim_metav1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/apis/meta/v1"
	"github.com/cilium/cilium/pkg/policy/api"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
)

// Selector selects client pods by their labels. Get one from ParseSelector; the zero value
// selects nobody and is refused by Build.
type Selector struct {
	text         string
	requirements []slim_metav1.LabelSelectorRequirement
}

// ciliumKeys are the label keys that Cilium adds to a pod's identity by itself, also in the
// dotted form that users take for k8s:… and that matches nobody (cilium.md, "Selector traps").
// A selector with one of them changes which namespaces it reaches, behind the flag's back.
var ciliumKeys = regexp.MustCompile(`^((k8s|any)\.)?io\.(kubernetes\.pod|cilium\.k8s)\.`)

// ParseSelector reads kubectl's selector syntax: "a=b,c in (d,e),f!=g,h,!i". It is not
// metav1.ParseToLabelSelector, which knows no "!=" and turns "a=b,a=c", which nobody matches, into
// a=c. The error says everything that is wrong with the selector, but not which flag it was for.
func ParseSelector(text string) (Selector, error) {
	if strings.Contains(text, ":") {
		// Neither keys nor values have colons: somebody thinks of Cilium's sources.
		return Selector{}, errors.New("label keys are written as on the pod, without a source such as \"k8s:\" in front")
	}
	parsed, err := labels.ParseToRequirements(text)
	if err != nil {
		return Selector{}, fmt.Errorf("not a label selector as kubectl reads it (\"a=b,c in (d,e),!f\"): %w", err)
	}
	if len(parsed) == 0 {
		return Selector{}, errEmptySelector
	}
	var s Selector
	var problems []error
	for _, r := range parsed {
		requirement, err := normalise(r)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		s.requirements = append(s.requirements, requirement)
	}
	slices.SortFunc(s.requirements, func(a, b slim_metav1.LabelSelectorRequirement) int {
		return strings.Compare(requirementText(a), requirementText(b))
	})
	s.requirements = slices.CompactFunc(s.requirements, func(a, b slim_metav1.LabelSelectorRequirement) bool {
		return requirementText(a) == requirementText(b)
	})
	problems = append(problems, contradictions(s.requirements)...)
	if err := errors.Join(problems...); err != nil {
		return Selector{}, err
	}
	texts := make([]string, len(s.requirements))
	for i, r := range s.requirements {
		texts[i] = requirementText(r)
	}
	s.text = strings.Join(texts, ",")
	return s, nil
}

// errEmptySelector is the problem of a selector that means everybody; the flag's parser adds the
// flag that says so.
var errEmptySelector = errors.New("an empty selector would mean every pod")

// String is the selector in kubectl's syntax, the same for all ways to write it: requirements and
// values in order, "a in (b)" as "a=b". ParseSelector reads it back.
func (s Selector) String() string { return s.text }

// endpointSelector is the selector as Cilium writes it: single values as matchLabels, the rest as
// matchExpressions, followed by more.
func (s Selector) endpointSelector(more ...slim_metav1.LabelSelectorRequirement) api.EndpointSelector {
	selector := &slim_metav1.LabelSelector{}
	for _, r := range s.requirements {
		if r.Operator == slim_metav1.LabelSelectorOpIn && len(r.Values) == 1 {
			if selector.MatchLabels == nil {
				selector.MatchLabels = map[string]string{}
			}
			selector.MatchLabels[r.Key] = r.Values[0]
			continue
		}
		selector.MatchExpressions = append(selector.MatchExpressions, *r.DeepCopy())
	}
	selector.MatchExpressions = append(selector.MatchExpressions, more...)
	return api.EndpointSelector{LabelSelector: selector}
}

// normalise turns a requirement into the one of Kubernetes' four operators that means the same.
func normalise(r labels.Requirement) (slim_metav1.LabelSelectorRequirement, error) {
	out := slim_metav1.LabelSelectorRequirement{Key: r.Key()}
	if ciliumKeys.MatchString(r.Key()) {
		remedy := "select by the pods' own labels"
		if strings.HasSuffix(r.Key(), ciliumio.PodNamespaceLabel) {
			remedy += ", and name namespaces with --allow-namespace"
		}
		return out, fmt.Errorf("%q is a key that Cilium sets itself and no pod label: %s", r.Key(), remedy)
	}
	switch r.Operator() {
	case selection.Equals, selection.DoubleEquals, selection.In:
		out.Operator = slim_metav1.LabelSelectorOpIn
	case selection.NotEquals, selection.NotIn:
		out.Operator = slim_metav1.LabelSelectorOpNotIn
	case selection.Exists:
		out.Operator = slim_metav1.LabelSelectorOpExists
		return out, nil
	case selection.DoesNotExist:
		out.Operator = slim_metav1.LabelSelectorOpDoesNotExist
		return out, nil
	default:
		return out, fmt.Errorf("policies cannot compare labels with %q: use =, !=, in, notin or the key alone", r.Operator())
	}
	out.Values = slices.Compact(slices.Sorted(slices.Values(r.ValuesUnsorted())))
	return out, nil
}

// requirementText writes a normalised requirement as kubectl reads it.
func requirementText(r slim_metav1.LabelSelectorRequirement) string {
	switch {
	case r.Operator == slim_metav1.LabelSelectorOpExists:
		return r.Key
	case r.Operator == slim_metav1.LabelSelectorOpDoesNotExist:
		return "!" + r.Key
	case r.Operator == slim_metav1.LabelSelectorOpIn && len(r.Values) == 1:
		return r.Key + "=" + r.Values[0]
	case r.Operator == slim_metav1.LabelSelectorOpIn:
		return r.Key + " in (" + strings.Join(r.Values, ",") + ")"
	case len(r.Values) == 1:
		return r.Key + "!=" + r.Values[0]
	default:
		return r.Key + " notin (" + strings.Join(r.Values, ",") + ")"
	}
}

// contradictions finds keys for which no label value, and no missing label, can satisfy all
// requirements: such a selector matches no pod, which is never what somebody meant to allow.
func contradictions(requirements []slim_metav1.LabelSelectorRequirement) []error {
	type wants struct {
		present, absent, restricted bool
		values, not                 []string
	}
	byKey := map[string]*wants{}
	var keys []string
	for _, r := range requirements {
		w := byKey[r.Key]
		if w == nil {
			w = &wants{}
			byKey[r.Key], keys = w, append(keys, r.Key)
		}
		switch r.Operator {
		case slim_metav1.LabelSelectorOpIn:
			if w.restricted {
				w.values = slices.DeleteFunc(w.values, func(v string) bool { return !slices.Contains(r.Values, v) })
			} else {
				w.values = slices.Clone(r.Values)
			}
			w.present, w.restricted = true, true
		case slim_metav1.LabelSelectorOpNotIn:
			w.not = append(w.not, r.Values...)
		case slim_metav1.LabelSelectorOpExists:
			w.present = true
		case slim_metav1.LabelSelectorOpDoesNotExist:
			w.absent = true
		}
	}
	var problems []error
	slices.Sort(keys)
	for _, key := range keys {
		w := byKey[key]
		left := slices.DeleteFunc(w.values, func(v string) bool { return slices.Contains(w.not, v) })
		if w.present && w.absent || w.restricted && len(left) == 0 {
			problems = append(problems, fmt.Errorf("the requirements for label %q contradict each other, so that no pod can match: give the flag twice for \"either\", or use %q", key, key+" in (x,y)"))
		}
	}
	return problems
}

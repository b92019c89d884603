package policyset

import (
	"cmp"
	"slices"
)

// Source is somebody who shall be let in, with what suggestions need to know.
type Source struct {
	// Home is the cluster's namespace.
	Home string
	// Namespace is that of all of the source's pods; empty when they are in several, or when some of it
	// is no pod.
	Namespace string
	// ServiceAccount is the name of that of all of the source's pods; empty as Namespace is.
	ServiceAccount string
	// Prefix are the source's addresses outside the Kubernetes cluster; empty for everybody else.
	Prefix string
	// Selector finds the selector that lets in the source's pods and the fewest others of a namespace, or
	// of any when it is empty; false when the pods have no label in common.
	Selector func(namespace string) (Selector, bool)
}

func (s Source) selector(namespace string) (string, bool) {
	found, ok := s.Selector(namespace)
	return found.String(), ok
}

// Suggestions are the grants that may let the source in on a port, one of a kind at most, narrow kinds
// first. Whether they do is the engine's to say.
func Suggestions(port uint16, s Source) []Grant {
	kinds := slices.DeleteFunc(Definitions(), func(d Definition) bool {
		return d.suggest == nil || d.Direction != Ingress || !slices.Contains(d.Ports, port)
	})
	slices.SortStableFunc(kinds, func(a, b Definition) int { return cmp.Compare(a.breadth, b.breadth) })
	var out []Grant
	for _, d := range kinds {
		if text, ok := d.suggest(s); ok {
			out = append(out, Grant{Kind: d.Kind, Value: text})
		}
	}
	return out
}

// anyway is for the kinds that have one client.
func anyway(Source) (string, bool) { return "", true }

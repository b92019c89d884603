package isolation

import (
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// candidates are the options with one more client that may be the source, narrow ones first.
func (m *Model) candidates(c *cluster, targets []goal, options policyset.Options) []policyset.Options {
	// What has drifted may let it in when it is restored.
	out := []policyset.Options{options}
	source := policyset.Source{
		Home:     c.object.Namespace,
		Selector: func(namespace string) (policyset.Selector, bool) { return m.distinguishing(c, targets, namespace) },
	}
	if namespaces := m.originNamespaces(); len(namespaces) == 1 {
		source.Namespace = namespaces[0]
	}
	for _, port := range ports(targets) {
		for _, g := range policyset.Suggestions(port, source) {
			out = append(out, options.With(g))
		}
	}
	return out
}

// originNamespaces are the namespaces of the source's pods; none when some of it is no pod.
func (m *Model) originNamespaces() []string {
	var out []string
	for _, o := range m.origins {
		namespace := o.identity.Namespace()
		if namespace == "" {
			return nil
		}
		out = append(out, namespace)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func ports(targets []goal) []uint16 {
	var out []uint16
	for _, t := range targets {
		if t.port != 0 && !slices.Contains(out, t.port) {
			out = append(out, t.port)
		}
	}
	return out
}

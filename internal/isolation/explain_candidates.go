package isolation

import (
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// candidates are the options with one more flag that may let the source in, narrow ones first. A
// label can be given to a pod of any namespace by whoever may create one there, so that a
// namespace as a whole counts as narrower than a label in any.
func (m *Model) candidates(c *cluster, targets []goal, options policyset.Options) []policyset.Options {
	// What has drifted may let it in when it is restored.
	out := []policyset.Options{options}
	add := func(change func(*policyset.Options)) {
		o := options
		change(&o)
		out = append(out, o)
	}
	namespaces := m.originNamespaces()
	for _, port := range ports(targets) {
		switch port {
		case cnpg.PostgresPort:
			m.clientCandidates(c, targets, namespaces, add)
		case cnpg.MetricsPort, cnpg.PoolerMetricsPort:
			if len(namespaces) == 1 {
				add(func(o *policyset.Options) { o.AllowMetrics = append(slices.Clip(o.AllowMetrics), namespaces[0]) })
			}
		case cnpg.StatusPort:
			add(func(o *policyset.Options) { o.AllowKubectlCNPG = true })
		}
	}
	return out
}

func (m *Model) clientCandidates(c *cluster, targets []goal, namespaces []string, add func(func(*policyset.Options))) {
	if len(namespaces) == 1 {
		if namespaces[0] == c.object.Namespace {
			if s, ok := m.distinguishing(c, targets, namespaces[0]); ok {
				add(func(o *policyset.Options) { o.AllowPods = append(slices.Clip(o.AllowPods), s) })
			}
		}
		add(func(o *policyset.Options) { o.AllowNamespaces = append(slices.Clip(o.AllowNamespaces), namespaces[0]) })
	}
	if s, ok := m.distinguishing(c, targets, ""); ok {
		add(func(o *policyset.Options) { o.AllowPodsAnyNamespace = append(slices.Clip(o.AllowPodsAnyNamespace), s) })
	}
	add(func(o *policyset.Options) { o.AllowClusterWide = true })
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

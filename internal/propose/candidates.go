package propose

import (
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// candidates are the options with one more client that may be the source, narrow ones first.
func candidates(q *explain.Question, options policyset.Options) []policyset.Options {
	// What has drifted may let it in when it is restored.
	out := []policyset.Options{options}
	source := policyset.Source{
		Home:     q.Cluster.Object.Namespace,
		Selector: func(namespace string) (policyset.Selector, bool) { return distinguishing(q, namespace) },
	}
	if namespaces := originNamespaces(q); len(namespaces) == 1 {
		source.Namespace = namespaces[0]
		source.ServiceAccount = originServiceAccount(q)
	}
	if prefixes := q.Source.Extra().Prefixes; len(prefixes) == 1 && prefixes[0].Bits() > 0 {
		source.Prefix = prefixes[0].String()
	}
	for _, port := range ports(q.Goals) {
		for _, g := range policyset.Suggestions(port, source) {
			out = append(out, options.With(g))
		}
	}
	return out
}

// originNamespaces are the namespaces of the source's pods; none when some of it is no pod.
func originNamespaces(q *explain.Question) []string {
	var out []string
	for _, o := range q.Origins {
		namespace := o.Identity.Namespace()
		if namespace == "" {
			return nil
		}
		out = append(out, namespace)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// originServiceAccount is the one that all of the source's pods have; empty when they have several.
func originServiceAccount(q *explain.Question) string {
	account := q.Origins[0].Identity.ServiceAccount()
	for _, o := range q.Origins {
		if o.Identity.ServiceAccount() != account {
			return ""
		}
	}
	return account
}

func ports(targets []explain.Goal) []uint16 {
	var out []uint16
	for _, t := range targets {
		if t.Port != 0 && !slices.Contains(out, t.Port) {
			out = append(out, t.Port)
		}
	}
	return out
}

package explain

import (
	"fmt"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// namespaceLabelsMissing says that the answer hangs on labels of the source's namespace, which could not
// be read; empty when it does not. The agent's own identities hold these labels.
func (q *Question) namespaceLabelsMissing(o Origin, t Goal) string {
	return q.namespaceLabelsMissingFor(o, q.Model, t)
}

// namespaceLabelsMissingFor is the same for a target in the model of another Kubernetes cluster.
func (q *Question) namespaceLabelsMissingFor(o Origin, at *model.Model, t Goal) string {
	namespace := o.Identity.Namespace()
	if namespace == "" || q.knownToAgent(o) {
		return ""
	}
	missing := q.Model.MissingAt("namespaces", namespace)
	if len(missing) == 0 || !at.Engine().LooksAtNamespaces(t.Identity) {
		return ""
	}
	return fmt.Sprintf("a policy looks at the labels of the source's namespace %q: %s", namespace, missing[0].Message)
}

// knownToAgent tells whether the identity of all of the source's pods is the agent's word.
func (q *Question) knownToAgent(o Origin) bool {
	for _, i := range o.Pods {
		if !q.Model.KnownToAgent(i) {
			return false
		}
	}
	return len(o.Pods) > 0
}

// doubtLabels is for a source of which labels could not be read that would change the answer.
func (q *Question) doubtLabels(o Origin, t Goal, d engine.Direction) engine.Direction {
	if reason := q.namespaceLabelsMissing(o, t); reason != "" {
		return engine.UnknownBecause(reason)
	}
	return d
}

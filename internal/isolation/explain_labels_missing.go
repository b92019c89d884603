package isolation

import (
	"fmt"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
)

// namespaceLabelsMissing says that the answer hangs on labels of the source's namespace, which could not
// be read; empty when it does not. The agent's own identities hold these labels.
func (m *Model) namespaceLabelsMissing(o origin, t goal) string {
	namespace := o.identity.Namespace()
	if namespace == "" || m.knownToAgent(o) {
		return ""
	}
	missing := m.missingAt("namespaces", namespace)
	if len(missing) == 0 || !m.engine.LooksAtNamespaces(t.identity) {
		return ""
	}
	return fmt.Sprintf("a policy looks at the labels of the source's namespace %q: %s", namespace, missing[0].Message)
}

// knownToAgent tells whether the identity of all of the source's pods is the agent's word.
func (m *Model) knownToAgent(o origin) bool {
	for _, i := range o.pods {
		if !m.hasEndpoint[i] {
			return false
		}
	}
	return len(o.pods) > 0
}

// doubtLabels is for a source of which labels could not be read that would change the answer.
func (m *Model) doubtLabels(o origin, t goal, d engine.Direction) engine.Direction {
	if reason := m.namespaceLabelsMissing(o, t); reason != "" {
		return unknownBecause(reason)
	}
	return d
}

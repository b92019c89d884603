package model

import (
	"encoding/json"
	"sync"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// contents are policies as JSON's own types, each read when it is first asked for: a policy may have thousands
// of rules, and an answer may show all of them.
type contents struct {
	mu        sync.Mutex
	positions map[v1alpha1.PolicyReference]int
	known     map[v1alpha1.PolicyReference]any
}

// Content is what a policy says, as JSON's own types; nil when there is no such policy. It must not be changed.
func (m *Model) Content(of v1alpha1.PolicyReference) any {
	m.contents.mu.Lock()
	defer m.contents.mu.Unlock()
	if m.contents.positions == nil {
		m.contents.positions, m.contents.known = m.positions(), map[v1alpha1.PolicyReference]any{}
	}
	content, ok := m.contents.known[of]
	at, exists := m.contents.positions[of]
	if ok || !exists {
		return content
	}
	text, err := json.Marshal(m.inv.Policies[at].Object)
	if err != nil || json.Unmarshal(text, &content) != nil {
		content = nil
	}
	m.contents.known[of] = content
	return content
}

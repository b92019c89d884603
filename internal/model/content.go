package model

import (
	"encoding/json"
	"sync"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// contents are policies as JSON's own types, each read when it is first asked for: a policy may have thousands
// of rules, and an answer may show all of them.
type contents struct {
	positions func() map[v1alpha1.PolicyReference]int
	mu        sync.Mutex
	known     map[v1alpha1.PolicyReference]any
}

func contentsOf(inv *inventory.Inventory) *contents {
	return &contents{positions: sync.OnceValue(inv.Positions), known: map[v1alpha1.PolicyReference]any{}}
}

// Positions are where each policy is among those of the inventory and of the engine.
func (m *Model) Positions() map[v1alpha1.PolicyReference]int { return m.contents.positions() }

// Content is what a policy says, as JSON's own types; nil when there is no such policy. It must not be changed.
func (m *Model) Content(of v1alpha1.PolicyReference) any {
	m.contents.mu.Lock()
	defer m.contents.mu.Unlock()
	content, ok := m.contents.known[of]
	at, exists := m.Positions()[of]
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

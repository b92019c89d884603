package engine

import (
	"sync"

	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/types"
)

// assumption is what is taken for true of the peers that a rule may select, depending on what can't
// be seen from outside the agents.
type assumption int

const (
	// whatIsSeen: rules select only whom they select for sure.
	whatIsSeen assumption = iota
	// mostOpen: rules that allow select all whom they could select.
	mostOpen
	// mostClosed: rules that deny do.
	mostClosed

	assumptions
)

// widens tells whether a rule of this kind selects all whom it could select. What passes decisions on
// to other tiers can both open and close.
func (a assumption) widens(v types.Verdict) bool {
	switch v {
	case types.Allow:
		return a == mostOpen
	case types.Deny:
		return a == mostClosed
	default:
		return a != whatIsSeen
	}
}

// reading is Cilium's repository, filled with the engine's policies under an assumption.
type reading struct {
	assumption assumption
	repository *policy.Repository
	// loaded are the namespaces whose policies are in the repository.
	loaded map[string]bool
}

// selecting is held while selectors are added to a repository. Cilium numbers them by a variable of
// its package (lastSelectorId), because an agent has one repository. We have several, and two
// selectors with the same number would have the same peers.
var selecting sync.Mutex //nolint:gochecknoglobals // The variable that it guards is Cilium's, and global.

// reading must be called withAgent, and with the lock held once others use the engine.
func (e *Engine) reading(a assumption) *reading {
	if e.readings[a] == nil {
		r := &reading{assumption: a, loaded: map[string]bool{}}
		r.repository = policy.NewPolicyRepository(quiet, e.alike.all, noSecrets{}, noSecrets{}, nil, nil)
		r.repository.SetNamedPortsGetter(newPeerPorts(e.identities))
		r.repository.UpdateIdentities(e.alike.subjects, nil)
		e.readings[a] = r
	}
	return e.readings[a]
}

// resolve computes the policy of an identity from the policies of its namespace and those without one:
// the others can't select it (policy.Repository has its rules by namespace, too), and a fleet has
// thousands that nobody asks about. Must be called withAgent.
func (e *Engine) resolve(a assumption, i *Identity) (policy.SelectorPolicy, error) {
	e.mu.Lock()
	r := e.reading(a)
	for _, namespace := range []string{"", i.Namespace()} {
		if r.loaded[namespace] {
			continue
		}
		r.loaded[namespace] = true
		for _, index := range e.byNamespace[namespace] {
			e.add(r, index)
		}
	}
	e.mu.Unlock()
	selecting.Lock()
	defer selecting.Unlock()
	resolved, _, err := r.repository.ComputeSelectorPolicy(i.id)
	return resolved, err
}

func (e *Engine) add(r *reading, index int) {
	p := &e.policies[index]
	entries := make(types.PolicyEntries, len(p.entries))
	for i, from := range p.entries {
		// The engine carries a rule's labels through to its verdicts: they say which rule decided.
		labelled := *from.PolicyEntry
		labelled.Labels = labels.LabelArray{ruleLabel(index, i)}
		if from.unsure != "" && r.assumption.widens(from.Verdict) {
			labelled.L3 = from.possible
		}
		labelled.L3 = e.alike.selectors(labelled.L3)
		entries[i] = &labelled
	}
	if len(entries) > 0 {
		selecting.Lock()
		defer selecting.Unlock()
		r.repository.ReplaceByResource(entries, resourceID(p.PolicyReference))
	}
}

package engine

import (
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/policy/api"
	"github.com/cilium/cilium/pkg/policy/types"
)

// Admission is what a rule of a policy says about whom it lets in, and to which ports.
type Admission struct {
	// Path is the rule's position in the object: "spec.ingress[0]".
	Path  string
	Peers []Peer
	// Ports are as they are written, numbers or names; none for all ports.
	Ports []string
}

// Peer is a selector of those whom a rule lets in.
type Peer struct{ selector types.Selector }

// Admissions are the policy's ingress rules that allow.
func (p *Policy) Admissions() []Admission {
	var out []Admission
	for i := range p.entries {
		e := &p.entries[i]
		if !e.Ingress || e.Verdict != types.Allow {
			continue
		}
		a := Admission{Path: e.path, Ports: e.ports()}
		for _, s := range e.L3 {
			a.Peers = append(a.Peers, Peer{s})
		}
		out = append(out, a)
	}
	return out
}

// ports are those that the rule names; none for all.
func (r *entry) ports() []string {
	var out []string
	if r.L4 == nil {
		return nil
	}
	_ = r.L4.Iterate(func(ports api.Ports) error {
		for _, p := range ports.GetPortProtocols() {
			out = append(out, p.Port)
		}
		return nil
	})
	return out
}

// Names tells whether the selector looks at a label of pods whose key begins like this.
func (p Peer) Names(prefix string) bool {
	selector, ok := p.selector.(*types.LabelSelector)
	return ok && slices.ContainsFunc([]string{labels.LabelSourceAnyKeyPrefix, labels.LabelSourceK8sKeyPrefix}, func(source string) bool {
		return selector.HasKeyPrefix(source + prefix)
	})
}

// Namespaces are those to which the selector is limited; none where it is not.
func (p Peer) Namespaces() []string { return p.selector.SelectedNamespaces() }

// OnlyPorts tells whether the rule is about these ports and no others.
func (a Admission) OnlyPorts(known ...uint16) bool {
	return len(a.Ports) > 0 && !slices.ContainsFunc(a.Ports, func(text string) bool {
		number, err := strconv.ParseUint(strings.TrimSpace(text), 10, 16)
		return err != nil || !slices.Contains(known, uint16(number))
	})
}

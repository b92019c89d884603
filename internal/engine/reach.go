package engine

import (
	"slices"
	"strings"

	"github.com/cilium/cilium/pkg/identity"
	k8sConst "github.com/cilium/cilium/pkg/k8s/apis/cilium.io"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/trafficdirection"
	"github.com/cilium/cilium/pkg/policy/types"
	"github.com/cilium/cilium/pkg/u8proto"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// Reach says of a target how to find out who can connect without asking about everybody: the policy
// that Cilium distils names single identities, and treats all the others alike.
type Reach struct {
	// Uniform is false when there is no such answer, and everybody has to be asked about.
	Uniform bool
	// Others is the verdict at the target for all identities of pods that are not in Listed.
	Others v1alpha1.Verdict
	// Free is true when no policy has a say in that they are allowed.
	Free bool
	// Listed are the identities for which the target's policy says something of their own, each for all that it stands for, see
	// Engine.AsPeer.
	Listed []*Identity
}

// Reach looks at the target's ingress alone: whom it allows may still be denied by their own egress,
// see RestrictsEgress.
func (e *Engine) Reach(to *Identity, port uint16) Reach {
	var r Reach
	// An error is about the settings; asking one by one will meet it again.
	_ = withAgent(e.settings, func() { r = e.reach(to, port) })
	return r
}

func (e *Engine) reach(to *Identity, port uint16) Reach {
	target := e.subject(to)
	others, uniform := e.nobody(target, &target.ingress, policy.IngressKey().WithPortProto(u8proto.TCP, port))
	if !uniform {
		return Reach{}
	}
	r := Reach{Uniform: true, Others: others.Verdict, Free: others.Verdict == v1alpha1.VerdictAllowed && len(others.Rules) == 0}
	for _, known := range e.namedBy(target, trafficdirection.Ingress) {
		if known.name == "" {
			r.Listed = append(r.Listed, known)
		}
	}
	return r
}

// nobody is the answer about a pod of this cluster that a subject's policy does not name; false when there is no such answer, as it
// may be for a collection that is so large that its numbers are beyond the range of one cluster.
func (e *Engine) nobody(s *subject, end *endInfo, key policy.Key) (Direction, bool) {
	own, remote := firstNumbers(e.settings.ClusterID)
	ask := func(first identity.NumericIdentity) Direction {
		return e.direction(s, end, key.WithIdentity(first+identity.MinimalNumericIdentity-1)) // Nobody has this number.
	}
	others := ask(own)
	return others, e.identities.next <= own+clusterNumbers || others.Verdict == ask(remote).Verdict
}

// namedBy are the identities for which a subject's policy has an entry, whatever is assumed about what can't be seen. Where it can't be
// read or resolved nobody is named, for everybody has the same answer.
func (e *Engine) namedBy(s *subject, direction trafficdirection.TrafficDirection) []*Identity {
	if s.err != nil {
		return nil
	}
	var out []*Identity
	seen := map[identity.NumericIdentity]bool{}
	for _, d := range append([]*distilled{s.distilled}, s.others...) {
		if d.err != nil {
			continue // Then nobody has an answer, see doubt.
		}
		for key := range d.policy.Entries() {
			if key.TrafficDirection() != direction || seen[key.Identity] {
				continue
			}
			seen[key.Identity] = true
			if known := e.identities.byNumber[key.Identity]; known != nil {
				out = append(out, known)
			}
		}
	}
	return out
}

// AdmitAlike tells whether the same rules say who reaches both of the identities.
func (e *Engine) AdmitAlike(a, b *Identity) bool {
	if a == b {
		return true
	}
	var alike bool
	// An error is about the settings; asking for verdicts will meet it again.
	_ = withAgent(e.settings, func() {
		one, other := e.subject(a), e.subject(b)
		alike = slices.Equal(one.ingress.rules, other.ingress.rules) && slices.Equal(one.ingress.unreadable, other.ingress.unreadable) &&
			(!one.ingress.byName || a.portsKey == b.portsKey)
	})
	return alike
}

// Opens is the same for identities of pods for which the same rules say what they may open.
func (e *Engine) Opens(i *Identity) string {
	var alike string
	// An error is about the settings; asking for verdicts will meet it again.
	_ = withAgent(e.settings, func() {
		s := e.subject(i)
		alike = strings.Join(s.egress.rules, ",") + "/" + strings.Join(s.egress.unreadable, "\x00")
		if s.egress.byName {
			alike += i.portsKey
		}
	})
	return alike
}

// RestrictsEgress tells whether something could keep the identity from connecting, wherever to.
func (e *Engine) RestrictsEgress(i *Identity) bool {
	known, ok := e.restricted.Load(i)
	if !ok {
		known, _ = e.restricted.LoadOrStore(i, e.restrictsEgress(i))
	}
	restricts, _ := known.(bool)
	return restricts
}

func (e *Engine) restrictsEgress(i *Identity) bool {
	if enforcementMode(e.settings) == "always" {
		return true
	}
	for _, index := range e.candidates(i) {
		p := &e.policies[index]
		if p.Unreadable != "" {
			return true
		}
		for r := range p.entries {
			if !p.entries[r].Ingress && p.entries[r].selects(i) {
				return true
			}
		}
	}
	return false
}

// Unsure tells whether a rule for the target's ingress depends on something that can't be seen.
func (e *Engine) Unsure(to *Identity) bool {
	for _, index := range e.candidates(to) {
		for r := range e.policies[index].entries {
			if rule := &e.policies[index].entries[r]; rule.Ingress && rule.unsure != "" && rule.selects(to) {
				return true
			}
		}
	}
	return false
}

// Names tells whether a rule for the target's ingress names the identity by its labels, among others
// or alone. All whom no rule names are alike to the target.
func (e *Engine) Names(to, peer *Identity) bool {
	var named bool
	// An error is about the settings; asking for verdicts will meet it again.
	_ = withAgent(e.settings, func() { named = e.names(to, peer) })
	return named
}

func (e *Engine) names(to, peer *Identity) bool {
	named := func(s types.Selector) bool { return !s.IsWildcard() && s.Matches(peer.id.LabelArray) }
	for _, index := range e.candidates(to) {
		for r := range e.policies[index].entries {
			rule := &e.policies[index].entries[r]
			if rule.Ingress && rule.selects(to) && (slices.ContainsFunc(rule.L3, named) || slices.ContainsFunc(rule.possible, named)) {
				return true
			}
		}
	}
	return false
}

// LooksAtNamespaces tells whether a rule for the target's ingress looks at labels of its peers' namespaces.
func (e *Engine) LooksAtNamespaces(to *Identity) bool {
	for _, index := range e.candidates(to) {
		for r := range e.policies[index].entries {
			rule := &e.policies[index].entries[r]
			if rule.Ingress && rule.selects(to) && slices.ContainsFunc(rule.L3, func(s types.Selector) bool {
				return strings.Contains(s.Key(), k8sConst.PodNamespaceMetaLabelsPrefix)
			}) {
				return true
			}
		}
	}
	return false
}

// PoliciesFor are the indexes of the policies that can select pods of the namespace.
func (e *Engine) PoliciesFor(namespace string) []int {
	return e.candidatesIn(namespace)
}

package engine

import (
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/types"
)

// nearest is the entry of a policy that covers a question most closely, among those of one kind.
type nearest struct {
	key   policy.Key
	entry types.MapStateEntry
	found bool
}

// lookup is what the data path decides by. policy.EndpointPolicy.Lookup of Cilium 1.20.0 to 1.20.2 has the verdict
// right; of two entries that allow, one for the peer and one for everybody, it returns the one with the less specific
// port (cilium#48945), where the data path takes the more specific (__account_and_check in bpf/lib/policy.h).
// TestUpstreamNamesTheOtherEntry says when upstream has it right and this can go.
func (d *distilled) lookup(key policy.Key) (types.MapStateEntry, policy.RuleMeta) {
	entry, meta, _ := d.policy.Lookup(key)
	if entry.IsDeny() {
		return entry, meta
	}
	peer, everybody := d.nearest(key)
	if !peer.found || !everybody.found || peer.entry.IsDeny() || peer.entry.Precedence != everybody.entry.Precedence {
		return entry, meta
	}
	chosen, other := peer, everybody
	if everybody.key.PrefixLength() > peer.key.PrefixLength() {
		chosen, other = everybody, peer
	}
	meta, err := d.policy.GetRuleMeta(chosen.key)
	if err != nil {
		return entry, policy.RuleMeta{} // It was there a moment ago.
	}
	return withAuthentication(chosen.entry, other.entry), meta
}

// nearest are the closest entries for the peer itself and for all that it is one of.
func (d *distilled) nearest(key policy.Key) (peer, everybody nearest) {
	for k, entry := range d.policy.GetMapState().LPMAncestors(key) {
		of := &everybody
		if k.Identity == key.Identity {
			of = &peer
		}
		if !of.found && entry.IsValid() {
			*of = nearest{k, entry.MapStateEntry, true}
		}
		if peer.found && everybody.found {
			break
		}
	}
	return peer, everybody
}

// withAuthentication is the entry with the authentication that the other one requires, where it asks for none by
// itself, as the data path has it.
func withAuthentication(entry, other types.MapStateEntry) types.MapStateEntry {
	if !entry.AuthRequirement.IsExplicit() && other.AuthRequirement.AuthType() > entry.AuthRequirement.AuthType() {
		entry.AuthRequirement = other.AuthRequirement.AsDerived()
	}
	return entry
}

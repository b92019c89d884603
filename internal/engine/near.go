package engine

import "github.com/cilium/cilium/pkg/identity"

// Near returns a collection for another engine, about a few namespaces: it holds the pods' identities of these, and Cilium's
// reserved ones. The others of this engine come in when they are asked for, each as the identity that it is here, and so do
// new ones. Nothing of it changes this engine's own collection: several may be made, and used, at once.
func (e *Engine) Near(namespaces map[string]bool) *Identities {
	e.indexed.Do(func() {
		e.inNamespace = map[string][]keyed{}
		for key, i := range e.identities.byKey {
			e.inNamespace[i.Namespace()] = append(e.inNamespace[i.Namespace()], keyed{key, i})
		}
	})
	from := e.identities
	near := &Identities{
		settings: from.settings, groups: from.groups, others: from,
		byKey: map[string]*Identity{}, byNumber: map[identity.NumericIdentity]*Identity{}, all: identity.IdentityMap{},
		relevant: map[string]bool{}, given: map[string]given{}, byEndpoint: map[string]*Identity{},
		next: from.next, nextRemote: from.nextRemote, nextCIDR: from.nextCIDR, nextNode: from.nextNode, nextHost: from.nextHost,
	}
	for namespace := range namespaces {
		for _, one := range e.inNamespace[namespace] {
			near.hold(one.key, one.Identity)
		}
	}
	for nid := range identity.ListReservedIdentities() {
		near.known("reserved:" + nid.String())
	}
	return near
}

// keyed is an identity with its key in a collection.
type keyed struct {
	key string
	*Identity
}

// known is the identity with this key; nil when there is none.
func (s *Identities) known(key string) *Identity {
	if known := s.byKey[key]; known != nil || s.others == nil {
		return known
	}
	known := s.others.byKey[key]
	if known != nil {
		s.hold(key, known)
	}
	return known
}

// hold adds an identity that another collection has made.
func (s *Identities) hold(key string, i *Identity) {
	s.byKey[key] = i
	if s.byNumber[i.id.ID] != nil {
		return // It has several keys.
	}
	s.byNumber[i.id.ID] = i
	s.all[i.id.ID] = i.id.LabelArray
	if i.prefix.IsValid() {
		s.inAddresses = append(s.inAddresses, i)
	}
}

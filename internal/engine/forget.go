package engine

// made is what was worked out about the pods of a namespace.
type made struct {
	subjects []*Identity
	// policies are the keys of distilled policies that rules of the namespace are in: nobody else has them.
	policies []string
}

// madeFor must be called with the lock held.
func (e *Engine) madeFor(i *Identity) *made {
	namespace := i.Namespace()
	if e.made[namespace] == nil {
		e.made[namespace] = &made{}
	}
	return e.made[namespace]
}

func (m *made) add(i *Identity) { m.subjects = append(m.subjects, i) }

func (m *made) addPolicy(key string) { m.policies = append(m.policies, key) }

// Forget lets go of what was worked out about the pods of a namespace, for whoever does not expect to ask about them again: of a
// large fleet, that is more than what the fleet is. It is worked out anew for those who do. Policies that pods of other namespaces
// have too stay.
func (e *Engine) Forget(namespace string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m := e.made[namespace]
	if m == nil || namespace == "" {
		return
	}
	for _, i := range m.subjects {
		delete(e.subjects, i.id.ID)
		e.selections.Delete(i)
		e.restricted.Delete(i)
	}
	for _, key := range m.policies {
		delete(e.distilled, key)
	}
	delete(e.made, namespace)
}

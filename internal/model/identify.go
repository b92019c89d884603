package model

import (
	"maps"

	"github.com/cilium/cilium/pkg/labels"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// identifyPods gives every pod its identity: the agent's own when there is an endpoint, a derived
// one otherwise, none to pods that share their node's.
func (m *Model) identifyPods(last *Model) error {
	m.lookup.namespaces = map[string]map[string]string{}
	for _, n := range m.inv.Namespaces {
		m.lookup.namespaces[n.Name] = n.Labels
	}
	if err := m.identify(last); err != nil {
		return err
	}
	at := map[*engine.Identity]int{}
	for i := range m.inv.Pods {
		pod, identity := &m.inv.Pods[i], m.of[i]
		if identity == nil {
			continue
		}
		if m.lacksEndpoint(pod) {
			// What the others take it for, see end.
			m.unmanaged[pod.Key()], identity = true, m.identities.Reserved(labels.IDNameUnmanaged)
		}
		index, known := at[identity]
		if !known {
			index = len(m.peers)
			at[identity] = index
			m.peers = append(m.peers, Peer{Identity: identity})
		}
		m.peers[index].Pods = append(m.peers[index].Pods, i)
	}
	return nil
}

// identify fills of and hasEndpoint. An agent that has not worked out a pod's identity yet will derive it as it is
// derived here.
func (m *Model) identify(last *Model) error {
	m.of, m.hasEndpoint = make([]*engine.Identity, len(m.inv.Pods)), make([]bool, len(m.inv.Pods))
	if last != nil {
		m.keepIdentities(last)
	}
	var unlabelled []int
	var pods []inventory.Pod
	for i := range m.inv.Pods {
		pod := &m.inv.Pods[i]
		endpoint, ok := m.inv.Endpoints[pod.Key()]
		m.hasEndpoint[i] = ok
		switch {
		case m.of[i] != nil, pod.HostNetwork:
		case len(endpoint.IdentityLabels) > 0 && endpoint.Identified():
			m.of[i] = m.identities.Endpoint(endpoint)
		default:
			unlabelled, pods = append(unlabelled, i), append(pods, *pod)
		}
	}
	derived, err := m.identities.Pods(pods, m.lookup.namespaces)
	if err != nil {
		return err
	}
	for i, identity := range derived {
		m.of[unlabelled[i]] = identity
	}
	return nil
}

// keepIdentities takes over the identities of pods that are as they were.
func (m *Model) keepIdentities(last *Model) {
	merge(last.inv.Pods, m.inv.Pods, comparePods, func(was, is int) {
		if was < 0 || is < 0 || !samePod(&last.inv.Pods[was], &m.inv.Pods[is]) {
			return
		}
		pod := &m.inv.Pods[is]
		if sameEndpoint(last.inv.Endpoints[pod.Key()], m.inv.Endpoints[pod.Key()]) &&
			maps.Equal(last.lookup.namespaces[pod.Namespace], m.lookup.namespaces[pod.Namespace]) {
			m.of[is] = last.of[was]
		}
	})
}

// lacksEndpoint is true for a running pod without an endpoint where other pods have one: the agent
// does not know it, so it enforces nothing on it. Without any endpoint there is no such evidence.
func (m *Model) lacksEndpoint(pod *inventory.Pod) bool {
	_, managed := m.inv.Endpoints[pod.Key()]
	return !managed && !pod.Expected && pod.Phase == "Running" && len(m.inv.Endpoints) > 0
}

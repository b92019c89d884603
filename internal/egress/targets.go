package egress

import (
	corev1 "k8s.io/api/core/v1"
)

// ToAPIServer are where pods find the API servers. With which, it is one of the peers, and which says why it
// is not known which.
func (d *Deriver) ToAPIServer() (peers []Peer, which string) { return d.apiServers, d.which }

// Lookups are what whoever resolves names needs: UDP and, for long answers, TCP.
func (d *Deriver) Lookups() []Need { return d.lookups(Who{}, Source{}) }

// Service is a Service that was seen, or that the operator would create; nil when there is none.
func (d *Deriver) Service(namespace, name string) *corev1.Service { return d.seen(namespace, name) }

// Behind are the peers behind a TCP port of a Service, as policies see them.
func (d *Deriver) Behind(s *corev1.Service, port uint16) []Peer {
	return d.behind(s, port, corev1.ProtocolTCP)
}

package egress

import (
	"slices"
)

const (
	systemNamespace    = "kube-system"
	openshiftNamespace = "openshift-dns"
	dnsPort            = 53
	// openshiftPort is where the pods of OpenShift's DNS answer, behind port 53 of their Service.
	openshiftPort = 5353
)

// resolvers are whom pods ask for names.
type resolvers struct {
	peers []Peer
	which string
}

// findDNS finds the pods that answer for names: by the Service, or by the labels that distributions give
// them. A cache on each node answers from the node.
func (d *Deriver) findDNS() resolvers {
	var r resolvers
	for _, at := range []struct {
		namespace, service string
		labels             []map[string]string
		port               uint16
	}{
		{systemNamespace, "kube-dns", []map[string]string{{"k8s-app": "kube-dns"}, {"k8s-app": "coredns"}, {"app.kubernetes.io/name": "coredns"}}, dnsPort},
		{openshiftNamespace, "dns-default", []map[string]string{{"dns.operator.openshift.io/daemonset-dns": "default"}}, openshiftPort},
	} {
		if s := d.seen(at.namespace, at.service); s != nil {
			r.peers = append(r.peers, d.behind(s, dnsPort, "UDP")...)
		}
		for _, by := range at.labels {
			if pods := d.podsBy(at.namespace, by); len(r.peers) == 0 && len(pods) > 0 {
				r.peers = []Peer{{Pods: pods, By: &Candidate{at.namespace, by}, Ports: udp(at.port)}}
			}
		}
	}
	cache := map[string]string{"k8s-app": "node-local-dns"}
	caches := d.podsBy(systemNamespace, cache)
	switch {
	case len(caches) > 0 && d.inv.Pods[caches[0]].HostNetwork:
		r.peers = append(r.peers, Peer{Host: true, Ports: udp(dnsPort)})
		r.which = "whether pods ask node-local-dns on their node or the DNS pods was not seen"
	case len(caches) > 0:
		r.peers = append(r.peers, Peer{Pods: caches, By: &Candidate{systemNamespace, cache}, Ports: udp(dnsPort)})
		r.which = "whether pods ask the node's cache or the DNS pods was not seen"
	}
	if len(r.peers) == 0 {
		r = unseenResolvers()
	}
	return r
}

// Resolvers are whom pods ask for names; which is why it is not known which of them.
func (d *Deriver) Resolvers() (peers []Peer, which string) { return d.dns.peers, d.dns.which }

// unseenResolvers are the places where DNS usually is.
func unseenResolvers() resolvers {
	return resolvers{
		which: "where DNS runs was not seen",
		peers: []Peer{
			{Candidate: &Candidate{systemNamespace, map[string]string{"k8s-app": "kube-dns"}}, Ports: udp(dnsPort)},
			{Candidate: &Candidate{openshiftNamespace, map[string]string{"dns.operator.openshift.io/daemonset-dns": "default"}}, Ports: udp(openshiftPort)},
			{Host: true, Ports: udp(dnsPort)},
		},
	}
}

// lookups is what who needs to resolve names: UDP, and TCP for answers that are too long for it.
func (d *Deriver) lookups(who Who, source Source) []Need {
	need := Need{Flow: DNS, Who: who, What: "DNS", Peers: d.dns.peers, Which: d.dns.which, Source: source}
	long := need
	long.What, long.Advisory, long.Peers = "DNS by TCP, for long answers", true, slices.Clone(need.Peers)
	for i := range long.Peers {
		ports := slices.Clone(long.Peers[i].Ports)
		for p := range ports {
			ports[p].Protocol = "TCP"
		}
		long.Peers[i].Ports = ports
	}
	return []Need{need, long}
}

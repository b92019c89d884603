package probe

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/egress"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// place is where the database's pods are tried to connect to.
type place struct {
	Connection
	peer egress.Peer
	port egress.Port
}

// outward adds the connections that the cluster's pods open by themselves, where policies restrict these: to what they need, to
// what flags let them out to, and to somebody whom others reach and they must not. Who is no pod of the cluster tries the same, as
// what is shut to all of the cluster's pods is silent to each of them.
func (p Plan) outward(m *model.Model, c *model.Cluster) Plan {
	tried := openers(m, c)
	if len(tried) == 0 {
		return p
	}
	var places []place
	for _, one := range tried {
		for _, to := range placesFor(m, c, one.who) {
			to.Expected = expected(m, one.pod, to.peer, to.port)
			p.add(clientOf(m, one.pod, one.name), to.Connection)
			places = append(places, to)
		}
		p.addService(m, one)
	}
	away, who, found := keptFrom(m, c, tried[0].pod)
	if !found {
		p.Clients = append(p.Clients, Client{
			Name: tried[0].name, Pod: m.Pod(tried[0].pod).Key(),
			Unfit: "no pod behind a Service was found that somebody else reaches and the database must not, so that nothing was tried that it is kept from",
		})
		return p.withOutsider(m, c, places)
	}
	for _, one := range tried {
		away.Expected = settled(m, one.pod, away.peer.Pods[0], away.Port)
		p.add(clientOf(m, one.pod, one.name), away.Connection)
	}
	if m.Engine().RestrictsEgress(m.IdentityOf(who)) {
		places = nil // It is let through to that one, and nobody has asked about the others.
	}
	return p.withOutsider(m, c, append([]place{away}, places...))
}

// opener is a pod of the cluster that policies restrict in what it opens.
type opener struct {
	pod  int
	name string
	who  egress.Who
}

// openers are the instances, and a pod of each pooler.
func openers(m *model.Model, c *model.Cluster) []opener {
	var out []opener
	for _, member := range c.Members {
		pod := m.Pod(member.Pod)
		one := opener{member.Pod, "pod/" + pod.Name, egress.Who{Kind: egress.Instances}}
		pooler := pod.Labels[cnpg.PoolerNameLabel]
		switch {
		case member.Role == v1alpha1.RolePooler:
			one.name, one.who = "pooler/"+pooler, egress.Who{Kind: egress.Pooler, Pooler: pooler}
		case !member.IsInstance():
			continue
		}
		_, restricted := m.Engine().DefaultDeny(member.Identity)
		known := slices.ContainsFunc(out, func(have opener) bool { return have.name == one.name })
		if restricted && !known && !pod.Expected && clientOf(m, member.Pod, "").Unfit == "" {
			out = append(out, one)
		}
	}
	return out
}

// add adds a connection to those of a client, which may be in the plan already.
func (p *Plan) add(c Client, to Connection) {
	at := slices.IndexFunc(p.Clients, func(have Client) bool { return have.Pod == c.Pod && !have.Control && have.Unfit == "" })
	if at < 0 {
		at = len(p.Clients)
		p.Clients = append(p.Clients, c)
	}
	if !slices.ContainsFunc(p.Clients[at].Connections, to.same) {
		p.Clients[at].Connections = append(slices.Clip(p.Clients[at].Connections), to)
	}
}

// placesFor are what somebody of the cluster needs to reach by TCP, and what flags let instances out to, as far as its address or
// name is known.
func placesFor(m *model.Model, c *model.Cluster, who egress.Who) []place {
	var out []place
	for _, need := range m.Needs(c) {
		if need.Who != who || need.Inbound {
			continue
		}
		for _, peer := range need.Peers {
			for _, port := range peer.Ports {
				if port.Protocol != corev1.ProtocolUDP {
					out = append(out, placesOf(m, peer, port)...)
				}
			}
		}
	}
	if who.Kind != egress.Instances {
		return out
	}
	for _, peer := range grantedPeers(m, c) {
		out = append(out, placesOf(m, peer, peer.Ports[0])...)
	}
	return out
}

// placesOf are the places of a peer: one pod, an address, or a name.
func placesOf(m *model.Model, peer egress.Peer, port egress.Port) []place {
	at := func(to string, address netip.Addr, host string) []place {
		return []place{{Connection{To: to, Address: address, Host: host, Port: port.Number}, peer, port}}
	}
	switch {
	case port.Number == 0 || peer.Unknown != "":
	case len(peer.Pods) > 0:
		for _, i := range peer.Pods {
			pod := m.Pod(i)
			if pod.Expected || pod.Phase != corev1.PodRunning || len(pod.Addresses) == 0 {
				continue
			}
			one := peer
			one.Pods = []int{i}
			return []place{{Connection{To: pod.Namespace + "/pod/" + pod.Name, Address: pod.Addresses[0], Port: port.Number}, one, port}}
		}
	case peer.APIServer != nil && peer.APIServer.Address.IsValid():
		return at("the API server", peer.APIServer.Address, "")
	case peer.Name != "" && !strings.Contains(peer.Name, "*") && len(validation.IsDNS1123Subdomain(peer.Name)) == 0:
		return at(peer.Name, netip.Addr{}, peer.Name)
	case peer.Address.IsValid():
		return at(peer.Address.String(), peer.Address, "")
	}
	return nil
}

// expected is the engine's verdict for a pod and a peer, which must be one of the model's.
func expected(m *model.Model, pod int, peer egress.Peer, port egress.Port) v1alpha1.Verdict {
	if m.Unsettled(pod) != "" || len(peer.Pods) > 0 && m.Unsettled(peer.Pods[0]) != "" {
		return v1alpha1.VerdictUnknown
	}
	answers := m.Ask(m.EndOf(pod, ""), peer, port)
	if len(answers) == 0 {
		return v1alpha1.VerdictUnknown
	}
	worst := v1alpha1.VerdictAllowed
	for _, answer := range answers {
		if answer.Decision.Verdict.WorseThan(worst) {
			worst = answer.Decision.Verdict
		}
	}
	return worst
}

// addService adds the address by which pods know the API server: Cilium takes the connection to one of the API servers, and
// policies see that one.
func (p *Plan) addService(m *model.Model, from opener) {
	s := m.Deriver().Service(corev1.NamespaceDefault, "kubernetes")
	if s == nil || len(s.Spec.Ports) == 0 {
		return
	}
	address, err := netip.ParseAddr(s.Spec.ClusterIP)
	if err != nil {
		return
	}
	var direct []Connection
	for _, peer := range m.Deriver().APIServers() {
		for _, port := range peer.Ports {
			direct = append(direct, Connection{Expected: expected(m, from.pod, peer, port)})
		}
	}
	if len(direct) == 0 {
		return
	}
	if verdict, alike := worst(direct); alike {
		p.add(clientOf(m, from.pod, from.name), Connection{
			To: "service/kubernetes", Address: address, Port: uint16(s.Spec.Ports[0].Port), Service: true, Expected: verdict,
		})
	}
}

// Known is the model as it can be asked about what the flags of the cluster's lockdown let out to.
func Known(m *model.Model, c *model.Cluster) (*model.Model, error) {
	peers := grantedPeers(m, c)
	if len(peers) == 0 {
		return m, nil
	}
	options := m.Options()
	options.Extra = options.Extra.And(model.Extra{Peers: peers})
	out, err := model.Next(m, m.Inventory(), options)
	if err != nil {
		return nil, fmt.Errorf("asking about what flags let out to: %w", err)
	}
	return out, nil
}

// grantedPeers are single addresses and names that flags of the cluster's lockdown let out to, with a port.
func grantedPeers(m *model.Model, c *model.Cluster) []egress.Peer {
	set, err := policyset.FromLive(c.Key(), assess.Managed(m, c))
	if err != nil {
		return nil // It was not locked down, or status says what is wrong with it.
	}
	var out []egress.Peer
	for _, g := range set.Grants {
		to, ok := g.Place()
		if !ok || len(to.Ports) == 0 {
			continue
		}
		number, _, _ := strings.Cut(to.Ports[0], "/")
		port, err := strconv.ParseUint(number, 10, 16)
		if err != nil {
			continue
		}
		peer := egress.Peer{Ports: []egress.Port{{Number: uint16(port), Protocol: corev1.ProtocolTCP}}}
		prefix, err := netip.ParsePrefix(to.CIDR)
		switch {
		case to.Name != "" && !strings.Contains(to.Name, "*"):
			peer.Name = to.Name
		case err == nil && prefix.IsSingleIP():
			peer.Address = prefix.Addr()
		default:
			continue
		}
		out = append(out, peer)
	}
	return out
}

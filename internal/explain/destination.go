package explain

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/egress"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// Destination is where a target is, and who wants to reach it. Get one from Find.
type Destination struct {
	Target Target
	Sender Sender
	// Ends are the other ends of the connections, all of which have to be reached.
	Ends []Destined
	// lookups are how names are resolved.
	lookups []Destined
	// extra are the pods that a model needs to be asked about the sender.
	extra []inventory.Pod
	// hidden says why the place of an address can't be told; empty when it can.
	hidden string
	Notes  []string
}

// Destined is one other end. It is one of several alternatives when Which says why it is not known which.
type Destined struct {
	Alternatives []Alternative
	Which        string
	// Advisory ends are not what the verdict is about.
	Advisory bool
}

// Alternative is a peer with at most one pod, and a port of it.
type Alternative struct {
	Peer egress.Peer
	Port egress.Port
	// Name is what to call it.
	Name string
}

// Find looks in the inventory for where the target is, for the cluster.
func Find(inv *inventory.Inventory, cluster *cnpgv1.Cluster, t Target, sender Sender) (Destination, error) {
	d := Destination{Target: t.In(cluster.Namespace), Sender: sender, extra: sender.extra(cluster)}
	deriver := egress.New(inv)
	for _, need := range deriver.Lookups() {
		d.lookups = append(d.lookups, destined(inv, "DNS", need.Peers, need.Which, need.Advisory)...)
	}
	var err error
	switch d.Target.form {
	case toAPIServer:
		peers, which := deriver.ToAPIServer()
		d.Ends = destined(inv, "the API server", peers, which, false)
	case toDNS:
		d.Ends = d.lookups
	case toService:
		err = d.findService(inv, deriver)
	case toPods:
		err = d.findPods(inv)
	case toHost:
		d.findHost(inv, deriver, cluster.Namespace)
	}
	return d, err
}

// Extra are what a model needs to be asked about the destination.
func (d Destination) Extra() model.Extra {
	extra := model.Extra{Pods: d.extra}
	for _, end := range slices.Concat(d.Ends, d.lookups) {
		for _, a := range end.Alternatives {
			extra.Peers = append(extra.Peers, a.Peer)
		}
	}
	return extra
}

// destined takes peers apart: each pod and each port is an end of its own, or an alternative.
func destined(inv *inventory.Inventory, called string, peers []egress.Peer, which string, advisory bool) []Destined {
	var all []Alternative
	for _, p := range peers {
		ports := p.Ports
		if len(ports) == 0 {
			ports = []egress.Port{{Protocol: corev1.ProtocolTCP}}
		}
		for _, port := range ports {
			if len(p.Pods) == 0 {
				all = append(all, Alternative{p, port, nameOf(p, called)})
			}
			for _, i := range p.Pods {
				one := p
				one.Pods = []int{i}
				all = append(all, Alternative{one, port, inv.Pods[i].Namespace + "/pod/" + inv.Pods[i].Name})
			}
		}
	}
	if which != "" {
		return []Destined{{all, which, advisory}}
	}
	var out []Destined
	for _, a := range all {
		out = append(out, Destined{[]Alternative{a}, "", advisory})
	}
	return out
}

func nameOf(p egress.Peer, called string) string {
	switch {
	case p.Name != "":
		return p.Name
	case p.APIServer != nil && p.APIServer.Address.IsValid() && p.APIServer.OnNode:
		return called + " on the node " + p.APIServer.Address.String()
	case p.APIServer != nil && p.APIServer.Address.IsValid():
		return called + " at " + p.APIServer.Address.String()
	case p.APIServer != nil && p.APIServer.OnNode:
		return called + " on a node"
	case p.APIServer != nil:
		return called + " outside the nodes"
	case p.Candidate != nil:
		return called + " in namespace " + p.Candidate.Namespace
	case p.Host:
		return called + " on the node"
	case p.Address.IsValid():
		return p.Address.String()
	}
	return called
}

// findService looks for a Service and its port. PostgreSQL's is meant when there is no other, or the only one.
func (d *Destination) findService(inv *inventory.Inventory, deriver *egress.Deriver) error {
	t := &d.Target
	s := deriver.Service(t.namespace, t.name)
	if s == nil {
		if reason := unseen(inv, "services"); reason != "" {
			return fmt.Errorf("the Service %q in namespace %q can't be looked up: %s", t.name, t.namespace, reason)
		}
		if inv.Origin == inventory.Manifests {
			return fmt.Errorf("there is no Service %q in namespace %q of the manifests: add it, or name the pods behind it", t.name, t.namespace)
		}
		return fmt.Errorf("there is no Service %q in namespace %q: '%s' lists what there is", t.name, t.namespace, command.Kubectl("get", "services").In(t.namespace))
	}
	var known []string
	postgres := false
	for _, p := range s.Spec.Ports {
		known = append(known, strconv.Itoa(int(p.Port)))
		postgres = postgres || p.Port == int32(cnpg.PostgresPort)
		if p.Name != "" && p.Name == t.port {
			t.port = strconv.Itoa(int(p.Port))
		}
	}
	switch {
	case t.port != "":
	case postgres:
		t.port = strconv.Itoa(int(cnpg.PostgresPort))
	case len(known) == 1:
		t.port = known[0]
	}
	number, err := strconv.ParseUint(t.port, 10, 16)
	switch {
	case t.port == "" && len(known) == 0:
		return fmt.Errorf("the Service %q in namespace %q has no port: name the pods behind it", t.name, t.namespace)
	case t.port == "":
		return fmt.Errorf("the port of %s is missing: it has %s, as in %s:%s", t.Name(), strings.Join(known, ", "), t.Name(), known[0])
	case err != nil:
		return fmt.Errorf("the Service %q in namespace %q has no port %q: it has %s", t.name, t.namespace, t.port, strings.Join(known, ", "))
	}
	d.Ends = destined(inv, t.Name(), deriver.Behind(s, uint16(number)), "", false)
	d.doubtAPIServer(deriver)
	return nil
}

// findPods looks for the pods of a pod or a workload.
func (d *Destination) findPods(inv *inventory.Inventory) error {
	t := &d.Target
	var known []string
	for i := range inv.Pods {
		pod := &inv.Pods[i]
		if !t.pods.Matches(pod) {
			continue
		}
		if t.port == "" && pod.Labels[cnpg.ClusterLabel] != "" {
			t.port = strconv.Itoa(int(cnpg.PostgresPort))
		}
		for _, p := range pod.NamedPorts {
			known = append(known, p.Name)
		}
		number, err := strconv.ParseUint(t.port, 10, 16)
		port := uint16(number)
		if err != nil {
			port = namedPort(pod, t.port)
		}
		peer := egress.Peer{Pods: []int{i}}
		if port == 0 {
			peer = egress.Peer{Unknown: fmt.Sprintf("pod %s/%s has no port called %q", pod.Namespace, pod.Name, t.port)}
		}
		d.Ends = append(d.Ends, Destined{Alternatives: []Alternative{{
			peer, egress.Port{Number: port, Protocol: corev1.ProtocolTCP}, pod.Namespace + "/pod/" + pod.Name,
		}}})
	}
	slices.Sort(known)
	known = slices.Compact(known)
	switch {
	case len(d.Ends) == 0:
		if reason := unseen(inv, "pods"); reason != "" {
			return fmt.Errorf("%s can't be looked up: %s", t.Name(), reason)
		}
		return fmt.Errorf("there is no pod of %s in namespace %q", t.pods.Name(), t.namespace)
	case t.port == "":
		return fmt.Errorf("the port of %s is missing: add it, as in %s:443", t.Name(), t.Name())
	case !slices.ContainsFunc(d.Ends, func(e Destined) bool { return e.Alternatives[0].Port.Number > 0 }):
		return fmt.Errorf("no port of %s is named %q: use a number, or one of %s", t.Name(), t.port, strings.Join(known, ", "))
	}
	return nil
}

// findHost looks for what is behind a name or an address.
func (d *Destination) findHost(inv *inventory.Inventory, deriver *egress.Deriver, namespace string) {
	number, err := strconv.ParseUint(d.Target.port, 10, 16)
	if err != nil {
		return // ParseTarget lets no other port pass.
	}
	d.Ends = destined(inv, d.Target.Name(), deriver.Host(namespace, d.Target.host, uint16(number)), "", false)
	d.doubtAPIServer(deriver)
	address, err := netip.ParseAddr(d.Target.host)
	if err != nil || len(d.Ends) != 1 || !d.Ends[0].Alternatives[0].Peer.Address.IsValid() {
		return
	}
	switch reason := unseen(inv, "pods", "services"); {
	case reason != "":
		d.hidden = fmt.Sprintf("whether %s is the address of a pod, a node or a Service can't be told: %s", address, reason)
	case inv.Origin == inventory.Manifests:
		d.Notes = append(d.Notes, fmt.Sprintf(
			"manifests have no addresses of pods and nodes: the answer is for %s outside the Kubernetes cluster", address))
	}
}

// doubtAPIServer takes the addresses of API servers for what policies take them for.
func (d *Destination) doubtAPIServer(deriver *egress.Deriver) {
	servers, which := deriver.ToAPIServer()
	for i := range d.Ends {
		end := &d.Ends[i]
		if len(end.Alternatives) != 1 || !end.Alternatives[0].Peer.Address.IsValid() {
			continue
		}
		was := end.Alternatives[0]
		var found []Alternative
		for _, server := range servers {
			if server.APIServer == nil || server.APIServer.Address == was.Peer.Address { // Of very many, it may be any.
				found = append(found, Alternative{server, was.Port, nameOf(server, "the API server")})
			}
		}
		if len(found) > 0 {
			end.Alternatives, end.Which = found, which
		}
	}
}

// unseen says why something could not be read of one of the resources; empty when all of it was.
func unseen(inv *inventory.Inventory, resources ...string) string {
	for _, missing := range slices.Concat(inv.Missing, inv.Unseen) {
		plural, _, _ := strings.Cut(missing.Resource, ".")
		if slices.Contains(resources, plural) {
			return missing.Message
		}
	}
	return ""
}

package explain

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// Rules by addresses are about the world: the agents know pods and nodes by their own identities, whose
// addresses no fromCIDR lets in, save with policy-cidr-match-mode
// (https://docs.cilium.io/en/stable/security/policy/language/#cidr-based).

// inhabitants are the first address in the prefix that is a pod's, with the pod, and the first that is a node's.
type inhabitants struct {
	pod     *inventory.Pod
	address netip.Addr
	node    netip.Addr
}

// inhabitantsOf looks at all pods of the inventory.
func inhabitantsOf(m *model.Model, prefix netip.Prefix) inhabitants {
	var in inhabitants
	for i := range m.Inventory().Pods {
		pod := m.Pod(i)
		nodes, own := inventory.AddressesOf(pod.HostIP), slices.Concat(pod.Addresses, m.Inventory().Endpoints[pod.Key()].Addresses)
		if pod.HostNetwork {
			nodes, own = append(nodes, own...), nil
		}
		if at := slices.IndexFunc(own, prefix.Contains); in.pod == nil && at >= 0 {
			in.pod, in.address = pod, own[at]
		}
		if at := slices.IndexFunc(nodes, prefix.Contains); !in.node.IsValid() && at >= 0 {
			in.node = nodes[at]
		}
	}
	return in
}

// IsAsked tells whether an identity is that of a part of the prefix that is the source.
func (q *Question) IsAsked(id *engine.Identity) bool {
	part, ok := id.Entity().Prefix()
	asked := q.Source.Prefix
	return ok && q.Source.form == formPrefix && part.Bits() >= asked.Bits() && asked.Contains(part.Addr())
}

// inside refuses the address of a pod or of a node, and notes that a prefix has some.
func (q *Question) inside(prefix netip.Prefix) error {
	in := inhabitantsOf(q.Model, prefix)
	switch {
	case in.pod != nil && prefix.IsSingleIP():
		name := in.pod.Namespace + "/pod/" + in.pod.Name
		return fmt.Errorf("%s is the address of pod %s/%s: ask about %s", in.address, in.pod.Namespace, in.pod.Name, name)
	case in.node.IsValid() && prefix.IsSingleIP():
		return fmt.Errorf("%s is the address of a node: ask about host for the instances on it, about remote-node for the others", in.node)
	}
	if in.pod != nil {
		q.Notes = append(q.Notes, fmt.Sprintf("%s has addresses of pods, such as %s of %s/pod/%s: the answer is not about them, ask about the pods",
			prefix, in.address, in.pod.Namespace, in.pod.Name))
	}
	if in.node.IsValid() {
		q.Notes = append(q.Notes, fmt.Sprintf("%s has addresses of nodes, such as %s: the answer is not about them, ask about host and remote-node", prefix, in.node))
	}
	for _, missing := range q.Model.Inventory().Missing {
		if missing.Resource == "pods" {
			q.Notes = append(q.Notes, fmt.Sprintf("pods have identities of their own, and whether one has the address can't be told: %s", missing.Message))
		}
	}
	return nil
}

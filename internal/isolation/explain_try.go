package isolation

import (
	"encoding/json"
	"slices"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// try asks the engine about the policies that are kept and those that are added: whether the
// source is let in and what is required stays allowed, and who else gets in.
func (m *Model) try(c *cluster, targets []goal, kept []inventory.Policy, added []policyset.Policy) (v1alpha1.Exposed, bool, error) {
	policies := slices.Clip(kept)
	for _, p := range added {
		read, err := asRead(p)
		if err != nil {
			return v1alpha1.Exposed{}, false, err
		}
		policies = append(policies, read)
	}
	after, err := m.With(policies)
	if err != nil {
		return v1alpha1.Exposed{}, false, err
	}
	if ingress, _ := after.denials(c, targets); len(ingress) > 0 {
		return v1alpha1.Exposed{}, false, nil
	}
	was, is := m.requiredFlows(c), after.requiredFlows(c)
	for i := range is {
		if worse(is[i].Verdict, was[i].Verdict) {
			return v1alpha1.Exposed{}, false, nil
		}
	}
	return m.gains(after, targets), true, nil
}

// asRead is the policy as it would be read back from the server.
func asRead(p policyset.Policy) (inventory.Policy, error) {
	text, err := json.Marshal(p.Object)
	if err != nil {
		return inventory.Policy{}, err
	}
	object := &ciliumv2.CiliumNetworkPolicy{}
	if err := json.Unmarshal(text, object); err != nil {
		return inventory.Policy{}, err
	}
	return inventory.Policy{PolicyReference: p.Reference(), Labels: p.Object.Labels, Annotations: p.Object.Annotations, Object: object}, nil
}

// gains is who can connect afterwards and could not before, the source aside.
func (m *Model) gains(after *Model, targets []goal) v1alpha1.Exposed {
	out := v1alpha1.Exposed{Clients: []v1alpha1.Client{}, Entities: []string{}}
	type client struct{ namespace, workload string }
	clients := map[client]int{}
	for _, p := range m.peers {
		opened := m.opened(after, p.identity, targets)
		if len(opened) == 0 {
			continue
		}
		for _, i := range p.pods {
			another := func(t goal) bool { return t.member.pod != i } // A pod always reaches itself.
			if m.isSource(i) || !slices.ContainsFunc(opened, another) {
				continue
			}
			pod := &m.inv.Pods[i]
			clients[client{pod.Namespace, pod.Workload.String()}]++
			out.Pods++
		}
	}
	for who, pods := range clients {
		out.Clients = append(out.Clients, v1alpha1.Client{Namespace: who.namespace, Workload: who.workload, Pods: pods})
	}
	slices.SortFunc(out.Clients, compareClients)
	for _, id := range after.outside {
		// A pod on its node's network is not all that the node is.
		source := slices.ContainsFunc(m.origins, func(o origin) bool { return o.identity == id && len(o.pods) == 0 })
		if !source && !m.isAsked(id) && len(m.opened(after, id, targets)) > 0 {
			out.Entities = append(out.Entities, id.Name())
		}
	}
	return out
}

// opened are the targets that the identity can connect to afterwards and could not before. Where Cilium
// manages nothing, everybody could.
func (m *Model) opened(after *Model, id *engine.Identity, targets []goal) []goal {
	var out []goal
	for _, t := range targets {
		if t.port != 0 && !m.unmanaged[t.pod.Key()] && after.gets(id, t) && !m.gets(id, t) {
			out = append(out, t)
		}
	}
	return out
}

// gets tells whether the identity can connect. Of what is no pod, policies govern the way in only.
func (m *Model) gets(id *engine.Identity, t goal) bool {
	d := m.engine.Decide(id, t.identity, t.port)
	if id.Namespace() == "" {
		return d.Ingress.Verdict == v1alpha1.VerdictAllowed
	}
	return d.Verdict == v1alpha1.VerdictAllowed
}

// isSource tells whether the pod is one of those that shall be let in.
func (m *Model) isSource(pod int) bool {
	return slices.ContainsFunc(m.origins, func(o origin) bool { return slices.Contains(o.pods, pod) })
}

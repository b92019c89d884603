package propose

import (
	"encoding/json"
	"slices"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// try asks the engine about the policies that are kept and those that are added: whether the
// source is let in and what is required stays allowed, and who else gets in. Required flows that are not allowed
// before nor afterwards are blocked: lockdown refuses as long as there are some.
func try(q *explain.Question, kept []inventory.Policy, added []policyset.Policy) (letsIn v1alpha1.Exposed, blocked []string, ok bool, err error) {
	other, err := with(q.Model, kept, added)
	if err != nil {
		return v1alpha1.Exposed{}, nil, false, err
	}
	after := *q
	after.Model = other
	if ingress, _ := denials(&after); len(ingress) > 0 {
		return v1alpha1.Exposed{}, nil, false, nil
	}
	if harms(q.Model, other, q.Cluster) {
		return v1alpha1.Exposed{}, nil, false, nil
	}
	for _, f := range assess.RequiredFlows(other, q.Cluster) {
		if !f.Advisory && f.Verdict != v1alpha1.VerdictAllowed {
			blocked = append(blocked, f.Name)
		}
	}
	slices.Sort(blocked)
	return gains(q, &after), slices.Compact(blocked), true, nil
}

// with is the model under the policies that are kept and those that are added.
func with(m *model.Model, kept []inventory.Policy, added []policyset.Policy) (*model.Model, error) {
	policies := slices.Clip(kept)
	for _, p := range added {
		read, err := asRead(p)
		if err != nil {
			return nil, err
		}
		policies = append(policies, read)
	}
	return m.With(policies)
}

// harms tells whether something that the cluster needs is worse off afterwards.
func harms(before, after *model.Model, c *model.Cluster) bool {
	was := v1alpha1.Verdicts(assess.RequiredFlows(before, c))
	return slices.ContainsFunc(assess.RequiredFlows(after, c), func(f v1alpha1.RequiredFlow) bool { return f.Verdict.WorseThan(was[f.Key()]) })
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
func gains(q, after *explain.Question) v1alpha1.Exposed {
	out := v1alpha1.Exposed{Clients: []v1alpha1.Client{}, Entities: []v1alpha1.Entity{}}
	type client struct{ namespace, workload string }
	clients := map[client]int{}
	for _, p := range q.Model.Peers() {
		opened := opened(q, after, p.Identity)
		if len(opened) == 0 {
			continue
		}
		for _, i := range p.Pods {
			another := func(t explain.Goal) bool { return t.Member.Pod != i } // A pod always reaches itself.
			if isSource(q, i) || !slices.ContainsFunc(opened, another) {
				continue
			}
			pod := q.Model.Pod(i)
			clients[client{pod.Namespace, pod.Workload.String()}]++
			out.Pods++
		}
	}
	for who, pods := range clients {
		out.Clients = append(out.Clients, v1alpha1.Client{Namespace: who.namespace, Workload: who.workload, Pods: pods})
	}
	slices.SortFunc(out.Clients, v1alpha1.Client.Compare)
	for _, id := range after.Model.Outside() {
		// A pod on its node's network is not all that the node is.
		source := slices.ContainsFunc(q.Origins, func(o explain.Origin) bool { return o.Identity == id && len(o.Pods) == 0 })
		if !source && !q.IsAsked(id) && len(opened(q, after, id)) > 0 {
			out.Entities = append(out.Entities, id.Entity())
		}
	}
	return out
}

// opened are the goals that the identity can connect to afterwards and could not before. Where Cilium
// manages nothing, everybody could.
func opened(q, after *explain.Question, id *engine.Identity) []explain.Goal {
	var out []explain.Goal
	for _, t := range q.Goals {
		if t.Port != 0 && !q.Model.IsUnmanaged(t.Member.Pod) && gets(after, id, t) && !gets(q, id, t) {
			out = append(out, t)
		}
	}
	return out
}

// gets tells whether the identity can connect. Of what is no pod, policies govern the way in only.
func gets(q *explain.Question, id *engine.Identity, t explain.Goal) bool {
	d := q.Model.Engine().Decide(id, t.Identity, t.Port)
	if id.Namespace() == "" {
		return d.Ingress.Verdict == v1alpha1.VerdictAllowed
	}
	return d.Verdict == v1alpha1.VerdictAllowed
}

// isSource tells whether the pod is one of those that shall be let in.
func isSource(q *explain.Question, pod int) bool {
	return slices.ContainsFunc(q.Origins, func(o explain.Origin) bool { return slices.Contains(o.Pods, pod) })
}

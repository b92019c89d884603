package explain

import (
	"fmt"

	"github.com/cilium/cilium/pkg/labels"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// Directions are the engine's answers, save where no engine is at work, or evidence is missing.
func (q *Question) Directions(o Origin, t Goal) (ingress, egress engine.Direction) {
	if o.far != nil {
		return q.directionsAcross(o, t)
	}
	d := q.Model.Engine().Decide(o.Identity, t.Identity, t.Port)
	ingress, egress = d.Ingress, q.wayOut(o, t)
	if o.apiServer {
		ingress, egress = q.fromAPIServer(t)
	}
	if q.Model.IsUnmanaged(t.Member.Pod) {
		ingress = engine.AllowedBecause(model.NotManaged)
	}
	if o.Prefix.IsValid() {
		ingress = q.doubtPrefix(o, t, ingress)
	}
	ingress = q.doubtLabels(o, t, ingress)
	if reason := q.blindness(t.Pod.Namespace); reason != "" {
		ingress = engine.UnknownBecause(reason)
	}
	if o.egress == "" && !o.node {
		if reason := q.blindness(o.Identity.Namespace()); reason != "" {
			egress = engine.UnknownBecause(reason)
		}
	}
	from := model.End{}
	if len(o.Pods) == 1 && !o.node {
		from = q.Model.EndOf(o.Pods[0], "pod "+q.Model.Pod(o.Pods[0]).Name)
	}
	doubted := doubtUnsettled(q.Model, from, q.Model.EndOf(t.Member.Pod, "pod "+t.Pod.Name), engine.Join(ingress, egress))
	return doubted.Ingress, doubted.Egress
}

// wayOut is the worst answer at the source for what the agents there may take the target for.
func (q *Question) wayOut(o Origin, t Goal) engine.Direction {
	from := o.Identity
	switch {
	case o.egress != "":
		return engine.AllowedBecause(o.egress)
	case o.node && !q.Model.Inventory().Settings.HostFirewall:
		return engine.AllowedBecause("Cilium's host firewall is off: no policy applies to nodes")
	case o.node:
		from = q.Model.Identities().Reserved(labels.IDNameHost)
	}
	var out engine.Direction
	for i, seen := range q.Model.SeenAs(q.Model.EndOf(t.Member.Pod, t.Pod.Name), model.End{Node: q.nodeOf(o)}) {
		one := q.Model.Engine().Decide(from, seen, t.Port).Egress
		if i == 0 || one.Verdict.WorseThan(out.Verdict) {
			out = one
		}
	}
	return out
}

// nodeOf is the address of the node that the source's pods run on; empty when they run on several, and
// where it is not known.
func (q *Question) nodeOf(o Origin) string {
	node := ""
	for at, i := range o.Pods {
		if ip := q.Model.Pod(i).HostIP; at == 0 {
			node = ip
		} else if ip != node {
			return ""
		}
	}
	return node
}

// fromAPIServer are the worst answers for the API servers as the pod sees them. What they open is restricted only
// where they connect by way of pods.
func (q *Question) fromAPIServer(t Goal) (ingress, egress engine.Direction) {
	host := q.Model.Identities().Reserved(labels.IDNameHost)
	to := q.Model.EndOf(t.Member.Pod, t.Pod.Name)
	for i, server := range q.Model.APIServers(t.Pod.HostIP) {
		one := q.Model.Between(server, to, t.Port)
		if server.Identity == nil || server.Identity.Name() != "" {
			one.Egress = engine.AllowedBecause(apiServerReason)
		}
		if one.Ingress.Verdict == v1alpha1.VerdictAllowed && server.Identity == host && one.Ingress.Builtin != "" {
			one.Ingress.Builtin = server.Name + ": " + one.Ingress.Builtin
		}
		if i == 0 || one.Ingress.Verdict.WorseThan(ingress.Verdict) {
			ingress = one.Ingress
		}
		if i == 0 || one.Egress.Verdict.WorseThan(egress.Verdict) {
			egress = one.Egress
		}
	}
	return ingress, egress
}

// doubtPrefix is for addresses that may be members of a CiliumCIDRGroup, which would change the answer.
func (q *Question) doubtPrefix(o Origin, t Goal, d engine.Direction) engine.Direction {
	if d.Verdict == v1alpha1.VerdictDenied && len(d.Rules) > 0 {
		return d // What a rule denies stays denied.
	}
	for _, id := range q.Model.Outside() {
		group, ok := id.Entity().CIDRGroup()
		if !ok {
			continue
		}
		if as := q.Model.Engine().Decide(id, t.Identity, t.Port).Ingress; as.Verdict != d.Verdict {
			return engine.Direction{
				Verdict: v1alpha1.VerdictUnknown, Rules: as.Rules,
				Reason: fmt.Sprintf("whether %s belongs to CiliumCIDRGroup %q can't be seen from here; its members are %s", prefixText(o.Prefix), group, as.Verdict),
			}
		}
	}
	return d
}

// blindness says why nothing is known about what the policies at pods of a namespace do; empty when
// nothing is missing. The namespace is empty for nodes.
func (q *Question) blindness(namespace string) string {
	if q.Model.NoAgent() {
		return "there is no sign of a Cilium agent in this Kubernetes cluster"
	}
	if !q.Model.EveryMemberHasEndpoint(q.Cluster) {
		for _, missing := range q.Model.MissingAt("namespaces", namespace) {
			return missing.Message
		}
	}
	return q.Model.Blind(namespace)
}

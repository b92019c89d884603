package isolation

import (
	"fmt"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// directions are the engine's answers, save where no engine is at work, or evidence is missing.
func (m *Model) directions(c *cluster, o origin, t goal) (ingress, egress engine.Direction) {
	d := m.engine.Decide(o.identity, t.identity, t.port)
	ingress, egress = d.Ingress, m.wayOut(o, t)
	if o.apiServer {
		ingress = m.fromAPIServer(t)
	}
	if m.unmanaged[t.pod.Key()] {
		ingress = allowedBecause(notManaged)
	}
	if o.prefix.IsValid() {
		ingress = m.doubtPrefix(o, t, ingress)
	}
	ingress = m.doubtLabels(o, t, ingress)
	if reason := m.blindness(c, t.pod.Namespace); reason != "" {
		ingress = unknownBecause(reason)
	}
	if o.egress == "" && !o.node {
		if reason := m.blindness(c, o.identity.Namespace()); reason != "" {
			egress = unknownBecause(reason)
		}
	}
	return ingress, egress
}

// wayOut is the worst answer at the source for what the agents there may take the target for.
func (m *Model) wayOut(o origin, t goal) engine.Direction {
	from := o.identity
	switch {
	case o.egress != "":
		return allowedBecause(o.egress)
	case o.node && !m.inv.Settings.HostFirewall:
		return allowedBecause("Cilium's host firewall is off: no policy applies to nodes")
	case o.node:
		from = m.identities.Reserved("host")
	}
	var out engine.Direction
	for i, seen := range m.seenAs(m.endOf(t.member.pod, t.pod.Name), end{node: m.nodeOf(o)}) {
		one := m.engine.Decide(from, seen, t.port).Egress
		if i == 0 || worse(one.Verdict, out.Verdict) {
			out = one
		}
	}
	return out
}

// nodeOf is the address of the node that the source's pods run on; empty when they run on several, and
// where it is not known.
func (m *Model) nodeOf(o origin) string {
	node := ""
	for at, i := range o.pods {
		if ip := m.inv.Pods[i].HostIP; at == 0 {
			node = ip
		} else if ip != node {
			return ""
		}
	}
	return node
}

// fromAPIServer is the worst answer for the API servers as the pod sees them.
func (m *Model) fromAPIServer(t goal) engine.Direction {
	var out engine.Direction
	for i, server := range m.apiServers(m.lookup.apiServerNodes, t.pod.HostIP) {
		one := m.engine.Decide(server.identity, t.identity, t.port).Ingress
		if one.Verdict == v1alpha1.VerdictAllowed && server.identity == m.identities.Reserved("host") && one.Builtin != "" {
			one.Builtin = server.name + ": " + one.Builtin
		}
		if i == 0 || worse(one.Verdict, out.Verdict) {
			out = one
		}
	}
	return out
}

func unknownBecause(reason string) engine.Direction {
	return engine.Direction{Verdict: v1alpha1.VerdictUnknown, Reason: reason}
}

func allowedBecause(reason string) engine.Direction {
	return engine.Direction{Verdict: v1alpha1.VerdictAllowed, Builtin: reason}
}

// doubtPrefix is for addresses that may be members of a CiliumCIDRGroup, which would change the answer.
func (m *Model) doubtPrefix(o origin, t goal, d engine.Direction) engine.Direction {
	if d.Verdict == v1alpha1.VerdictDenied && len(d.Rules) > 0 {
		return d // What a rule denies stays denied.
	}
	for _, id := range m.outside {
		group, ok := strings.CutPrefix(id.Name(), "cidr-group:")
		if !ok {
			continue
		}
		if as := m.engine.Decide(id, t.identity, t.port).Ingress; as.Verdict != d.Verdict {
			return engine.Direction{
				Verdict: v1alpha1.VerdictUnknown, Rules: as.Rules,
				Reason: fmt.Sprintf("whether %s belongs to CiliumCIDRGroup %q can't be seen from here; its members are %s", prefixText(o.prefix), group, as.Verdict),
			}
		}
	}
	return d
}

// blindness says why nothing is known about what the policies at pods of a namespace do; empty when
// nothing is missing. The namespace is empty for nodes.
func (m *Model) blindness(c *cluster, namespace string) string {
	if m.noAgent() {
		return "there is no sign of a Cilium agent in this Kubernetes cluster"
	}
	resources := []string{"manifests", "ciliumnetworkpolicies", "ciliumclusterwidenetworkpolicies", "networkpolicies"}
	if m.inv.Settings.ClusterNetworkPolicy {
		resources = append(resources, "clusternetworkpolicies")
	}
	if !m.everyMemberHasEndpoint(c) {
		resources = append(resources, "namespaces")
	}
	for _, resource := range resources {
		for _, missing := range m.missingAt(resource, namespace) {
			return missing.Message
		}
	}
	return ""
}

// missingAt is the missing evidence about a kind in a namespace.
func (m *Model) missingAt(resource, namespace string) []inventory.Missing {
	var out []inventory.Missing
	for _, missing := range m.inv.Missing {
		plural, _, _ := strings.Cut(missing.Resource, ".")
		only, others := strings.CutPrefix(missing.Namespace, "!")
		covered := missing.Namespace == "" || others && only != namespace || missing.Namespace == namespace
		if plural == resource && covered {
			out = append(out, missing)
		}
	}
	return out
}

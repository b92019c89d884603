package isolation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
)

// The names of the required flows.
const (
	FlowOperator       = "operator"
	FlowReplication    = "replication"
	FlowIsolationCheck = "isolation-check"
	FlowPooler         = "pooler"
	FlowAPIServer      = "api-server"
)

// requiredFlows asks for every connection that CloudNativePG needs (see its pkg/management/url and
// pkg/specs): from each possible source to each instance, as roles change at every failover.
func (m *Model) requiredFlows(c *cluster) []v1alpha1.RequiredFlow {
	instances := m.ends(c.instances())
	next := end{identity: c.nextInstance, name: "the next instance"}
	peers := slices.Concat(instances, []end{next})
	replication := m.flow(FlowReplication, "instances and join jobs", cnpg.PostgresPort, slices.Concat(peers, []end{{identity: c.joinJob, name: "the next join job"}}), peers)
	isolationCheck := m.flow(FlowIsolationCheck, "instances", cnpg.StatusPort, peers, peers)
	replication.Advisory, isolationCheck.Advisory = c.alone(), c.alone()
	flows := []v1alpha1.RequiredFlow{m.operatorFlow(peers), replication, isolationCheck}
	if poolers := m.poolerEnds(c); len(poolers) > 0 {
		flows = append(flows, m.flow(FlowPooler, "poolers", cnpg.PostgresPort, poolers, peers))
	}
	return append(flows, m.apiServerFlow(c))
}

// operatorFlow is allowed when every operator can reach the instances. When only some can, nobody
// here knows which of them looks after the cluster.
func (m *Model) operatorFlow(targets []end) v1alpha1.RequiredFlow {
	if len(m.operators) == 0 {
		return v1alpha1.RequiredFlow{
			Name: FlowOperator, From: "operator", Port: cnpg.StatusPort, Verdict: v1alpha1.VerdictUnknown,
			Policies: []v1alpha1.PolicyReference{}, Message: "no CloudNativePG operator was found; name its namespace with --operator-namespace",
		}
	}
	var all v1alpha1.RequiredFlow
	var verdicts, namespaces []string
	for i, op := range m.operators {
		namespaces = append(namespaces, op.Namespace)
		f := m.flow(FlowOperator, "operator", cnpg.StatusPort, op.ends, targets)
		verdicts = append(verdicts, fmt.Sprintf("%s from %q", f.Verdict, op.Namespace))
		if i == 0 {
			all = f
			continue
		}
		all.Policies = append(all.Policies, f.Policies...)
		if f.Verdict != all.Verdict {
			all.Verdict = v1alpha1.VerdictUnknown
		}
	}
	all.From = fmt.Sprintf("operator (%s)", strings.Join(namespaces, ", "))
	if all.Verdict == v1alpha1.VerdictUnknown && len(m.operators) > 1 {
		all.Message = fmt.Sprintf("more than one operator (%s); say which one with --operator-namespace", strings.Join(verdicts, ", "))
	}
	return all
}

// flow is denied when one of its connections is, unknown when one of them is and none is denied.
func (m *Model) flow(name, from string, port uint16, sources, targets []end) v1alpha1.RequiredFlow {
	f := v1alpha1.RequiredFlow{Name: name, From: from, Port: port, Verdict: v1alpha1.VerdictAllowed, Policies: []v1alpha1.PolicyReference{}}
	deciding := map[v1alpha1.Verdict][]v1alpha1.PolicyReference{}
	for _, source := range sources {
		for _, target := range targets {
			if source == target {
				continue // A pod always reaches itself.
			}
			d := m.between(source, target, port)
			deciding[d.Verdict] = append(deciding[d.Verdict], d.Policies()...)
			if worse(d.Verdict, f.Verdict) {
				f.Verdict = d.Verdict
				f.Message = explainFlow(source, target, port, d)
			}
		}
	}
	f.Policies = append(f.Policies, uniquePolicies(deciding[f.Verdict])...)
	return f
}

func explainFlow(source, target end, port uint16, d engine.Decision) string {
	at, direction := d.Ingress, "into "+target.name
	if d.Ingress.Verdict != d.Verdict {
		at, direction = d.Egress, "out of "+source.name
	}
	connection := fmt.Sprintf("%s → %s:%d", source.name, target.name, port)
	switch {
	case at.Reason != "":
		return fmt.Sprintf("%s: %s", connection, at.Reason)
	case len(at.Rules) > 0:
		return fmt.Sprintf("%s is denied %s by %s of %s", connection, direction, at.Rules[0].Path, at.Rules[0].PolicyReference)
	case source.peculiarity() != "":
		return fmt.Sprintf("%s: nothing allows it %s: %s", connection, direction, source.peculiarity())
	default:
		return fmt.Sprintf("%s: nothing allows it %s", connection, direction)
	}
}

func worse(a, b v1alpha1.Verdict) bool {
	rank := map[v1alpha1.Verdict]int{v1alpha1.VerdictAllowed: 0, v1alpha1.VerdictUnknown: 1, v1alpha1.VerdictDenied: 2}
	return rank[a] > rank[b]
}

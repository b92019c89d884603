package assess

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// RequiredFlows asks for every connection that CloudNativePG needs (see its pkg/management/url and
// pkg/specs): from each possible source to each instance, as roles change at every failover. There
// are none for a cluster that is not in the model.
func RequiredFlows(m *model.Model, c *model.Cluster) []v1alpha1.RequiredFlow {
	if c == nil {
		return nil
	}
	instances := m.Ends(c.Instances())
	next := model.End{Identity: c.NextInstance, Name: "the next instance"}
	peers := slices.Concat(instances, []model.End{next})
	replication := flow(m, v1alpha1.FlowReplication, "instances and join jobs", cnpg.PostgresPort, slices.Concat(peers, []model.End{{Identity: c.JoinJob, Name: "the next join job"}}), peers)
	isolationCheck := flow(m, v1alpha1.FlowIsolationCheck, "instances", cnpg.StatusPort, peers, peers)
	replication.Advisory, isolationCheck.Advisory = c.Alone(), c.Alone()
	flows := []v1alpha1.RequiredFlow{operatorFlow(m, peers), replication, isolationCheck}
	if poolers := m.PoolerEnds(c); len(poolers) > 0 {
		flows = append(flows, flow(m, v1alpha1.FlowPooler, "poolers", cnpg.PostgresPort, poolers, peers))
	}
	flows = append(flows, apiServerFlow(m, c))
	for _, n := range neededFlows(m, c) {
		flows = append(flows, n.flow)
	}
	return flows
}

// operatorFlow is allowed when every operator can reach the instances. When only some can, nobody
// here knows which of them looks after the cluster.
func operatorFlow(m *model.Model, targets []model.End) v1alpha1.RequiredFlow {
	if len(m.Operators()) == 0 {
		return v1alpha1.RequiredFlow{
			Name: v1alpha1.FlowOperator, From: "operator", Port: cnpg.StatusPort, Verdict: v1alpha1.VerdictUnknown,
			Policies: []v1alpha1.PolicyReference{}, Message: "no CloudNativePG operator was found; name its namespace with --operator-namespace",
		}
	}
	var all v1alpha1.RequiredFlow
	var verdicts, namespaces []string
	for i, op := range m.Operators() {
		namespaces = append(namespaces, op.Namespace)
		f := flowOf(m, op, targets)
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
	if all.Verdict == v1alpha1.VerdictUnknown && len(m.Operators()) > 1 {
		all.Message = fmt.Sprintf("more than one operator (%s); say which one with --operator-namespace", strings.Join(verdicts, ", "))
	}
	return all
}

// flow is denied when one of its connections is, unknown when one of them is and none is denied.
func flow(m *model.Model, name, from string, port uint16, sources, targets []model.End) v1alpha1.RequiredFlow {
	f := v1alpha1.RequiredFlow{Name: name, From: from, Port: port, Verdict: v1alpha1.VerdictAllowed, Policies: []v1alpha1.PolicyReference{}}
	deciding, last := map[v1alpha1.Verdict][]v1alpha1.PolicyReference{}, map[v1alpha1.Verdict][]v1alpha1.PolicyReference{}
	for _, source := range sources {
		for _, target := range targets {
			if source == target {
				continue // A pod always reaches itself.
			}
			d := throughProxy(m, m.Between(source, target, port))
			if policies := d.Policies(); !slices.Equal(policies, last[d.Verdict]) { // Neighbours are alike, and may have thousands.
				last[d.Verdict] = policies
				deciding[d.Verdict] = append(deciding[d.Verdict], policies...)
			}
			if d.Verdict.WorseThan(f.Verdict) {
				f.Verdict = d.Verdict
				f.Message = explainFlow(source, target, port, d)
			}
		}
	}
	f.Policies = append(f.Policies, engine.Unique(deciding[f.Verdict])...)
	return f
}

func explainFlow(source, target model.End, port uint16, d engine.Decision) string {
	at, direction := d.Ingress, "into "+target.Name
	if d.Ingress.Verdict != d.Verdict {
		at, direction = d.Egress, "out of "+source.Name
	}
	connection := fmt.Sprintf("%s → %s:%d", source.Name, target.Name, port)
	if port == 0 {
		connection = fmt.Sprintf("%s → %s", source.Name, target.Name)
	}
	switch {
	case at.Reason != "":
		return fmt.Sprintf("%s: %s", connection, at.Reason)
	case len(at.Rules) > 0:
		return fmt.Sprintf("%s is denied %s by %s of %s", connection, direction, at.Rules[0].Path, at.Rules[0].PolicyReference)
	case source.Peculiarity() != "":
		return fmt.Sprintf("%s: nothing allows it %s: %s", connection, direction, source.Peculiarity())
	default:
		return fmt.Sprintf("%s: nothing allows it %s", connection, direction)
	}
}

package assess

import (
	"fmt"

	"github.com/cilium/cilium/pkg/option"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// otherVersion is about a policy that the agents may take otherwise than the engine does.
func otherVersion(p *engine.Policy) v1alpha1.Finding {
	return finding(v1alpha1.EngineVersion, v1alpha1.SeverityError,
		fmt.Sprintf("what %s does can't be said by the engine of Cilium %s: %s", p.Called(), engine.Version, p.Unreadable),
		command.Words("Write the policy so that all versions read it alike, or update the agents; until then, connections tell."))
}

// versionFindings are about settings and kinds that the agents' version treats otherwise than the engine's.
func versionFindings(m *model.Model, c *model.Cluster, _ *v1alpha1.IsolationReport) []v1alpha1.Finding {
	settings := m.Inventory().Settings
	if !settings.Version.Before(1, 20) {
		return nil
	}
	var out []v1alpha1.Finding
	if settings.EnablePolicy == option.AlwaysEnforce && settings.AllowLocalhost != option.AllowLocalhostPolicy {
		out = append(out, finding(v1alpha1.EngineVersion, v1alpha1.SeverityWarning,
			fmt.Sprintf("with enable-policy: always, Cilium %s lets in the local host at pods that no policy selects, and the engine, of %s, does not: the host's connections to such pods are unknown here",
				settings.Version, engine.Version), command.Text{}))
	}
	tiers := 0
	for _, i := range m.Engine().PoliciesFor("") {
		if p := &m.Inventory().Policies[i]; p.Kind == v1alpha1.ClusterNetworkPolicy && p.Refused == "" {
			tiers++
		}
	}
	if tiers > 0 {
		out = append(out, finding(v1alpha1.EngineVersion, v1alpha1.SeverityWarning,
			fmt.Sprintf("Cilium %s does not know ClusterNetworkPolicy, and enforces none of the %d that are there; from 1.20 on it can", settings.Version, tiers),
			command.Words("Before the agents are updated, look what changes: they are enforced with enable-k8s-cluster-network-policy.")))
	}
	return out
}

// takenOtherwise are the cluster's pods with a policy that the agents may take otherwise than the engine.
func takenOtherwise(m *model.Model, c *model.Cluster) map[string]bool {
	out := map[string]bool{}
	policies := m.Engine().Policies()
	for _, i := range m.Engine().PoliciesFor(c.Object.Namespace) {
		if !policies[i].OtherVersion {
			continue
		}
		for _, member := range c.Members {
			if policies[i].WouldSelect(member.Identity) {
				out[m.Pod(member.Pod).Name] = true
			}
		}
	}
	return out
}

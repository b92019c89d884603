package assess

import (
	"fmt"
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// mesh is a service mesh that takes connections to its own port at a pod, and carries them on to any other
// port of that pod, where no policy sees them.
type mesh struct {
	name string
	// ports are those that its proxies connect to.
	ports []uint16
	// leave says how pods are taken out of it.
	leave string
}

const ambientLabel = "istio.io/dataplane-mode"

// meshOf is the mesh that a pod is in, by its own labels and those of its namespace; false when nothing says
// that it is in one. Ports: ztunnel's HBONE is 15008, sidecars of Istio listen on 15006 and 15008
// (https://istio.io/latest/docs/ops/deployment/application-requirements/), those of Linkerd on 4143
// (https://linkerd.io/2/reference/proxy-configuration/).
func meshOf(c *model.Cluster, pod *inventory.Pod, namespace map[string]string) (mesh, bool) {
	mode := pod.Labels[ambientLabel]
	if mode == "" {
		mode = namespace[ambientLabel]
	}
	inject := pod.Labels["sidecar.istio.io/inject"]
	byNamespace := pod.Expected && (namespace["istio-injection"] == "enabled" || namespace["istio.io/rev"] != "" && mode != "ambient")
	linkerd := pod.Expected && c.Object.Spec.InheritedMetadata != nil && c.Object.Spec.InheritedMetadata.Annotations["linkerd.io/inject"] == "enabled"
	switch {
	case pod.Labels["security.istio.io/tlsMode"] == "istio", pod.Expected && inject == "true", byNamespace && inject != "false":
		return mesh{"Istio's sidecar", []uint16{15006, 15008}, "sidecar.istio.io/inject: \"false\" in inheritedMetadata.labels"}, true
	case mode == "ambient":
		return mesh{"Istio's ambient mesh", []uint16{15008}, ambientLabel + ": none in inheritedMetadata.labels"}, true
	case pod.Labels["linkerd.io/control-plane-ns"] != "", linkerd:
		return mesh{"Linkerd's sidecar", []uint16{4143}, "linkerd.io/inject: disabled in inheritedMetadata.annotations"}, true
	}
	return mesh{}, false
}

// meshFindings are about members that somebody reaches through a mesh who can't connect to PostgreSQL's own
// port: what the mesh itself lets through is not visible to policies.
func meshFindings(m *model.Model, c *model.Cluster, _ *v1alpha1.IsolationReport) []v1alpha1.Finding {
	if !m.Enforces() {
		return nil
	}
	type group struct {
		mesh
		members []model.Member
	}
	var groups []*group
	namespace := m.NamespaceLabels(c.Object.Namespace)
	for _, member := range c.Members {
		found, ok := meshOf(c, m.Pod(member.Pod), namespace)
		if !ok || member.Role == v1alpha1.RoleJob {
			continue
		}
		at := slices.IndexFunc(groups, func(g *group) bool { return g.name == found.name })
		if at < 0 {
			at, groups = len(groups), append(groups, &group{mesh: found})
		}
		groups[at].members = append(groups[at].members, member)
	}
	var out []v1alpha1.Finding
	for _, g := range groups {
		for _, port := range g.ports {
			who, policies, open := bypass(m, c, m.Target(port, g.members), m.Target(cnpg.PostgresPort, g.members))
			if !open {
				continue
			}
			var names []string
			for _, member := range g.members {
				names = append(names, m.Pod(member.Pod).Name)
			}
			out = append(out, finding(v1alpha1.MeshBypass, v1alpha1.SeverityError,
				fmt.Sprintf("%s carries connections to port %d of %s on to PostgreSQL, where no policy sees them: %s can connect to that port and not to %d (%s)",
					g.name, port, pods(names), who, cnpg.PostgresPort, because(policies)),
				command.Wordsf("Let in to port %d only who may connect to %d, or take the database out of the mesh: %s of the Cluster.", port, cnpg.PostgresPort, g.leave)))
		}
	}
	return out
}

func because(policies []v1alpha1.PolicyReference) string {
	if len(policies) == 0 {
		return "no policy restricts it"
	}
	return names(policies)
}

// bypass finds somebody who can connect to one target and not to the other: pods, or an entity.
func bypass(m *model.Model, c *model.Cluster, through, to model.Target) (who string, policies []v1alpha1.PolicyReference, open bool) {
	if len(through.Identities) == 0 {
		return "", nil, false
	}
	gate, door := answersOf(m, c, through, &dependencies{}), answersOf(m, c, to, &dependencies{})
	for i, peer := range m.Peers() {
		if gate.of(i) != v1alpha1.VerdictAllowed || door.of(i) != v1alpha1.VerdictDenied {
			continue
		}
		if strangers := m.Strangers(c, peer); len(strangers) > 0 {
			client := m.WorkloadOf(strangers[0])
			_, policies = gate.decide(i)
			return client.Namespace + "/" + client.Workload, policies, true
		}
	}
	var entities distinct
	for _, id := range m.OutsideOf(through) {
		if decided, ok := passes(m, id, through, to); ok && !slices.Contains(model.SeldomNamed(), id.Entity()) {
			entities.add(string(id.Entity()))
			policies = append(policies, decided...)
		}
	}
	return entities.few(), engine.Unique(policies), len(entities.names) > 0
}

func passes(m *model.Model, id *engine.Identity, through, to model.Target) ([]v1alpha1.PolicyReference, bool) {
	verdict, policies := m.Decide(id, through)
	return policies, verdict == v1alpha1.VerdictAllowed && m.Reaches(id, to) == v1alpha1.VerdictDenied
}

package assess

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// tolerable is missing evidence without which the verdicts on a cluster still hold. It is
// reported all the same.
func tolerable(m *model.Model, missing inventory.Missing, c *model.Cluster) bool {
	if !missing.Covers(c.Object.Namespace) {
		// Other namespaces can't be read: who can connect is incomplete, what holds at the
		// cluster's own pods is not.
		return true
	}
	switch missing.Plural() {
	case inventory.ClientsResource, "ciliumcidrgroups", "configmaps", "daemonsets", "deployments", "mutatingwebhookconfigurations", "poolers", "ciliumendpoints", "services":
		return true
	case "namespaces":
		// The agent's own identities hold the namespaces' labels.
		return len(c.Members) > 0 && m.EveryMemberHasEndpoint(c)
	case "clusternetworkpolicies":
		return !m.Inventory().Settings.ClusterNetworkPolicy
	}
	return false
}

// evidenceFindings are the findings about what could not be seen.
func evidenceFindings(m *model.Model, c *model.Cluster, _ *v1alpha1.IsolationReport) []v1alpha1.Finding {
	var out []v1alpha1.Finding
	for _, missing := range m.MissingFor(c.Object.Namespace) {
		if elsewhere(missing, c.Object.Namespace) {
			continue
		}
		severity := v1alpha1.SeverityError
		if tolerable(m, missing, c) {
			severity = v1alpha1.SeverityWarning
		}
		out = append(out, v1alpha1.Finding{
			Code: codeOf(missing.Reason), Severity: severity, Message: missing.Message, Remedy: missing.Remedy, At: document(missing),
		})
	}
	out = saidOnce(out)
	if m.NoAgent() {
		out = append(out, v1alpha1.Finding{
			Code: v1alpha1.EvidenceMissing, Severity: v1alpha1.SeverityError,
			Message: "there is no sign of a Cilium agent: no cilium-config, no DaemonSet labelled k8s-app=cilium and no CiliumEndpoint",
			Remedy:  command.Words("Install Cilium, or let this user read its ConfigMap and its DaemonSet."),
		})
	}
	if len(c.Members) == 0 && !leftOut(m, c) {
		out = append(out, v1alpha1.Finding{
			Code: v1alpha1.EvidenceMissing, Severity: v1alpha1.SeverityError,
			Message: "no pod of the cluster could be seen",
			Remedy:  command.Run(command.Kubectl("get", "pods").In(c.Object.Namespace).With("-l", cnpg.ClusterLabel+"="+c.Object.Name)),
		})
	}
	if !m.Inventory().Settings.Found && m.Inventory().Origin == inventory.Live && !missesSettings(m) {
		out = append(out, v1alpha1.Finding{
			Code: v1alpha1.EvidenceMissing, Severity: v1alpha1.SeverityWarning,
			Message: "the ConfigMap cilium-config was not found: Cilium's defaults are assumed (enable-policy: default, cluster-name: default)",
		})
	}
	return slices.Concat(out, labelFindings(m, c), unsettledFindings(m, c))
}

// leftOut tells whether something too large may be why no pod of the cluster was seen.
func leftOut(m *model.Model, c *model.Cluster) bool {
	return slices.ContainsFunc(m.MissingFor(c.Object.Namespace), func(missing inventory.Missing) bool {
		return missing.Reason == inventory.TooLarge && !tolerable(m, missing, c)
	})
}

func missesSettings(m *model.Model) bool {
	for _, missing := range m.Inventory().Missing {
		if missing.Plural() == "configmaps" {
			return true
		}
	}
	return false
}

// labelFindings point out the pods whose identity the agent derives from other labels than the
// pod's own: its option labels filters some, or the pod has changed.
func labelFindings(m *model.Model, c *model.Cluster) []v1alpha1.Finding {
	var out []v1alpha1.Finding
	for _, member := range c.Members {
		pod := m.Pod(member.Pod)
		if _, ok := m.Inventory().Endpoints[pod.Key()]; !ok {
			continue
		}
		known := map[string]bool{}
		for _, l := range member.Identity.Labels() {
			known[l] = true
		}
		var lacking []string
		for _, key := range []string{cnpg.ClusterLabel, cnpg.PodRoleLabel} {
			if value, ok := pod.Labels[key]; ok && !known["k8s:"+key+"="+value] {
				lacking = append(lacking, key)
			}
		}
		if len(lacking) > 0 {
			out = append(out, v1alpha1.Finding{
				Code: v1alpha1.EvidenceMissing, Severity: v1alpha1.SeverityWarning,
				Message: fmt.Sprintf("the identity that Cilium gave to pod %q lacks the pod's label %s: policies can't select it by that", pod.Name, strings.Join(lacking, ", ")),
				Remedy:  command.Words("Add the label to Cilium's option labels, or wait until the agent has seen the pod's change."),
			})
		}
	}
	return out
}

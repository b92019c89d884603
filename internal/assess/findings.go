package assess

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

const managedByLabel = policyset.LabelManagedBy

// findings are ordered by severity, then as the rules below find them.
func findings(m *model.Model, c *model.Cluster, r *v1alpha1.IsolationReport) []v1alpha1.Finding {
	out := []v1alpha1.Finding{}
	for _, rule := range []func(*model.Model, *model.Cluster, *v1alpha1.IsolationReport) []v1alpha1.Finding{
		evidenceFindings,
		enforcementFindings,
		versionFindings,
		flowFindings,
		needFindings,
		policyFindings,
		openFindings,
		worldFindings,
		serviceFindings,
		meshFindings,
		labelledFindings,
		statusPortFindings,
		l7Findings,
		nobodyFindings,
		unsureFindings,
		setFindings,
		unansweredFindings,
		overdueFindings,
		operatorFindings,
		bystanderFindings,
	} {
		out = append(out, rule(m, c, r)...)
	}
	slices.SortStableFunc(out, func(a, b v1alpha1.Finding) int { return cmp.Compare(rankOf(a), rankOf(b)) })
	return placed(m, c, out)
}

func rankOf(f v1alpha1.Finding) int {
	return map[v1alpha1.Severity]int{v1alpha1.SeverityError: 0, v1alpha1.SeverityWarning: 1, v1alpha1.SeverityInfo: 2}[f.Severity]
}

func enforcementFindings(m *model.Model, c *model.Cluster, _ *v1alpha1.IsolationReport) []v1alpha1.Finding {
	var out []v1alpha1.Finding
	s := m.Inventory().Settings
	switch {
	case s.AuditMode:
		out = append(out, finding(v1alpha1.EnforcementDisabled, v1alpha1.SeverityError,
			"Cilium runs in audit mode (policy-audit-mode): it logs what policies deny and drops nothing",
			command.Words("Set policyAuditMode=false in Cilium's Helm values and restart the agents.")))
	case s.EnablePolicy == "never":
		out = append(out, finding(v1alpha1.EnforcementDisabled, v1alpha1.SeverityError,
			"Cilium enforces no policies (enable-policy: never)",
			command.Words("Set policyEnforcementMode=default in Cilium's Helm values and restart the agents.")))
	}
	var unmanaged []string
	for _, member := range c.Members {
		if pod := m.Pod(member.Pod); m.IsUnmanaged(member.Pod) {
			unmanaged = append(unmanaged, pod.Name)
		}
	}
	if len(unmanaged) > 0 {
		out = append(out, finding(v1alpha1.NotManagedByCilium, v1alpha1.SeverityError,
			fmt.Sprintf("Cilium does not manage %s: no policy is enforced there", pods(unmanaged)),
			command.Words("Restart the pods: those that started before the agent are taken over then.")))
	}
	var onNodes []string
	for _, member := range c.OnNodes {
		onNodes = append(onNodes, m.Pod(member.Pod).Name)
	}
	if len(onNodes) > 0 {
		out = append(out, finding(v1alpha1.NotManagedByCilium, v1alpha1.SeverityError,
			fmt.Sprintf("policies for pods do not select %s, on the network of the node: the instances take it for the node", pods(onNodes)),
			command.Words("Remove hostNetwork from the template of the pods.")))
	}
	return out
}

// policyFindings are about policies that do not do what they say.
func policyFindings(m *model.Model, c *model.Cluster, _ *v1alpha1.IsolationReport) []v1alpha1.Finding {
	var out []v1alpha1.Finding
	for _, index := range m.Engine().PoliciesFor(c.Object.Namespace) {
		p, read := &m.Inventory().Policies[index], &m.Engine().Policies()[index]
		if !Concerns(m, c, read) {
			continue
		}
		switch {
		case read.OtherVersion:
			out = append(out, at(otherVersion(read), fieldOf(read.PolicyReference, "")))
			continue // What the engine's version makes of it is not the question.
		case read.Unreadable != "":
			out = append(out, at(finding(v1alpha1.PolicyInvalid, v1alpha1.SeverityError,
				fmt.Sprintf("%s can't be read, so nobody here can say what it does: %s", read.Called(), read.Unreadable), unreadableRemedy(read)), fieldOf(read.PolicyReference, "")))
		case read.Refused:
			out = append(out, at(finding(v1alpha1.PolicyInvalid, v1alpha1.SeverityError,
				fmt.Sprintf("the API server refuses %s, so that nothing of it is enforced: %s", read.Called(), read.Message), unreadableRemedy(read)), fieldsOf(read.PolicyReference, p.RefusedAt)...))
		case !read.Valid:
			out = append(out, at(finding(v1alpha1.PolicyInvalid, v1alpha1.SeverityError,
				fmt.Sprintf("Cilium refuses %s and enforces nothing of it: %s", read.Called(), reason(read.Message)), invalidRemedy(m, c, read)), fieldOf(read.PolicyReference, "")))
		}
		if len(p.IgnoredFields) > 0 {
			out = append(out, at(finding(v1alpha1.PolicyIgnoredField, v1alpha1.SeverityError,
				fmt.Sprintf("%s has fields that are in no schema and are dropped: %s; a selector that loses its content this way matches every pod of its namespace",
					read.PolicyReference, strings.Join(p.IgnoredFields, ", ")),
				ignoredRemedy(m, c, read, p.IgnoredFields)), fieldsOf(read.PolicyReference, p.IgnoredFields)...))
		}
		out = append(out, idleFindings(m, c, index)...)
	}
	return out
}

// reason is Cilium's message without the repetition of what it is about.
func reason(message string) string {
	for _, prefix := range []string{"Invalid CiliumNetworkPolicy spec: ", "Invalid CiliumNetworkPolicy specs: ", "Invalid CiliumClusterwideNetworkPolicy spec: ", "Invalid CiliumClusterwideNetworkPolicy specs: "} {
		if rest, ok := strings.CutPrefix(message, prefix); ok {
			return rest
		}
	}
	return message
}

// Concerns tells whether a policy selects, or was meant to select, a pod of the cluster.
func Concerns(m *model.Model, c *model.Cluster, p *engine.Policy) bool {
	for _, member := range c.Members {
		if p.Enforced() && m.Engine().Selects(p.PolicyReference, member.Identity) {
			return true
		}
		if !p.Enforced() && p.WouldSelect(member.Identity) {
			return true
		}
	}
	return false
}

// invalidRemedy and ignoredRemedy end with the removal: lockdown changes no policy but its own, so
// the one that is wrong stays until somebody removes it.
func invalidRemedy(m *model.Model, c *model.Cluster, p *engine.Policy) command.Text {
	if strings.Contains(p.Message, "at least one of Ingress") {
		return command.Words("Write ingress: [{}] for ingress: [], or replace it:").Run(replaceCommands(m, c, p)...)
	}
	return command.Words("Correct the policy, or replace it:").Run(replaceCommands(m, c, p)...)
}

func unreadableRemedy(p *engine.Policy) command.Text {
	if p.Source != "" {
		return command.Wordsf("Correct the policy in %s, or leave it out.", p.Source)
	}
	return command.Words("Correct the policy, or remove it:").Run(deleteCommand(p.PolicyReference))
}

func ignoredRemedy(m *model.Model, c *model.Cluster, p *engine.Policy, fields []string) command.Text {
	if slices.ContainsFunc(fields, func(f string) bool { return strings.HasSuffix(f, ".labelSelector") }) {
		return command.Words("Put matchLabels and matchExpressions directly into the fromEndpoints item, or replace it:").Run(replaceCommands(m, c, p)...)
	}
	return command.Words("Remove the fields, or replace the policy:").Run(replaceCommands(m, c, p)...)
}

func replaceCommands(m *model.Model, c *model.Cluster, p *engine.Policy) []command.Line {
	return []command.Line{lockdownCommand(m, c), deleteCommand(p.PolicyReference)}
}

func deleteCommand(ref v1alpha1.PolicyReference) command.Line {
	resource := map[v1alpha1.PolicyKind]string{
		v1alpha1.CiliumNetworkPolicy: "cnp", v1alpha1.CiliumClusterwideNetworkPolicy: "ccnp",
		v1alpha1.NetworkPolicy: "netpol", v1alpha1.ClusterNetworkPolicy: "clusternetworkpolicies.policy.networking.k8s.io",
	}[ref.Kind]
	return command.Kubectl("delete", resource, ref.Name).In(ref.Namespace)
}

// openFindings are about pods and ports that are open to everybody.
func openFindings(m *model.Model, c *model.Cluster, r *v1alpha1.IsolationReport) []v1alpha1.Finding {
	if !m.Enforces() {
		return nil // ENFORCEMENT_DISABLED says it all.
	}
	var open, closed []string
	unknown := takenOtherwise(m, c)
	for _, p := range r.Pods {
		switch {
		case p.IngressDefaultDeny:
			closed = append(closed, p.Name)
		case unknown[p.Name]: // Whether it is open is not known.
		case p.Enforced:
			open = append(open, p.Name)
		}
	}
	var out []v1alpha1.Finding
	switch {
	case len(open) > 0 && len(closed) == 0:
		out = append(out, finding(v1alpha1.NoDefaultDeny, v1alpha1.SeverityError,
			"no policy brings ingress default deny to any pod of the cluster: "+whoConnects(m, c, r), command.Run(lockdownCommand(m, c))))
	case len(open) > 0:
		out = append(out, finding(v1alpha1.NoDefaultDeny, v1alpha1.SeverityError,
			fmt.Sprintf("no policy brings ingress default deny to %s: %s there", pods(open), whoConnects(m, c, r)), command.Run(lockdownCommand(m, c))))
	}
	return out
}

// whoConnects says what it means that there is no default deny: rules that deny still do, and policies that could not be
// read may.
func whoConnects(m *model.Model, c *model.Cluster, r *v1alpha1.IsolationReport) string {
	denies := func(member model.Member) bool {
		return slices.ContainsFunc(m.Engine().Selections(member.Identity), func(s engine.Selection) bool { return s.DeniesIngress })
	}
	switch {
	case blind(m, c) || slices.ContainsFunc(r.Exposure, func(e v1alpha1.Exposure) bool { return e.Unknown > 0 }):
		return "as far as can be seen, everybody can connect"
	case slices.ContainsFunc(c.Members, denies):
		return "everybody whom no rule denies can connect"
	}
	return "everybody can connect"
}

// protected is a target, and what to call its pods.
type protected struct {
	name string
	model.Target
}

// protectedTargets are all ports of the cluster, at those pods that are under default deny: at the
// others, everything is open anyway.
func protectedTargets(m *model.Model, c *model.Cluster) []protected {
	var instances, poolers []*engine.Identity
	for _, member := range c.Members {
		if ingress, _ := m.Engine().DefaultDeny(member.Identity); !ingress {
			continue
		}
		switch {
		case member.IsInstance():
			instances = append(instances, member.Identity)
		case member.Role == v1alpha1.RolePooler:
			poolers = append(poolers, member.Identity)
		}
	}
	var out []protected
	add := func(name string, ids []*engine.Identity, ports ...uint16) {
		for _, port := range ports {
			if len(ids) > 0 {
				out = append(out, protected{name, model.Target{Port: port, Identities: model.Distinct(ids)}})
			}
		}
	}
	add(v1alpha1.Target{}.String(), instances, cnpg.PostgresPort, cnpg.StatusPort, cnpg.MetricsPort)
	add("poolers", poolers, cnpg.PostgresPort, cnpg.PoolerMetricsPort)
	return out
}

func finding(code v1alpha1.FindingCode, severity v1alpha1.Severity, message string, remedy command.Text) v1alpha1.Finding {
	return v1alpha1.Finding{Code: code, Severity: severity, Message: message, Remedy: remedy}
}

func unlockCommand(namespace, name string) command.Line {
	return command.Plugin("unlock", name).In(namespace)
}

func names(refs []v1alpha1.PolicyReference) string {
	out := make([]string, len(refs))
	for i, ref := range refs {
		out[i] = ref.String()
	}
	if len(out) == 0 {
		return "no policy decides it"
	}
	return strings.Join(out, ", ")
}

func pods(names []string) string {
	if len(names) == 1 {
		return fmt.Sprintf("pod %q", names[0])
	}
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = fmt.Sprintf("%q", n)
	}
	return "pods " + strings.Join(quoted, ", ")
}

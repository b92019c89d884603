package isolation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// setFindings are about the policies that lockdown manages for the cluster.
func (m *Model) setFindings(c *cluster, _ *v1alpha1.IsolationReport) []v1alpha1.Finding {
	live := m.managed(c)
	if len(live) == 0 {
		return nil
	}
	roles := map[policyset.Role]bool{}
	for _, p := range live {
		roles[policyset.Role(p.Labels[policyset.LabelPolicy])] = true
	}
	var lacking []string
	if !roles[policyset.DefaultDeny] {
		lacking = append(lacking, string(policyset.DefaultDeny))
	}
	if !roles[policyset.InternalAccess] && !roles[policyset.OperatorAccess] {
		lacking = append(lacking, string(policyset.InternalAccess))
	}
	var out []v1alpha1.Finding
	if len(lacking) > 0 {
		out = append(out, finding(v1alpha1.SetIncomplete, v1alpha1.SeverityWarning,
			fmt.Sprintf("the set that lockdown manages is incomplete: %s is missing", strings.Join(lacking, " and ")), m.lockdownCommand(c)))
	}
	drifted, err := m.drifted(c)
	if err != nil {
		return append(out, finding(v1alpha1.SetDrifted, v1alpha1.SeverityWarning,
			fmt.Sprintf("the policies that lockdown manages can't be compared with what it would apply: %v", err), m.lockdownCommand(c)))
	}
	for _, name := range sortedKeys(drifted) {
		out = append(out, finding(v1alpha1.SetDrifted, v1alpha1.SeverityWarning,
			fmt.Sprintf("CiliumNetworkPolicy %q was changed after lockdown applied it: %s", name, drifted[name]), m.lockdownCommand(c)))
	}
	return out
}

// lockdownCommand is the lockdown of the cluster. Where it was locked before, the flags are those
// that it was locked with: without them, its clients would be shut out.
func (m *Model) lockdownCommand(c *cluster, changes ...func(*policyset.Options)) string {
	command := bareLockdown(c)
	options, err := policyset.FromLive(c.key(), m.managed(c))
	if err != nil {
		options = policyset.Options{}
	}
	for _, change := range changes {
		change(&options)
	}
	return strings.TrimSpace(command + " " + policyset.CommandLine(policyset.Flags(options)))
}

func bareLockdown(c *cluster) string {
	return fmt.Sprintf("kubectl cnpg-netpol lockdown %s -n %s", shellWord(c.object.Name), shellWord(c.object.Namespace))
}

// operatorFindings are about an operator that is not there, or not where the policies expect it.
func (m *Model) operatorFindings(c *cluster, r *v1alpha1.IsolationReport) []v1alpha1.Finding {
	if len(m.operators) == 0 {
		return []v1alpha1.Finding{finding(v1alpha1.OperatorNotFound, v1alpha1.SeverityWarning,
			"no CloudNativePG operator was found: no Deployment labelled app.kubernetes.io/name=cloudnative-pg, and no webhook that names its Service",
			fmt.Sprintf("Name its namespace: kubectl cnpg-netpol status %s -n %s --operator-namespace NAMESPACE", shellWord(c.object.Name), shellWord(c.object.Namespace)))}
	}
	var out []v1alpha1.Finding
	for _, op := range m.operators {
		if op.assumed && op.FoundBy == assumedOperator(op.Namespace).FoundBy {
			out = append(out, finding(v1alpha1.OperatorNotFound, v1alpha1.SeverityWarning,
				fmt.Sprintf("no CloudNativePG operator is in what was read: it is assumed to run in namespace %q", op.Namespace),
				"Add the operator's Deployment to the manifests, or name its namespace with --operator-namespace."))
		}
	}
	blocked := slices.ContainsFunc(r.RequiredFlows, func(f v1alpha1.RequiredFlow) bool {
		return f.Name == FlowOperator && f.Verdict == v1alpha1.VerdictDenied
	})
	if !blocked {
		return out
	}
	for _, namespace := range sortedKeys(c.ghosts) {
		ghost := c.ghosts[namespace]
		allowed := true
		for _, instance := range c.instances() {
			allowed = allowed && m.engine.Decide(ghost, instance.identity, cnpg.StatusPort).Verdict == v1alpha1.VerdictAllowed
		}
		if allowed {
			out = append(out, finding(v1alpha1.WrongOperatorNamespace, v1alpha1.SeverityError,
				fmt.Sprintf("the policies let an operator in namespace %q in, but it runs in %q", namespace, m.operators[0].Namespace), m.lockdownCommand(c)))
		}
	}
	return out
}

// generalFindings are those that belong to no cluster: policies of a cluster that is gone.
func (m *Model) generalFindings() []v1alpha1.Finding {
	// What is not in the files, or was not asked for, may exist all the same.
	if m.inv.Origin == inventory.Manifests || m.missesClusters() || len(m.options.Names) > 0 {
		return nil
	}
	exists := map[string]bool{}
	for _, c := range m.inv.Clusters {
		exists[c.Namespace+"/"+c.Name] = true
	}
	orphans := map[string][]string{}
	for i := range m.inv.Policies {
		p := &m.inv.Policies[i]
		if !policyset.IsOurs(p.Labels) || m.options.Namespace != "" && p.Namespace != m.options.Namespace {
			continue
		}
		users := policyset.Users(p.Labels)
		if len(users) == 0 {
			users = []string{p.Labels[policyset.LabelCluster]}
		}
		for _, user := range users {
			if key := p.Namespace + "/" + user; !exists[key] {
				orphans[key] = append(orphans[key], p.Name)
			}
		}
	}
	var out []v1alpha1.Finding
	for _, key := range sortedKeys(orphans) {
		namespace, name, _ := strings.Cut(key, "/")
		out = append(out, finding(v1alpha1.OrphanedPolicy, v1alpha1.SeverityWarning,
			fmt.Sprintf("%s kept for cluster %q of namespace %q, which does not exist; a new cluster of that name would be locked at once",
				count(len(orphans[key]), "policy is", "policies are"), name, namespace), unlockCommand(namespace, name)))
	}
	return out
}

func (m *Model) missesClusters() bool {
	return slices.ContainsFunc(m.inv.Missing, func(missing inventory.Missing) bool {
		return strings.HasPrefix(missing.Resource, "clusters.")
	})
}

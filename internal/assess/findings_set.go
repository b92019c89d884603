package assess

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// setFindings are about the policies that lockdown manages for the cluster.
func setFindings(m *model.Model, c *model.Cluster, _ *v1alpha1.IsolationReport) []v1alpha1.Finding {
	live := slices.DeleteFunc(Managed(m, c), func(p *ciliumv2.CiliumNetworkPolicy) bool { return policyset.IsGranted(p.Labels) })
	if len(live) == 0 {
		return nil
	}
	var out []v1alpha1.Finding
	if missing := lacking(m, c, live); missing != "" {
		out = append(out, finding(v1alpha1.SetIncomplete, v1alpha1.SeverityWarning,
			"the set that lockdown manages is incomplete: "+missing, command.Run(repairCommand(m, c))))
	}
	drifted, err := drifted(m, c)
	if err != nil {
		return append(out, finding(v1alpha1.SetDrifted, v1alpha1.SeverityWarning,
			fmt.Sprintf("the policies that lockdown manages can't be compared with what it would apply: %v", err), command.Run(repairCommand(m, c))))
	}
	for _, name := range slices.Sorted(maps.Keys(drifted)) {
		out = append(out, at(finding(v1alpha1.SetDrifted, v1alpha1.SeverityWarning,
			fmt.Sprintf("CiliumNetworkPolicy %q was changed after lockdown applied it: %s", name, drifted[name]), command.Run(repairCommand(m, c))),
			fieldOf(v1alpha1.PolicyReference{Kind: v1alpha1.CiliumNetworkPolicy, Namespace: c.Object.Namespace, Name: name}, "spec")))
	}
	return out
}

// repairCommand makes the set anew as it was made: a rehearsal stays one.
func repairCommand(m *model.Model, c *model.Cluster, changes ...func(*policyset.Options)) command.Line {
	line := lockdownCommand(m, c, changes...)
	if _, rehearsed := Rehearsed(m, c); rehearsed {
		return line.With("--rehearse")
	}
	return line
}

// lockdownCommand is the lockdown of the cluster. Where it was locked before, the flags are those
// that it was locked with: without them, its clients would be shut out.
func lockdownCommand(m *model.Model, c *model.Cluster, changes ...func(*policyset.Options)) command.Line {
	options, _ := policyset.FromLive(c.Key(), Managed(m, c)) // Where some can't be read, those of the others.
	for _, change := range changes {
		change(&options)
	}
	line := BareLockdown(c).With(operatorFlag(m, &options)...)
	return line.With(policyset.Flags(options)...)
}

// BareLockdown is the command that locks the cluster, without flags.
func BareLockdown(c *model.Cluster) command.Line {
	return command.Plugin("lockdown", c.Object.Name).In(c.Object.Namespace)
}

// generalFindings are those that belong to no cluster: the sets of operators, and policies of a cluster that is gone.
func generalFindings(m *model.Model) []v1alpha1.Finding {
	return append(operatorSetFindings(m), orphans(m)...)
}

// orphans are about policies of clusters that are gone.
func orphans(m *model.Model) []v1alpha1.Finding {
	// What is not in the files, or was not asked for, may exist all the same.
	if m.Inventory().Origin == inventory.Manifests {
		return placed(m, nil, notRenderedElsewhere(m))
	}
	if missesClusters(m) || len(m.Options().Names) > 0 {
		return nil
	}
	exists := map[string]bool{}
	for _, c := range m.Inventory().Clusters {
		exists[c.Namespace+"/"+c.Name] = true
	}
	orphans := map[string][]string{}
	for i := range m.Inventory().Policies {
		p := &m.Inventory().Policies[i]
		if !policyset.IsOurs(p.Labels) || policyset.IsManaged(p.Labels, policyset.OperatorSet) || m.Options().Namespace != "" && p.Namespace != m.Options().Namespace {
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
	for _, key := range slices.Sorted(maps.Keys(orphans)) {
		namespace, name, _ := strings.Cut(key, "/")
		out = append(out, finding(v1alpha1.OrphanedPolicy, v1alpha1.SeverityWarning,
			fmt.Sprintf("%s kept for cluster %q of namespace %q, which does not exist; a new cluster of that name would be locked at once",
				plural(len(orphans[key]), "policy is", "policies are"), name, namespace), command.Run(unlockCommand(namespace, name))))
	}
	return out
}

func missesClusters(m *model.Model) bool {
	return slices.ContainsFunc(m.Inventory().Missing, func(missing inventory.Missing) bool {
		return missing.Plural() == "clusters"
	})
}

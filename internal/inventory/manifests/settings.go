package manifests

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// config is a ConfigMap that is called as the one of Cilium's agent.
type config struct {
	namespace string
	data      map[string]string
}

// agent is one of Cilium's DaemonSets.
type agent struct {
	namespace string
	version   inventory.AgentVersion
}

// versionIn is the version of the agents of a namespace, or of the only ones where there are no others.
func (l *loader) versionIn(namespace string) inventory.AgentVersion {
	for _, a := range l.agents {
		if a.namespace == namespace || len(l.agents) == 1 {
			return a.version
		}
	}
	return inventory.AgentVersion{}
}

// settle takes the settings from the ConfigMap of the agent: the one beside its DaemonSet, else that of kube-system, else
// the only one. An application may have one of that name for its tests.
func (l *loader) settle() {
	inv := l.inv
	inv.Settings = inv.Settings.OfVersion(l.versionIn(""))
	inv.Settings.Agent = inv.Settings.Agent || len(l.agents) > 0
	if len(l.configs) == 0 {
		return
	}
	rank := func(c config) int {
		switch {
		case slices.ContainsFunc(l.agents, func(a agent) bool { return a.namespace == c.namespace }):
			return 0
		case c.namespace == "kube-system":
			return 1
		}
		return 2
	}
	slices.SortStableFunc(l.configs, func(a, b config) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.namespace, b.namespace))
	})
	chosen := l.configs[0]
	settings, problems := inventory.SettingsFromConfigMap(chosen.namespace, inventory.CiliumConfigName, chosen.data, l.versionIn(chosen.namespace))
	inv.Settings = settings
	for _, problem := range problems {
		inv.Missing = append(inv.Missing, inventory.Missing{
			Resource: "configmaps", Reason: inventory.Failed, Message: problem,
			Remedy: command.Words("correct the ConfigMap " + settings.Source),
		})
	}
	if len(l.configs) == 1 {
		return
	}
	var others []string
	for _, c := range l.configs[1:] {
		others = append(others, c.namespace+"/"+inventory.CiliumConfigName)
	}
	inv.Missing = append(inv.Missing, inventory.Missing{
		Resource: "configmaps", Reason: inventory.Ambiguous,
		Message: fmt.Sprintf("Cilium's settings are taken from %s and not from %s", settings.Source, firstOf(others)),
		Remedy:  command.Words("Leave out the ConfigMap that is not of Cilium's agent, or give the DaemonSet beside the one that is."),
	})
}

package assess

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// bystanderFindings name the applications that a policy for the database put under default deny.
// Somebody who has written a policy for an application as well knows what they do: it is a
// bystander only while nothing but policies that also select the database select it.
func bystanderFindings(m *model.Model, c *model.Cluster, _ *v1alpha1.IsolationReport) []v1alpha1.Finding {
	if !m.Enforces() {
		return nil
	}
	database := map[int]bool{}
	for _, member := range c.Members {
		for _, s := range m.Engine().Selections(member.Identity) {
			database[s.Policy] = true
		}
	}
	clients := map[v1alpha1.Client]int{}
	blame := map[v1alpha1.PolicyReference]bool{}
	for _, index := range m.PeersIn(c.Object.Namespace) {
		p := m.Peers()[index]
		strangers := m.Strangers(c, p)
		if len(strangers) == 0 || m.MemberOf(strangers[0]) != nil {
			continue // Another database has a report of its own.
		}
		denying, onlyOurs := denying(m, p.Identity, database)
		if len(denying) == 0 || !onlyOurs {
			continue
		}
		for _, ref := range denying {
			blame[ref] = true
		}
		for _, i := range strangers {
			clients[m.WorkloadOf(i)]++
		}
	}
	if len(clients) == 0 {
		return nil
	}
	policies := slices.SortedFunc(maps.Keys(blame), v1alpha1.PolicyReference.Compare)
	return []v1alpha1.Finding{finding(v1alpha1.BystandersDenied, v1alpha1.SeverityWarning,
		fmt.Sprintf("applications of the namespace lost their ingress to policies for the database (%s): %s", names(policies), workloads(clients)),
		command.Wordsf("Narrow the endpointSelector to cnpg.io/cluster: %s, as lockdown does:", c.Object.Name).Run(lockdownCommand(m, c)))}
}

// denying are the policies that bring ingress default deny to the identity; onlyOurs is true when
// every policy for its ingress is one that selects the database too.
func denying(m *model.Model, id *engine.Identity, database map[int]bool) (denying []v1alpha1.PolicyReference, onlyOurs bool) {
	onlyOurs = true
	for _, s := range m.Engine().Selections(id) {
		if s.Ingress == v1alpha1.EffectNone {
			continue
		}
		onlyOurs = onlyOurs && database[s.Policy]
		if s.Ingress == v1alpha1.EffectDefaultDeny {
			denying = append(denying, m.Engine().Policies()[s.Policy].PolicyReference)
		}
	}
	return denying, onlyOurs
}

func workloads(clients map[v1alpha1.Client]int) string {
	var out []string
	for _, client := range slices.SortedFunc(maps.Keys(clients), v1alpha1.Client.Compare) {
		text := client.Workload
		if n := clients[client]; n > 1 {
			text = fmt.Sprintf("%s ×%d", text, n)
		}
		out = append(out, text)
	}
	const most = 5
	if len(out) > most {
		out = append(out[:most], fmt.Sprintf("and %d more", len(out)-most))
	}
	return strings.Join(out, ", ")
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

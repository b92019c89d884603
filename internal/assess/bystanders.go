package assess

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// bystanderFindings name the applications that a policy for the database put under default deny.
// Somebody who has written a policy for an application as well knows what they do, and so does who has
// written one for the whole namespace: it is a bystander only while nothing but policies for the database
// select it.
func bystanderFindings(m *model.Model, c *model.Cluster, _ *v1alpha1.IsolationReport) []v1alpha1.Finding {
	if !m.Enforces() {
		return nil
	}
	database := map[int]bool{}
	for _, member := range c.Members {
		for _, s := range m.Engine().Selections(member.Identity) {
			database[s.Policy] = database[s.Policy] || isForDatabase(m, c, s.Policy)
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
		// Who carries the cluster's label was meant, see peersByLabel.
		strangers = slices.DeleteFunc(strangers, func(i int) bool { return m.Pod(i).Labels[cnpg.ClusterLabel] == c.Object.Name })
		if len(strangers) == 0 {
			continue
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
	var places []v1alpha1.Location
	for _, ref := range policies {
		places = append(places, fieldOf(ref, subjectOf(ref.Kind)))
	}
	return []v1alpha1.Finding{at(finding(v1alpha1.BystandersDenied, v1alpha1.SeverityWarning,
		fmt.Sprintf("applications of the namespace lost their ingress to policies for the database (%s): %s", names(policies), workloads(clients)),
		command.Wordsf("Narrow the endpointSelector to cnpg.io/cluster: %s, as lockdown does:", c.Object.Name).Run(lockdownCommand(m, c))), places...)}
}

// databaseLabels is how the keys of CloudNativePG's labels begin (pkg/utils/labels_annotations.go of it).
const databaseLabels = "cnpg.io/"

// isForDatabase tells whether a policy that selects the database is meant for it, and not for whoever is in
// the namespace: lockdown has made it, or each of its rules is about a database's ports, or about pods of
// databases and an operator that runs elsewhere.
func isForDatabase(m *model.Model, c *model.Cluster, policy int) bool {
	if policyset.IsOurs(m.Inventory().Policies[policy].Labels) {
		return true
	}
	var operators []string
	for _, op := range m.Operators() {
		if op.Namespace != c.Object.Namespace {
			operators = append(operators, op.Namespace)
		}
	}
	about := func(p engine.Peer) bool {
		in := p.Namespaces()
		return p.Names(databaseLabels) || len(in) > 0 && containsAll(operators, in)
	}
	rules := m.Engine().Policies()[policy].Admissions()
	for _, rule := range rules {
		others := slices.ContainsFunc(rule.Peers, func(p engine.Peer) bool { return !about(p) })
		if (len(rule.Peers) == 0 || others) && !rule.OnlyPorts(cnpg.PostgresPort, cnpg.StatusPort, cnpg.MetricsPort, cnpg.PoolerMetricsPort) {
			return false
		}
	}
	return len(rules) > 0
}

// denying are the policies that bring ingress default deny to the identity; onlyOurs is true when
// every policy for its ingress is one for the database.
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

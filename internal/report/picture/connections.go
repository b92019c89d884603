package picture

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/words"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// instances is the target that every cluster has.
func instances() string { return v1alpha1.Target{}.String() }

// endpointKind is what stands at an end of a connection, the source's unless it says otherwise.
type endpointKind string

const (
	operatorEnd endpointKind = "operator"
	// peersEnd are the cluster's own instances and jobs.
	peersEnd  endpointKind = "peers"
	poolerEnd endpointKind = "pooler"
	entityEnd endpointKind = "entity"
	clientEnd endpointKind = "client"
	// targetEnd is what connections lead to.
	targetEnd endpointKind = "target"
	// moreEnd stands for all that are not drawn one by one.
	moreEnd endpointKind = "more"
)

// endpoint is a source. All its text is safe to print.
type endpoint struct {
	kind endpointKind
	// namespace is empty for everything but clients.
	namespace, name string
	// detail is the number of pods: "×12".
	detail string
}

// connection is an edge of a diagram: from a source to a target of one cluster.
type connection struct {
	from endpoint
	// to is the target as in v1alpha1.Exposure.
	to       string
	port     uint16
	verdict  v1alpha1.Verdict
	required bool
	advisory bool
	// policies are short references to those that decided, and reason is the sentence about them.
	policies []string
	reason   string
	// only are the target's pods that are reached, where these are not all of them.
	only []string
}

// limits are how many clients a picture shows one by one, for each target; 0 is all, and noneDrawn is none.
type limits struct {
	clients, denied int
	// everybody says to draw a target's clients as one when nobody is left out.
	everybody bool
}

const noneDrawn = -1

// drawn keeps a picture readable.
func drawn() limits { return limits{clients: 24, denied: 12} }

// connections are all edges of a report: what the cluster needs first, then who else can connect
// and who can't.
func connections(r v1alpha1.IsolationReport, most limits) []connection {
	var all []connection
	for _, flow := range r.RequiredFlows {
		all = append(all, requiredConnections(r, flow)...)
	}
	for _, e := range r.Exposure {
		if most.everybody && openToEverybody(e) {
			all = append(all, everybodyConnection(e))
			continue
		}
		all = append(all, clientConnections(e, most)...)
		all = append(all, entityConnections(e, most)...)
	}
	for i := range all {
		c := &all[i]
		// Where default deny holds, "no policy restricts it" would be wrong.
		if c.verdict == v1alpha1.VerdictAllowed && c.reason == unrestricted && defaultDeny(r, c.to) {
			c.reason = localHost
		}
	}
	return all
}

// The reasons for what is allowed without a policy. Under default deny, only the local host is
// (Cilium's allow-localhost).
const (
	unrestricted = "no policy restricts it"
	localHost    = "Cilium lets a node reach its pods"
)

// defaultDeny is true when it holds on all pods of a target. Poolers' pods are not told apart in a
// report.
func defaultDeny(r v1alpha1.IsolationReport, target string) bool {
	pods, denied := podsOf(r, target)
	return pods > 0 && denied == pods
}

// podsOf counts the pods of a target, and those in default deny.
func podsOf(r v1alpha1.IsolationReport, target string) (pods, denied int) {
	for _, pod := range r.Pods {
		if pod.Role == v1alpha1.RoleJob || (pod.Role == v1alpha1.RolePooler) == (target == instances()) {
			continue
		}
		pods++
		if pod.IngressDefaultDeny {
			denied++
		}
	}
	return pods, denied
}

// targetsOf are the cluster's instances and poolers.
func targetsOf(r v1alpha1.IsolationReport) []string {
	targets := []string{instances()}
	for _, e := range r.Exposure {
		if name := terminal.Escape(e.Target.String()); !slices.Contains(targets, name) {
			targets = append(targets, name)
		}
	}
	return targets
}

func requiredConnections(r v1alpha1.IsolationReport, flow v1alpha1.RequiredFlow) []connection {
	c := connection{
		to: instances(), port: flow.Port, verdict: flow.Verdict, required: true, advisory: flow.Advisory,
	}
	c.policies, c.reason = decidedBy(flow.Policies, flow.Verdict)
	c.from = endpoint{kind: peersEnd, name: terminal.Escape(flow.From)}
	if flow.To != "" {
		return nil // A picture shows who reaches the pods.
	}
	switch flow.Name {
	case v1alpha1.FlowOperator:
		c.from.kind = operatorEnd
	case v1alpha1.FlowKubectlCNPG:
		// Not the entity kube-apiserver: an API server on the node of a pod is that pod's host.
		c.from.kind = entityEnd
	case v1alpha1.FlowPooler:
		c.from.kind = poolerEnd
		var each []connection
		for _, target := range targetsOf(r)[1:] {
			c.from.name = target
			each = append(each, c)
		}
		if len(each) > 0 {
			return each
		}
	}
	return []connection{c}
}

// openToEverybody is true when every pod and the world can connect.
func openToEverybody(e v1alpha1.Exposure) bool {
	return e.Everybody && slices.Contains(e.Entities, v1alpha1.EntityWorld) && e.DeniedPods == 0 && len(e.DeniedEntities) == 0 && e.Unknown == 0
}

func everybodyConnection(e v1alpha1.Exposure) connection {
	c := connection{to: terminal.Escape(e.Target.String()), port: e.Port, verdict: v1alpha1.VerdictAllowed}
	c.from = endpoint{kind: entityEnd, name: fmt.Sprintf("everybody (%s)", words.Count(len(e.Clients)+e.MoreClients, "workload"))}
	c.policies, c.reason = decidedBy(e.EntityPolicies[v1alpha1.EntityWorld], c.verdict)
	return c
}

func clientConnections(e v1alpha1.Exposure, most limits) []connection {
	var all []connection
	add := func(clients []v1alpha1.ClientAccess, verdict v1alpha1.Verdict, limit int) (omitted []v1alpha1.ClientAccess) {
		switch {
		case limit == noneDrawn:
			clients, omitted = nil, clients
		case limit > 0 && len(clients) > limit+1:
			clients, omitted = clients[:limit], clients[limit:]
		}
		for _, client := range clients {
			c := connection{to: terminal.Escape(e.Target.String()), port: e.Port, verdict: verdict}
			c.from = endpoint{kind: clientEnd, namespace: terminal.Escape(client.Namespace), name: terminal.Escape(client.Workload)}
			if client.Pods > 1 {
				c.from.detail = fmt.Sprintf("×%d", client.Pods)
			}
			c.policies, c.reason = decidedBy(client.Policies, verdict)
			if verdict == v1alpha1.VerdictAllowed {
				c.only = words.Reached(e, client.Client)
			}
			all = append(all, c)
		}
		return omitted
	}
	more := func(verdict v1alpha1.Verdict, name string) {
		c := connection{to: terminal.Escape(e.Target.String()), port: e.Port, verdict: verdict, from: endpoint{kind: moreEnd, name: name}}
		all = append(all, c)
	}
	omitted := add(e.Clients, v1alpha1.VerdictAllowed, most.clients)
	switch n := len(omitted) + e.MoreClients; {
	case n == 0:
	case most.clients == noneDrawn:
		more(v1alpha1.VerdictAllowed, words.Count(n, "workload")+" that can connect")
	default:
		more(v1alpha1.VerdictAllowed, "and "+words.Count(n, "more workload")+" that can connect")
	}
	omitted = add(e.Denied, v1alpha1.VerdictDenied, most.denied)
	named := 0
	for _, client := range e.Denied[:len(e.Denied)-len(omitted)] {
		named += client.Pods
	}
	if n := e.DeniedPods - named; n > 0 && most.denied != noneDrawn {
		more(v1alpha1.VerdictDenied, "and "+words.Count(n, "more pod")+" denied")
	}
	if e.Unknown > 0 {
		more(v1alpha1.VerdictUnknown, words.Identities(e.Unknown)+" without a verdict")
	}
	return all
}

func entityConnections(e v1alpha1.Exposure, most limits) []connection {
	var all []connection
	add := func(entities []v1alpha1.Entity, verdict v1alpha1.Verdict) {
		for _, entity := range entities {
			c := connection{to: terminal.Escape(e.Target.String()), port: e.Port, verdict: verdict}
			c.from = endpoint{kind: entityEnd, name: terminal.Escape(entity.Short())}
			policies := e.EntityPolicies[entity]
			c.policies, c.reason = decidedBy(policies, verdict)
			if len(policies) == 0 && entity == v1alpha1.EntityHost && verdict == v1alpha1.VerdictAllowed {
				c.reason = localHost
			}
			all = append(all, c)
		}
	}
	add(e.Entities, v1alpha1.VerdictAllowed)
	if most.denied != noneDrawn {
		add(e.DeniedEntities, v1alpha1.VerdictDenied)
	}
	return all
}

// decidedBy names the deciding policies, or says why there are none.
func decidedBy(references []v1alpha1.PolicyReference, verdict v1alpha1.Verdict) (names []string, reason string) {
	for _, r := range references {
		names = append(names, terminal.Escape(words.ShortReference(r)))
	}
	switch {
	case len(names) > 0:
		return names, ""
	case verdict == v1alpha1.VerdictAllowed:
		return nil, unrestricted
	case verdict == v1alpha1.VerdictDenied:
		return nil, "no policy allows it"
	default:
		return nil, "evidence is missing"
	}
}

// deciders are the lines that say what decided: policies, or the reason.
func (c connection) deciders() []string {
	if len(c.policies) == 0 {
		if c.from.kind == moreEnd {
			return nil
		}
		return []string{c.reason}
	}
	return words.Some(c.policies)
}

// answer is the verdict in words.
func (c connection) answer() string {
	if c.advisory && c.verdict == v1alpha1.VerdictDenied {
		return "denied (advisory)"
	}
	return string(c.verdict)
}

// headline is the first line in a decision's box.
func (c connection) headline() string {
	word := c.answer()
	if c.kind() == blocked {
		word = "DENIED, and needed"
	}
	return fmt.Sprintf("%s · port %d", word, c.port)
}

// label are the lines on an edge: "5432", "denied by", "cnp/default-deny".
func (c connection) label() []string {
	first := fmt.Sprintf("%d", c.port)
	if c.verdict != v1alpha1.VerdictAllowed {
		first += " " + c.answer()
	}
	return append([]string{first}, shortened(append(c.onlyLines(), c.deciders()...))...)
}

// onlyLines say which of the target's pods are reached.
func (c connection) onlyLines() []string {
	if len(c.only) == 0 {
		return nil
	}
	return []string{"only " + terminal.Escape(strings.Join(c.only, ", "))}
}

func shortened(lines []string) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = terminal.Shorten(line, longest)
	}
	return out
}

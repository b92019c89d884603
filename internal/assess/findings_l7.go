package assess

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// l7Findings are about rules for the content of connections to PostgreSQL, which Cilium's proxy knows nothing of: Cilium has parsers for
// HTTP and DNS, for the name that a TLS handshake begins with, and listeners that somebody has written (L7ParserType in Cilium's
// pkg/policy/l4.go).
func l7Findings(m *model.Model, c *model.Cluster, _ *v1alpha1.IsolationReport) []v1alpha1.Finding {
	if !m.Enforces() {
		return nil // ENFORCEMENT_DISABLED says it all.
	}
	var out []v1alpha1.Finding
	found := map[engine.Rule]bool{}
	var ids []*engine.Identity
	for _, member := range c.Members {
		if !m.IsUnmanaged(member.Pod) {
			ids = append(ids, member.Identity)
		}
	}
	for _, id := range model.Distinct(ids) {
		ingress, egress := m.Engine().Proxied(id, cnpg.PostgresPort)
		for _, r := range slices.Concat(ingress, egress) {
			kinds := model.L7Rules(m.ContentAt(r))
			if len(kinds) == 0 || found[r] {
				continue
			}
			found[r] = true
			whose := "connections to port 5432 that the database's pods open"
			if slices.Contains(ingress, r) {
				whose = "connections to port 5432 of the database's pods"
			}
			slices.Sort(kinds)
			kinds = slices.Compact(kinds)
			out = append(out, at(finding(v1alpha1.ProxyRules, v1alpha1.SeverityWarning,
				fmt.Sprintf("%s of %s sends %s through Cilium's proxy with rules for %s: %s", r.Path, r.PolicyReference, whose, inWords(kinds), meaning(kinds)),
				command.Wordsf("Take the rules for content out of toPorts, or limit them to other ports than %d.", cnpg.PostgresPort)), rulePlaces([]engine.Rule{r})...))
		}
	}
	return out
}

// inWords are kinds of rules as people know them.
func inWords(kinds []string) string {
	words := map[string]string{"http": "HTTP", "dns": "DNS", "tls": "TLS", "listener": "a listener of its own"}
	out := make([]string, len(kinds))
	for i, kind := range kinds {
		out[i] = kind
		if word, ok := words[kind]; ok {
			out[i] = word
		}
	}
	return strings.Join(out, ", ")
}

// meaning is what such rules do to PostgreSQL's messages, as far as it is known.
func meaning(kinds []string) string {
	known := map[string]string{
		"http":     "the proxy takes what is sent for HTTP, which PostgreSQL's messages are not",
		"dns":      "the proxy takes what is sent for DNS, which PostgreSQL's messages are not",
		"tls":      "the proxy waits for a TLS handshake, and PostgreSQL's clients send messages of their own before it, unless they use sslnegotiation=direct",
		"listener": "what that does to PostgreSQL's messages stands in the CiliumEnvoyConfig, which is not read here",
	}
	if text, ok := known[kinds[0]]; ok && len(kinds) == 1 {
		return text
	}
	return "none of Cilium's parsers reads PostgreSQL's messages"
}

// throughProxy is a decision about a connection to PostgreSQL, or to the instance manager. Where the proxy looks at what is sent, the
// connection opens, and nobody here can tell what comes of it.
func throughProxy(m *model.Model, d engine.Decision) engine.Decision {
	doubt := func(at engine.Direction) engine.Direction {
		if at.Verdict != v1alpha1.VerdictAllowed || !at.L7 || len(at.Rules) == 0 {
			return at
		}
		return engine.Direction{Verdict: v1alpha1.VerdictUnknown, Rules: at.Rules, Reason: fmt.Sprintf(
			"the connection passes Cilium's proxy, which has rules for %s by %s of %s, and the engine does not say what becomes of what is sent",
			inWords(m.L7(at)), at.Rules[0].Path, at.Rules[0].PolicyReference)}
	}
	return engine.Join(doubt(d.Ingress), doubt(d.Egress))
}

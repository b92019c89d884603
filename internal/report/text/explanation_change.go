package text

import (
	"slices"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/words"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// accessChange writes what would let the source in, or the cluster out. Commands and the manifest stay in one piece, to be
// copied.
func (p *page) accessChange(e v1alpha1.Explanation, c v1alpha1.AccessChange) {
	title := "What would let it in"
	if e.Outbound {
		title = "What would allow it"
	}
	p.section(title)
	for _, step := range c.Steps {
		p.step(2, step)
	}
	if !c.Command.IsZero() {
		p.out.WriteByte('\n')
		p.line(4, terminal.Escape(c.Command.String()), nil)
	}
	if c.Manifest != "" {
		p.out.WriteByte('\n')
		for line := range strings.Lines(c.Manifest) {
			p.line(4, terminal.Escape(strings.TrimSuffix(line, "\n")), nil)
		}
	}
	if c.LetsIn == nil {
		return
	}
	p.out.WriteByte('\n')
	opened := opens(e.Source)
	if opened != "" {
		p.paragraph(2, "It opens the database to "+opened+".", p.colors.Warn)
	}
	if c.LetsIn.Pods == 0 && len(c.LetsIn.Entities) == 0 {
		if opened == "" {
			p.paragraph(2, "It lets in nobody else who runs now.", nil)
		}
		return
	}
	var who []string
	if c.LetsIn.Pods > 0 {
		who = append(who, words.Count(c.LetsIn.Pods, "other pod")+" ("+p.others(c.LetsIn.Clients)+")")
	}
	for _, entity := range c.LetsIn.Entities {
		who = append(who, string(entity))
	}
	p.paragraph(2, "It also lets in "+words.Series(slices.Clip(who))+".", p.colors.Warn)
}

// opens says how many a source is that is no pod; empty for pods.
func opens(s v1alpha1.ExplainedSource) string {
	if s.Namespace != "" {
		return ""
	}
	const outside = " outside the Kubernetes cluster"
	switch s.Name {
	case "world":
		return "everybody" + outside
	case "0.0.0.0/0":
		return "all IPv4 addresses" + outside
	case "::/0":
		return "all IPv6 addresses" + outside
	case "host", "remote-node":
		return "the nodes and to whatever runs on their networks"
	}
	switch {
	case strings.Contains(s.Name, "/"):
		return "all addresses of " + s.Name
	case strings.ContainsAny(s.Name, ".:"):
		return "whoever has this address"
	}
	return ""
}

// others names the first workloads of many.
func (p *page) others(clients []v1alpha1.Client) string {
	var names []string
	for _, c := range clients {
		names = append(names, c.Namespace+"/"+words.Workload(c))
	}
	return p.few(names)
}

package manifests

import (
	"fmt"
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// tellUnrendered turns what could not be rendered into missing evidence: one line for each namespace and reason.
func (l *loader) tellUnrendered() {
	type group struct {
		namespace, why, remedy, kustomize string
		peers                             bool
	}
	things := map[group][]unrendered{}
	var order []group
	for _, u := range l.unrendered {
		g := group{u.namespace, u.why, u.remedy, u.kustomize, u.peers}
		if slices.ContainsFunc(things[g], func(other unrendered) bool { return other.what == u.what }) {
			continue
		}
		if things[g] == nil {
			order = append(order, g)
		}
		things[g] = append(things[g], u)
	}
	for _, g := range order {
		resource := "manifests"
		if g.peers {
			resource = inventory.ClientsResource
		}
		remedy := command.Words(g.remedy)
		if g.kustomize != "" {
			remedy = remedy.Run(command.Kubectl("kustomize", g.kustomize))
		}
		l.inv.Missing = append(l.inv.Missing, inventory.Missing{
			Resource: resource, Scope: inventory.Only(g.namespace), Reason: inventory.NotRendered,
			Message: sentence(things[g], g.why), Remedy: remedy, At: things[g][0].at,
		})
	}
}

// sentence is "WHAT why: detail", for one thing or several.
func sentence(things []unrendered, why string) string {
	if len(things) == 1 {
		text := things[0].what + " " + why
		if things[0].detail != "" {
			text += ": " + things[0].detail
		}
		return text
	}
	names := make([]string, len(things))
	for i, u := range things {
		if names[i] = u.what; u.detail != "" {
			names[i] += ": " + u.detail
		}
	}
	return firstOf(names) + ": each of them " + why
}

// tellTwice turns objects that are there twice into missing evidence: which one counts can't be told.
func (l *loader) tellTwice() {
	type group struct{ namespace, first, second string }
	where := func(s seen) string {
		if s.root != "" {
			return s.root
		}
		return s.source
	}
	things := map[group][]string{}
	var order []group
	for _, t := range l.twice {
		g := group{t.key.namespace, where(t.first), where(t.second)}
		if t.first.root == t.second.root {
			g.first, g.second = t.first.source, t.second.source
		}
		if things[g] == nil {
			order = append(order, g)
		}
		name := t.key.kind + " " + t.key.name
		if t.key.namespace != "" {
			name = t.key.kind + " " + t.key.namespace + "/" + t.key.name
		}
		if !slices.Contains(things[g], name) {
			things[g] = append(things[g], name)
		}
	}
	for _, g := range order {
		l.inv.Missing = append(l.inv.Missing, inventory.Missing{
			Resource: "manifests", Scope: inventory.Only(g.namespace), Reason: inventory.Ambiguous,
			Message: fmt.Sprintf("%s: in %s and again in %s: which one counts can't be told", firstOf(things[g]), g.first, g.second),
			Remedy:  command.Words("Read one of the two: stages of a repository are states of different Kubernetes clusters."),
		})
	}
}

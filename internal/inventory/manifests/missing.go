package manifests

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// ClientsResource is the resource of missing evidence that can only change who the clients of a database are.
const ClientsResource = "clients"

// tellUnrendered turns what could not be rendered into missing evidence: one line for each namespace and reason.
func (l *loader) tellUnrendered() {
	type group struct {
		namespace, why, remedy string
		peers                  bool
	}
	things := map[group][]string{}
	var order []group
	for _, u := range l.unrendered {
		g := group{u.namespace, u.why, u.remedy, u.peers}
		if slices.Contains(things[g], u.what) {
			continue
		}
		if things[g] == nil {
			order = append(order, g)
		}
		things[g] = append(things[g], u.what)
	}
	for _, g := range order {
		resource := "manifests"
		if g.peers {
			resource = ClientsResource
		}
		l.inv.Missing = append(l.inv.Missing, inventory.Missing{
			Resource: resource, Namespace: g.namespace, Reason: inventory.NotRendered,
			Message: sentence(things[g], g.why), Remedy: g.remedy,
		})
	}
}

// sentence is "WHAT why", for one thing or several.
func sentence(things []string, why string) string {
	if len(things) == 1 {
		return things[0] + " " + why
	}
	for _, verb := range []string{"is", "holds", "makes", "applies", "installs"} {
		rest, ok := strings.CutPrefix(why, verb+" ")
		if !ok {
			continue
		}
		why = strings.TrimSuffix(verb, "s") + " " + rest
		if verb == "is" {
			why = "are " + strings.TrimPrefix(strings.TrimPrefix(rest, "a "), "an ")
			if rest == "a template" {
				why = "are templates"
			}
		}
		break
	}
	return firstOf(things) + " " + why
}

// tellTwice turns objects that are there twice, with different content, into missing evidence: which one counts can't be told.
func (l *loader) tellTwice() {
	type group struct {
		namespace, first, second string
		differs                  bool
	}
	where := func(s seen) string {
		if s.root != "" {
			return s.root
		}
		return s.source
	}
	things := map[group][]string{}
	var order []group
	for _, t := range l.twice {
		g := group{t.key.namespace, where(t.first), where(t.second), t.first.content != t.second.content}
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
		how := ""
		if g.differs {
			how = ", with other content,"
		}
		l.inv.Missing = append(l.inv.Missing, inventory.Missing{
			Resource: "manifests", Namespace: g.namespace, Reason: inventory.Ambiguous,
			Message: fmt.Sprintf("%s: in %s and again%s in %s: which one counts can't be told", firstOf(things[g]), g.first, how, g.second),
			Remedy:  "Read one of the two: stages of a repository are states of different Kubernetes clusters.",
		})
	}
}

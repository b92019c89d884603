package text

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/words"
)

// access is one client and the targets for which its access changes alike.
type access struct {
	client  v1alpha1.Client
	targets string
}

// named is how many workloads a table names for each kind of change: losses are what the reader
// has come for, so more of them.
func named(kind change.Change) int {
	if kind == change.Loses {
		return 20
	}
	return 10
}

// changes are the kinds of change in the order in which they are shown.
func changes() []change.Change {
	return []change.Change{change.Loses, change.Gains, change.Keeps}
}

// merge collects the clients of one kind of change, one entry for each with all its targets.
func merge(all []change.AccessChange, kind change.Change) []access {
	var merged []access
	for _, c := range all {
		if c.Change != kind {
			continue
		}
		target := fmt.Sprintf("%s:%d", c.Target, c.Port)
		i := slices.IndexFunc(merged, func(a access) bool {
			return a.client.Namespace == c.Client.Namespace && a.client.Workload == c.Client.Workload
		})
		if i < 0 {
			merged = append(merged, access{client: c.Client, targets: target})
			continue
		}
		merged[i].client.Pods = max(merged[i].client.Pods, c.Client.Pods)
		merged[i].targets += ", " + target
	}
	return merged
}

// accessChanges writes who loses, gains and keeps access.
func (p *page) accessChanges(preview change.Preview) error {
	merged := map[change.Change][]access{}
	var targets []string
	for _, kind := range changes() {
		merged[kind] = merge(preview.Access, kind)
		for _, a := range merged[kind] {
			if !slices.Contains(targets, a.targets) {
				targets = append(targets, a.targets)
			}
		}
	}
	if len(targets) == 0 && len(preview.Flows) == 0 {
		// The cluster is gone: there is nothing to connect to.
		return nil
	}
	if len(targets) == 0 {
		p.section("Access to PostgreSQL")
		p.paragraph(2, "nobody could connect before, and nobody can afterwards", nil)
		return nil
	}

	g := grid{columns: []column{
		{header: "ACCESS"}, {header: "NAMESPACE", flexible: true, limit: p.limit(1)}, {header: "CLIENT", flexible: true, limit: p.limit(2)},
	}}
	// What is the same for everybody is said once.
	same := len(targets) == 1
	if same {
		p.section("Access to PostgreSQL (" + targets[0] + ")")
	} else {
		p.section("Access to PostgreSQL")
		g.columns = append(g.columns, column{header: "TO", flexible: true, limit: p.limit(2)})
	}
	var omitted []string
	for _, kind := range changes() {
		shown, rest := p.split(merged[kind], named(kind))
		for _, group := range grouped(shown) {
			row := []cell{painted(string(kind), p.change(kind)), text(group.namespace), lines(group.clients)}
			if !same {
				row = append(row, lines(strings.Split(group.targets, ", ")))
			}
			g.add(row...)
		}
		if len(rest) > 0 {
			sum, places := more(rest)
			omitted = append(omitted, "and "+sum+" "+inflect(len(rest), kind)+" access: "+places)
		}
	}
	if err := p.table(2, g); err != nil {
		return err
	}
	for _, sentence := range omitted {
		p.paragraph(2, sentence, nil)
	}
	return nil
}

// split cuts a long list.
func (p *page) split(all []access, limit int) (shown []access, rest []v1alpha1.Client) {
	if p.wide || len(all) <= limit+1 {
		return all, nil
	}
	for _, a := range all[limit:] {
		rest = append(rest, a.client)
	}
	return all[:limit], rest
}

func (p *page) change(kind change.Change) style {
	switch kind {
	case change.Loses:
		return p.colors.Bad
	case change.Gains:
		return p.colors.Warn
	default:
		return nil
	}
}

type accessGroup struct {
	namespace, targets string
	clients            []string
}

// grouped puts the clients of a namespace with the same targets into one row.
func grouped(all []access) []accessGroup {
	var groups []accessGroup
	for _, a := range all {
		namespace, client := a.client.Namespace, words.Workload(a.client)
		if namespace == "" {
			namespace, client = "-", words.Entity(a.client.Workload)
		}
		i := slices.IndexFunc(groups, func(g accessGroup) bool {
			return g.namespace == namespace && g.targets == a.targets
		})
		if i < 0 {
			i = len(groups)
			groups = append(groups, accessGroup{namespace: namespace, targets: a.targets})
		}
		groups[i].clients = append(groups[i].clients, client)
	}
	return groups
}

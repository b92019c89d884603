//go:build e2e

package kind_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// group is a sequence of cases that begins without any policy.
type group struct {
	// name is how it is asked for.
	name  string
	when  when
	title string
	cases func(*testing.T, *world)
	// nodes is how many nodes it needs, when it is more than one.
	nodes int
	// archives is true when it needs databases with an archive.
	archives bool
}

// when says when a group runs.
type when bool

const (
	core   when = true
	longer when = false
)

type groups []group

// choose returns the groups that are asked for, in the suite's order: core, all that the number of nodes and the images let run, or
// names separated by commas, which can be mixed with core. Nothing is core.
func (all groups) choose(asked string, nodes int, archives bool) (groups, error) {
	if asked == "" {
		asked = "core"
	}
	wanted := strings.Split(asked, ",")
	for _, name := range wanted {
		known := name == "core" || name == "all" || slices.ContainsFunc(all, func(g group) bool { return g.name == name })
		if !known {
			return nil, fmt.Errorf("E2E_GROUPS: there is no group %q: use core, all, or some of %s", name, all.names())
		}
	}
	var chosen groups
	for _, g := range all {
		named := slices.Contains(wanted, g.name)
		if named && g.nodes > nodes {
			return nil, fmt.Errorf("E2E_GROUPS: the group %q needs %d nodes, and there are %d: E2E_NODES=%d", g.name, g.nodes, nodes, g.nodes)
		}
		if named && g.archives && !archives {
			return nil, fmt.Errorf("E2E_GROUPS: the group %q needs an image of PostgreSQL with barman-cloud: E2E_BARMAN_IMAGE", g.name)
		}
		if named || slices.Contains(wanted, "all") && g.nodes <= nodes && (archives || !g.archives) || g.when == core && slices.Contains(wanted, "core") {
			chosen = append(chosen, g)
		}
	}
	return chosen, nil
}

// names are the groups' names, separated by commas.
func (all groups) names() string {
	var out []string
	for _, g := range all {
		out = append(out, g.name)
	}
	return strings.Join(out, ",")
}

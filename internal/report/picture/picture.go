package picture

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/words"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// picture is everything that a graph language needs: nodes in groups, and edges between them.
type picture struct {
	groups []pictureGroup
	edges  []pictureEdge
}

type pictureGroup struct {
	// title is empty for the nodes that belong to no group.
	title string
	nodes []pictureNode
	// database is true for the group of a CloudNativePG cluster.
	database bool
}

type pictureNode struct {
	// id is made of letters and digits only: names are never part of it.
	id    string
	kind  endpointKind
	lines []string
}

type pictureEdge struct {
	from, to string
	connection
}

// details are how much is drawn of so many clusters, the most first. What is not drawn is counted in the
// picture, or named by it.
func details(clusters int) []limits {
	all := []limits{
		drawn(), {clients: 24, denied: 12, everybody: true}, {clients: 6, denied: 3, everybody: true}, {clients: noneDrawn, denied: noneDrawn, everybody: true},
	}
	if clusters > 1 {
		return all[1:]
	}
	return all
}

// draw makes one picture of all reports: a workload that is a client of several clusters is one node.
func draw(list v1alpha1.IsolationReportList, most limits) picture {
	b := pictureBuilder{groupAt: map[string]int{}, nodeID: map[string]string{}, most: most}
	b.group("", "", false)
	for i, r := range list.Items {
		b.add(i, r)
	}
	if most.denied == noneDrawn {
		b.note("not drawn: who can’t connect")
	}
	for _, failed := range list.Errors {
		b.note(append([]string{"context " + terminal.Escape(failed.Context) + " failed"}, terminal.Wrap(terminal.Escape(failed.Message), longest)...)...)
	}
	b.picture.groups = slices.DeleteFunc(b.picture.groups, func(g pictureGroup) bool { return len(g.nodes) == 0 })
	return b.picture
}

type pictureBuilder struct {
	picture
	groupAt map[string]int
	nodeID  map[string]string
	most    limits
}

// note is a node that belongs to nothing.
func (b *pictureBuilder) note(lines ...string) {
	b.node(0, "note\x00"+strings.Join(lines, "\n"), moreEnd, lines...)
}

func (b *pictureBuilder) group(key, title string, database bool) int {
	at, known := b.groupAt[key]
	if !known {
		at = len(b.groups)
		b.groupAt[key] = at
		b.groups = append(b.groups, pictureGroup{title: title, database: database})
	}
	return at
}

// longest is how many columns a name may take in a picture.
const longest = 60

func (b *pictureBuilder) node(group int, key string, kind endpointKind, lines ...string) string {
	key = fmt.Sprintf("%d\x00%s", group, key)
	if id, known := b.nodeID[key]; known {
		return id
	}
	id := fmt.Sprintf("n%d", len(b.nodeID)+1)
	b.nodeID[key] = id
	lines = shortened(slices.DeleteFunc(lines, func(line string) bool { return line == "" }))
	b.groups[group].nodes = append(b.groups[group].nodes, pictureNode{id: id, kind: kind, lines: lines})
	return id
}

func (b *pictureBuilder) add(index int, r v1alpha1.IsolationReport) {
	own := fmt.Sprintf("cluster\x00%d", index)
	database := b.group(own, terminal.Escape("cluster "+words.ClusterName(r.Metadata))+" ("+string(r.Posture)+")", true)
	target := func(name string) string { return b.node(database, name, targetEnd, name) }
	for _, name := range targetsOf(r) {
		target(name)
	}
	for _, c := range connections(r, b.most) {
		b.edges = append(b.edges, pictureEdge{from: b.source(database, index, r, c.from), to: target(c.to), connection: c})
	}
}

// source is the node at which an edge begins. Nodes of different contexts are never the same.
func (b *pictureBuilder) source(database, index int, r v1alpha1.IsolationReport, e endpoint) string {
	place := terminal.Escape(r.Metadata.Context)
	switch e.kind {
	case peersEnd:
		// A node of its own: most renderers draw only one edge from a node to itself.
		return b.node(database, "peers\x00"+e.name, e.kind, e.name)
	case poolerEnd:
		if slices.Contains(targetsOf(r), e.name) {
			return b.node(database, e.name, targetEnd, e.name)
		}
		return b.node(database, "pooler\x00"+e.name, e.kind, e.name)
	case moreEnd:
		return b.node(0, fmt.Sprintf("more\x00%d\x00%s", index, e.name), e.kind, e.name)
	case clientEnd:
		title := "namespace " + e.namespace
		if place != "" {
			title = place + ": " + title
		}
		g := b.group("namespace\x00"+place+"\x00"+e.namespace, title, false)
		return b.node(g, e.name+"\x00"+e.detail, e.kind, e.name, e.detail)
	default:
		return b.node(0, place+"\x00"+string(e.kind)+"\x00"+e.name, e.kind, e.name, cmp.Or(place, ""))
	}
}

package picture

import (
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// kind is what the reader should see at a glance about a connection. It is the class of the style
// sheet too.
type kind string

const (
	needed  kind = "needed"
	allowed kind = "allowed"
	denied  kind = "denied"
	// blocked is what the cluster needs and can't have.
	blocked kind = "blocked"
	unknown kind = "unknown"
)

// look is how the connections of a kind are drawn in each language. Colors are never alone: what is
// not allowed has another line too.
type look struct {
	Kind kind
	// Caption is what the legend says.
	Caption string
	// dot are attributes of an edge.
	dot string
	// arrow is Mermaid's, which has one pattern of dashes only, and link the style on it.
	arrow, link string
}

// looks are in the order of the legend.
func looks() []look {
	return []look{
		{needed, "needed and allowed", `color="#1a7f37"`, "-->", "stroke:#1a7f37"},
		{allowed, "can connect", "", "-->", ""},
		{denied, "denied", `style=dashed, color="#57606a", fontcolor="#57606a"`, "-.->", "stroke:#57606a"},
		{blocked, "needed and denied", `style=dashed, color="#cf222e", fontcolor="#cf222e", penwidth=2`, "-.->", "stroke:#cf222e,stroke-width:3px,color:#cf222e"},
		{unknown, "unknown", `style=dotted, color="#9a6700", fontcolor="#9a6700"`, "-.->", "stroke:#9a6700"},
	}
}

func (c connection) look() look {
	all := looks()
	return all[slices.IndexFunc(all, func(l look) bool { return l.Kind == c.kind() })]
}

func (c connection) kind() kind {
	switch {
	case c.verdict == v1alpha1.VerdictDenied && c.required && !c.advisory:
		return blocked
	case c.verdict == v1alpha1.VerdictDenied:
		return denied
	case c.verdict != v1alpha1.VerdictAllowed:
		return unknown
	case c.required:
		return needed
	default:
		return allowed
	}
}

// shape is how an end is drawn: attributes of Graphviz, brackets of Mermaid, and on the page the
// heading under which a source stands and its place among them.
type shape struct {
	dot         string
	open, close string
	rank        int
	heading     string
}

func (k endpointKind) shape() shape {
	const own = "the cluster and its operator"
	return map[endpointKind]shape{
		operatorEnd: {"", "[", "]", 0, own},
		peersEnd:    {"", "[", "]", 0, own},
		poolerEnd:   {"", "[", "]", 0, own},
		targetEnd:   {"shape=cylinder, style=filled", "[(", ")]", 0, own},
		// The heading of clients is their namespace.
		clientEnd: {"", "[", "]", 1, "namespace "},
		moreEnd:   {"style=dashed", "[", "]", 2, "others"},
		entityEnd: {"shape=ellipse, style=filled", "([", "])", 3, "outside, nodes and API server"},
	}[k]
}

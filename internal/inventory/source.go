package inventory

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// Stdin is the File of what came from the standard input.
const Stdin = "stdin"

// Source is where an object of manifests was read from. The zero value is for objects of a server.
type Source struct {
	// File is the path as the user wrote it, Stdin for the standard input; empty for what a kustomization generates.
	File string
	// Document counts from one; documents without content are not counted. It is 0 for what a kustomization builds.
	Document int
	// Items are the positions in the List that is the document, and in Lists within it, from one.
	Items []int
	// Kustomization is the folder of the kustomization that built the object; empty for what was read as it stands.
	Kustomization string
}

// String is the place in words: "shop.yaml document 2 item 1", "policy.yaml in kustomization overlays/live".
func (s Source) String() string {
	var text strings.Builder
	text.WriteString(s.File)
	if s.Document > 0 {
		fmt.Fprintf(&text, " document %d", s.Document)
	}
	for _, item := range s.Items {
		fmt.Fprintf(&text, " item %d", item)
	}
	switch {
	case s.Kustomization == "":
	case s.File == "":
		text.WriteString("kustomization " + s.Kustomization)
	default:
		text.WriteString(" in kustomization " + s.Kustomization)
	}
	return text.String()
}

// InFile is true for what stands in a file.
func (s Source) InFile() bool { return s.File != "" && s.File != Stdin }

// IsZero is true for objects of a server.
func (s Source) IsZero() bool { return s.File == "" && s.Kustomization == "" }

// Positions are where each policy is in Policies: whoever asks about many of them asks for this once.
func (inv *Inventory) Positions() map[v1alpha1.PolicyReference]int {
	at := make(map[v1alpha1.PolicyReference]int, len(inv.Policies))
	for i := range inv.Policies {
		at[inv.Policies[i].PolicyReference] = i
	}
	return at
}

// SourceOf is where a policy or a Cluster came from; false for what is not there, or has no file. It takes what Positions
// returns.
func (inv *Inventory) SourceOf(kind string, name types.NamespacedName, positions map[v1alpha1.PolicyReference]int) (Source, bool) {
	if kind == "Cluster" {
		source := inv.Sources[name]
		return source, source.InFile()
	}
	i, ok := positions[v1alpha1.PolicyReference{Kind: v1alpha1.PolicyKind(kind), Namespace: name.Namespace, Name: name.Name}]
	if !ok {
		return Source{}, false
	}
	return inv.Policies[i].Source, inv.Policies[i].Source.InFile()
}

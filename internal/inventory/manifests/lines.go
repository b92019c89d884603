package manifests

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/decode"
)

// maxLocated is the size in bytes of the largest file in which lines are looked up: people do not scroll to a line of
// larger ones.
const maxLocated = 8 << 20

// Locate fills in the lines of the places that findings are about, and makes their files relative to the working directory,
// with slashes, where they are in it. Each file is read once more. What is not found there has no line: a file that has changed
// since, one that is very large, or a field that a kustomization has added. It returns early when ctx is done.
func Locate(ctx context.Context, inv *inventory.Inventory, list *v1alpha1.IsolationReportList) {
	byFile, positions := map[string][]lookup{}, inv.Positions()
	add := func(findings []v1alpha1.Finding) {
		for i := range findings {
			findings[i].At = slices.Clone(findings[i].At)
			for j := range findings[i].At {
				if at := &findings[i].At[j]; at.File != "" {
					byFile[at.File] = append(byFile[at.File], wantedAt(inv, positions, at))
				}
			}
		}
	}
	for _, r := range list.Items {
		add(r.Findings)
	}
	add(list.Findings)
	for file, all := range byFile {
		if ctx.Err() != nil {
			return
		}
		locateIn(file, all)
		for _, one := range all {
			one.at.File = relative(file)
		}
	}
}

// lookup is a place, and where it is in its file.
type lookup struct {
	at     *v1alpha1.Location
	source inventory.Source
}

func wantedAt(inv *inventory.Inventory, positions map[v1alpha1.PolicyReference]int, at *v1alpha1.Location) lookup {
	source, ok := inv.SourceOf(at.Kind, types.NamespacedName{Namespace: at.Namespace, Name: at.Name}, positions)
	if !ok {
		source = inventory.Source{File: at.File, Document: at.Document}
	}
	return lookup{at, source}
}

// locateIn looks up lines in one file.
func locateIn(file string, all []lookup) {
	info, err := os.Stat(file)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxLocated {
		return
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return
	}
	// As those who read the documents have it.
	content = bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n"))
	line, from := 1, 0
	// nearest are the lengths of the names by which objects of kustomizations were found.
	nearest := make([]int, len(all))
	_ = documents(bytes.NewReader(content), func(d document) error {
		text := d.text
		if text == nil {
			text = d.raw
		}
		begins := bytes.Index(content[from:], text)
		if begins < 0 {
			return nil
		}
		line, from = line+bytes.Count(content[from:from+begins], []byte("\n")), from+begins
		for i, one := range all {
			switch name := one.nameIn(d); {
			case one.source.Document == d.number && d.item == 0:
				one.line(text, line)
			case one.source.Document == d.number && len(one.source.Items) > 0 && one.source.Items[0] == d.item:
				// The item is what was read as a document.
				one.source.Items = one.source.Items[1:]
				one.line(text, line)
			case one.source.Document == 0 && len(name) > nearest[i]:
				nearest[i] = len(name)
				one.line(text, line)
			}
		}
		line, from = line+bytes.Count(text, []byte("\n")), from+len(text)
		return nil
	}) // What can't be read any more has no lines.
}

// nameIn is what an object that a kustomization has built may be called in a document of its file: as it is called, or without what
// the kustomization puts around it. It is empty for an object of another kind or name. kustomize keeps no record of it.
func (l lookup) nameIn(d document) string {
	var object struct {
		decode.TypeMeta `json:",inline"`
		Metadata        decode.Meta `json:"metadata"`
	}
	if l.source.Document > 0 || d.raw == nil || json.Unmarshal(d.raw, &object) != nil ||
		object.Kind != l.at.Kind || !strings.Contains(l.at.Name, object.Metadata.Name) {
		return ""
	}
	return object.Metadata.Name
}

// line looks the field up in a document, of which the first line is known.
func (l lookup) line(text []byte, first int) {
	var root yaml.Node
	if yaml.Unmarshal(text, &root) != nil || len(root.Content) == 0 {
		l.at.Line = first
		return
	}
	node := root.Content[0]
	for _, item := range l.source.Items {
		_, items := child(node, "items")
		if items == nil || items.Kind != yaml.SequenceNode || item > len(items.Content) {
			break
		}
		node = items.Content[item-1]
	}
	l.at.Line = first - 1 + lineOf(node, l.at.Field)
}

// lineOf is the line of a field, or of what is there on the way to it.
func lineOf(node *yaml.Node, path string) int {
	line := node.Line
	for path != "" {
		if node.Kind == yaml.AliasNode {
			node = node.Alias
		}
		var next string
		if rest, ok := strings.CutPrefix(path, "["); ok && node.Kind == yaml.SequenceNode {
			number, after, _ := strings.Cut(rest, "]")
			i, err := strconv.Atoi(number)
			if err != nil || i < 0 || i >= len(node.Content) {
				return line
			}
			node, next = node.Content[i], after
			line = node.Line
		} else {
			key, value := child(node, path)
			if key == nil {
				return line
			}
			node, next = value, path[len(key.Value):]
			line = key.Line
		}
		path = strings.TrimPrefix(next, ".")
	}
	return line
}

// child is the entry of a mapping with which a path begins. Keys may have dots: the longest one counts.
func child(node *yaml.Node, path string) (key, value *yaml.Node) {
	if node.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		rest, ok := strings.CutPrefix(path, node.Content[i].Value)
		if ok && (rest == "" || rest[0] == '.' || rest[0] == '[') && (key == nil || len(node.Content[i].Value) > len(key.Value)) {
			key, value = node.Content[i], node.Content[i+1]
		}
	}
	return key, value
}

// relative is a file relative to the working directory where it is in there, with slashes.
func relative(file string) string {
	if dir, err := os.Getwd(); err == nil {
		if inside, err := filepath.Rel(dir, absolute(file)); err == nil && filepath.IsLocal(inside) {
			file = inside
		}
	}
	return filepath.ToSlash(file)
}

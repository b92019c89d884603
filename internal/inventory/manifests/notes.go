package manifests

import (
	"fmt"
	"strings"
)

// notes are the lines about what was passed over and is no lack of evidence.
func (l *loader) notes() []string {
	var out []string
	if l.skipped > 0 {
		out = append(out, fmt.Sprintf("skipped %s: no Kubernetes objects in there", plural(l.skipped, "document", "documents")))
	}
	if len(l.left) > 0 {
		out = append(out, fmt.Sprintf("left out %s that the kustomization beside does not name: %s",
			plural(len(l.left), "file", "files"), firstOf(l.left)))
	}
	if len(l.odd) > 0 {
		out = append(out, "left out what is no file of the folder: "+firstOf(l.odd))
	}
	return out
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// firstOf names the first few of a list and says how many more there are.
func firstOf(list []string) string {
	const most = 3
	if len(list) <= most+1 {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
}

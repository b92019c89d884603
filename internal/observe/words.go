package observe

import (
	"fmt"
	"strings"
)

// count is a number with its noun and verb.
func count(n uint64, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, several)
}

// named is how many names a sentence lists.
const named = 5

// series are names with a noun in front, the first few of many.
func series(noun string, names []string) string {
	if len(names) > 1 {
		noun += "s"
	}
	if len(names) > named {
		return fmt.Sprintf("%s %s and %d more", noun, strings.Join(names[:named], ", "), len(names)-named)
	}
	return noun + " " + strings.Join(names, ", ")
}

package kit

import "strings"

// Long is a command's description: a raw string literal whose indentation is taken off. Its lines
// must fit HelpWidth.
func Long(text string) string { return dedent(text) }

// Examples is a command's examples: as long, and indented as the help shows them.
func Examples(text string) string {
	lines := strings.Split(dedent(text), "\n")
	for i, line := range lines {
		if line != "" {
			lines[i] = "  " + line
		}
	}
	return strings.Join(lines, "\n")
}

// dedent removes the indentation that all lines of a text share, and the empty lines around it.
func dedent(text string) string {
	lines := strings.Split(text, "\n")
	shared := -1
	for _, line := range lines {
		body := strings.TrimLeft(line, " \t")
		if indent := len(line) - len(body); body != "" && (shared < 0 || indent < shared) {
			shared = indent
		}
	}
	for i, line := range lines {
		lines[i] = strings.TrimRight(line[min(max(shared, 0), len(line)):], " \t")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

package terminal

import (
	"fmt"
	"strings"
)

// Frame redraws a screen: text in place of what is there, without adding to what can be scrolled back
// to. Lines that do not fit are left out at the end, and more says so, given how many. A size of 0 is
// not known, and counts as large enough. Text may hold color codes.
func Frame(text string, columns, rows int, more func(lines int) string) string {
	const home, clearLine, clearRest = "\x1b[H", "\x1b[K", "\x1b[J"
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if shown := fitting(lines, columns, rows); shown < len(lines) {
		// The last row is for the sentence.
		shown = fitting(lines, columns, max(1, rows-rowsOf(more(len(lines)), columns)))
		lines = append(lines[:shown:shown], more(len(lines)-shown))
	}
	var out strings.Builder
	out.WriteString(home)
	for _, line := range lines {
		fmt.Fprintf(&out, "%s%s\n", line, clearLine)
	}
	out.WriteString(clearRest)
	return out.String()
}

// fitting is how many lines fit. The cursor needs a row below them.
func fitting(lines []string, columns, rows int) int {
	if rows == 0 {
		return len(lines)
	}
	used := 1
	for i, line := range lines {
		if used += rowsOf(line, columns); used > rows {
			return i
		}
	}
	return len(lines)
}

// RowsOf is how many rows a text takes whose lines all end.
func RowsOf(text string, columns int) int {
	rows := 0
	for line := range strings.Lines(text) {
		rows += rowsOf(strings.TrimSuffix(line, "\n"), columns)
	}
	return rows
}

// rowsOf is how many rows a line takes, one when it is empty.
func rowsOf(line string, columns int) int {
	if columns == 0 {
		return 1
	}
	return max(1, (Width(line)+columns-1)/columns)
}

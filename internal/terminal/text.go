package terminal

import (
	"strings"

	"github.com/olekukonko/tablewriter/pkg/twwidth"
)

// Width is the number of columns that text takes, color codes not counted. It is the table
// writer's own measure, so that what fits here is aligned there.
func Width(text string) int { return twwidth.Width(text) }

const ellipsis = "…"

// Shorten cuts text in the middle, where names differ least, until it takes at most width columns.
// Text must not hold color codes.
func Shorten(text string, width int) string {
	if Width(text) <= width {
		return text
	}
	room := width - Width(ellipsis)
	if room < 0 {
		return ""
	}
	runes := []rune(text)
	head, tail := 0, len(runes)
	// Take turns from both ends: the start of a name says whose it is, the end what it is for.
	for used := 0; head < tail; {
		w := Width(string(runes[head]))
		if used+w > (room+1)/2 {
			break
		}
		used += w
		head++
	}
	for used := Width(string(runes[:head])); tail > head; {
		w := Width(string(runes[tail-1]))
		if used+w > room {
			break
		}
		used += w
		tail--
	}
	return string(runes[:head]) + ellipsis + string(runes[tail:])
}

// Wrap breaks text into lines of at most width columns: at spaces, and inside a word only when the
// word alone is wider than a line, then after one of "-/.,:=" where possible. Text must not hold color
// codes. It returns at least one line; a width under 2 counts as 2, the widest rune's.
func Wrap(text string, width int) []string {
	width = max(width, 2)
	var lines []string
	line, lineWidth := "", 0
	flush := func() {
		lines = append(lines, line)
		line, lineWidth = "", 0
	}
	for _, word := range strings.Fields(text) {
		wordWidth := Width(word)
		if line != "" && lineWidth+1+wordWidth <= width {
			line, lineWidth = line+" "+word, lineWidth+1+wordWidth
			continue
		}
		if room := width - lineWidth - 1; line != "" && wordWidth > width && room > max(width/3, 1) {
			// The word has to be broken anyway: begin where the line ends.
			var head string
			head, word = breakWord(word, room)
			line, wordWidth = line+" "+head, Width(word)
		}
		if line != "" {
			flush()
		}
		for wordWidth > width {
			var head string
			head, word = breakWord(word, width)
			lines = append(lines, head)
			wordWidth = Width(word)
		}
		line, lineWidth = word, wordWidth
	}
	if line != "" || len(lines) == 0 {
		flush()
	}
	return lines
}

// breakWord cuts word, which is wider than width, so that the first part fits.
func breakWord(word string, width int) (head, tail string) {
	used, hard, soft := 0, 0, 0
	for i, r := range word {
		w := Width(string(r))
		if used+w > width {
			break
		}
		used += w
		hard = i + len(string(r))
		// A break in the first half would leave mostly empty lines.
		if strings.ContainsRune("-/.,:=", r) && used > width/2 {
			soft = hard
		}
	}
	if soft > 0 {
		hard = soft
	}
	return word[:hard], word[hard:]
}

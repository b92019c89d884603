//go:build unix

package readme

import (
	"fmt"
	"strings"
	"testing"
)

// block is a fenced block of commands.
type block struct {
	document string
	// line is that of the fence, for messages.
	line int
	// console is true for a transcript, false for a script.
	console bool
	script  string
}

// blocks returns the blocks of commands in a Markdown document, in their order.
func blocks(document, markdown string) ([]block, error) {
	var found []block
	var current *block
	inside := false
	continued := false
	number := 0
	for line := range strings.Lines(markdown) {
		number++
		text := strings.TrimRight(line, "\r\n")
		switch fence, isFence := strings.CutPrefix(text, "```"); {
		case isFence && inside:
			if current != nil {
				found = append(found, *current)
			}
			current, inside, continued = nil, false, false
		case isFence:
			inside = true
			if fence == "sh" || fence == "console" {
				current = &block{document: document, line: number, console: fence == "console"}
			}
		case current == nil:
		case current.console:
			command, isCommand := strings.CutPrefix(text, "$ ")
			if !isCommand && !continued {
				continue
			}
			current.script += command + "\n"
			continued = strings.HasSuffix(text, "\\")
		default:
			current.script += text + "\n"
		}
	}
	if inside {
		return nil, fmt.Errorf("%s: a block is not closed at the end of line %d", document, number)
	}
	return found, nil
}

func TestBlocks(t *testing.T) {
	got, err := blocks("a.md", "a\n```sh\nmake \\\n  build\n```\nb\n```yaml\n$ no\n```\n```console\n$ ls \\\n    -a\nout\n$ pwd\n/\n```\n")
	if err != nil {
		t.Fatal(err)
	}
	want := []block{{"a.md", 2, false, "make \\\n  build\n"}, {"a.md", 10, true, "ls \\\n    -a\npwd\n"}}
	if len(got) != len(want) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %+v, want %+v", got[i], want[i])
		}
	}
	if _, err := blocks("a.md", "```sh\nmake\n"); err == nil {
		t.Error("a block without an end gives no error")
	}
}

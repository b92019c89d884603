package terminal

import (
	"runtime"
	"strings"
	"unicode/utf8"
)

// Mode is the value of --color.
type Mode string

const (
	// ModeAuto colors when the output is a terminal and the environment does not object.
	ModeAuto Mode = "auto"
	// ModeAlways colors whatever the output is.
	ModeAlways Mode = "always"
	// ModeNever does not color.
	ModeNever Mode = "never"
)

// Colors paints words by what they mean. Color only repeats what the word says already. The zero
// value paints nothing.
type Colors struct{ enabled, ascii bool }

// NewColors decides whether to paint. Isatty says whether the output is a terminal, and lookup
// reads the environment as os.LookupEnv does: NO_COLOR with any value (no-color.org) and TERM=dumb
// turn colors off, and so does a Windows console that is not Windows Terminal (WT_SESSION), which
// may print the codes instead. An explicit ModeAlways is stronger than all of them.
func NewColors(mode Mode, isatty bool, lookup func(string) (string, bool)) Colors {
	colors := newColors(mode, isatty, lookup, runtime.GOOS)
	colors.ascii = wantsASCII(lookup)
	return colors
}

// wantsASCII tells whether the locale says that nothing but ASCII is to be printed: the first of the variables
// that is set counts (POSIX, Environment Variables), and where none is, terminals know UTF-8.
func wantsASCII(lookup func(string) (string, bool)) bool {
	if lookup == nil {
		return false
	}
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if value, _ := lookup(name); value != "" {
			return value == "C" || value == "POSIX"
		}
	}
	return false
}

// Symbols are a text in the characters that the locale has: arrows and the like have a stand-in of the same width,
// so that tables stay as they are, and what has none is a question mark.
func (c Colors) Symbols(text string) string {
	if !c.ascii {
		return text
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r < utf8.RuneSelf:
			return r
		case r == '→':
			return '>'
		case r == '×':
			return 'x'
		case r == '…':
			return '~'
		}
		return '?'
	}, text)
}

func newColors(mode Mode, isatty bool, lookup func(string) (string, bool), goos string) Colors {
	get := func(name string) string { value, _ := lookup(name); return value }
	switch mode {
	case ModeAlways:
		return Colors{enabled: true}
	case ModeNever:
		return Colors{}
	default:
		windowsConsole := goos == "windows" && get("WT_SESSION") == ""
		return Colors{enabled: isatty && get("NO_COLOR") == "" && get("TERM") != "dumb" && !windowsConsole}
	}
}

// Enabled says whether anything is painted.
func (c Colors) Enabled() bool { return c.enabled }

// The codes are the terminal's own palette, which follows the user's theme.
const (
	codeBold   = "1"
	codeRed    = "31"
	codeGreen  = "32"
	codeYellow = "33"
	// Reset ends what any of the methods below began.
	Reset = "\x1b[0m"
)

// Heading is for titles.
func (c Colors) Heading(text string) string { return c.paint(codeBold, text) }

// Good is for what is as it should be.
func (c Colors) Good(text string) string { return c.paint(codeGreen, text) }

// Warn is for what deserves a look.
func (c Colors) Warn(text string) string { return c.paint(codeYellow, text) }

// Bad is for what is open, denied or broken.
func (c Colors) Bad(text string) string { return c.paint(codeRed, text) }

// Alarm is for the one thing that must not be overlooked.
func (c Colors) Alarm(text string) string { return c.paint(codeBold+";"+codeRed, text) }

func (c Colors) paint(code, text string) string {
	if !c.enabled || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + Reset
}

package terminal_test

import (
	"runtime"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

func environment(variables map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := variables[name]
		return value, ok
	}
}

func TestNewColors(t *testing.T) {
	for name, tc := range map[string]struct {
		mode   terminal.Mode
		isatty bool
		env    map[string]string
		want   bool
	}{
		"auto on a terminal":           {terminal.ModeAuto, true, nil, true},
		"auto into a pipe":             {terminal.ModeAuto, false, nil, false},
		"auto with NO_COLOR":           {terminal.ModeAuto, true, map[string]string{"NO_COLOR": "1"}, false},
		"auto with an empty NO_COLOR":  {terminal.ModeAuto, true, map[string]string{"NO_COLOR": ""}, true},
		"auto on a dumb terminal":      {terminal.ModeAuto, true, map[string]string{"TERM": "dumb"}, false},
		"auto on a clever terminal":    {terminal.ModeAuto, true, map[string]string{"TERM": "xterm-256color"}, true},
		"always into a pipe":           {terminal.ModeAlways, false, nil, true},
		"always is above NO_COLOR":     {terminal.ModeAlways, true, map[string]string{"NO_COLOR": "1"}, true},
		"never on a terminal":          {terminal.ModeNever, true, nil, false},
		"the zero mode counts as auto": {"", true, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			if runtime.GOOS == "windows" {
				env := map[string]string{"WT_SESSION": "x"}
				for k, v := range tc.env {
					env[k] = v
				}
				tc.env = env
			}
			if got := terminal.NewColors(tc.mode, tc.isatty, environment(tc.env)).Enabled(); got != tc.want {
				t.Errorf("enabled is %v, want %v", got, tc.want)
			}
		})
	}
}

func TestColorsPaint(t *testing.T) {
	on, off := terminal.NewColors(terminal.ModeAlways, false, nil), terminal.Colors{}
	for name, tc := range map[string]struct {
		paint func(terminal.Colors, string) string
		want  string
	}{
		"heading": {terminal.Colors.Heading, "\x1b[1mx\x1b[0m"},
		"good":    {terminal.Colors.Good, "\x1b[32mx\x1b[0m"},
		"warn":    {terminal.Colors.Warn, "\x1b[33mx\x1b[0m"},
		"bad":     {terminal.Colors.Bad, "\x1b[31mx\x1b[0m"},
		"alarm":   {terminal.Colors.Alarm, "\x1b[1;31mx\x1b[0m"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.paint(on, "x"); got != tc.want {
				t.Errorf("painted %q, want %q", got, tc.want)
			}
			if got := tc.paint(on, ""); got != "" {
				t.Errorf("nothing painted is %q", got)
			}
			if got := tc.paint(off, "x"); got != "x" {
				t.Errorf("switched off: %q", got)
			}
		})
	}
}

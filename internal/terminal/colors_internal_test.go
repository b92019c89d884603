package terminal

import "testing"

// A Windows console that is not Windows Terminal may print the codes instead of obeying them.
func TestColorsOnWindows(t *testing.T) {
	for session, want := range map[string]bool{"": false, "a-guid": true} {
		lookup := func(name string) (string, bool) {
			if name != "WT_SESSION" {
				return "", false
			}
			return session, session != ""
		}
		if got := newColors(ModeAuto, true, lookup, "windows").Enabled(); got != want {
			t.Errorf("WT_SESSION=%q: enabled is %v, want %v", session, got, want)
		}
	}
}

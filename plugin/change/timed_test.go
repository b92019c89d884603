package change

import (
	"errors"
	"testing"
	"time"
)

func TestTimesThatCantBe(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"no time for a grant", []string{"a", "--allow-pods", "a=b"}, "--for 0s: must be a second or more"},
		{"too long", []string{"a", "--allow-pods", "a=b", "--for", "1000h"}, "--for 1000h0m0s: must be 720h0m0s or less"},
		{"nobody", []string{"a", "--for", "1h"}, "say who shall be let in, with a flag such as --allow-pods"},
		{"two lines", []string{"a", "--allow-pods", "a=b", "--for", "1h", "--reason", "a\nb"}, `--reason "a\nb": must be one line of 250 bytes at most`},
	} {
		t.Run(test.name, func(t *testing.T) {
			cmd := NewGrantCommand(globals())
			cmd.SilenceErrors, cmd.SilenceUsage = true, true
			cmd.SetArgs(test.args)
			refuses(t, cmd.ExecuteContext(t.Context()), test.want)
		})
	}
	for _, test := range []struct{ within, want string }{
		{"100ms", "--confirm-within 100ms: must be a second or more"}, {"1000h", "--confirm-within 1000h0m0s: must be 720h0m0s or less"},
	} {
		o := newLockdownOptions(globals())
		if err := o.complete(words(t, o.command(), []string{"a", "--confirm-within", test.within})); err != nil {
			t.Fatal(err)
		}
		refuses(t, errors.Join(o.validate()), test.want)
	}
	o := newLockdownOptions(globals())
	if err := o.complete(words(t, o.command(), []string{"a", "--confirm-within", "10m", "-o", "yaml"})); err != nil || o.confirmWithin != 10*time.Minute {
		t.Fatal(err)
	}
	refuses(t, o.validate(), "--confirm-within is about what is there, and printed policies are for good: leave out -o yaml")
}

package command_test

import (
	"encoding/json"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
)

func TestLines(t *testing.T) {
	lockdown := command.Plugin("lockdown", "shop-db").In("shop").With("--allow-pods=app in (a,b)")
	remove := command.Kubectl("delete", "ccnp", "it's")
	for name, tc := range map[string]struct {
		line command.Line
		want string
	}{
		"none":             {command.Line{}, ""},
		"plugin":           {lockdown, "kubectl cnpg-netpol lockdown shop-db -n shop '--allow-pods=app in (a,b)'"},
		"no namespace":     {remove.In(""), `kubectl delete ccnp 'it'\''s'`},
		"context":          {lockdown.InContext("dev east"), "kubectl cnpg-netpol --context 'dev east' lockdown shop-db -n shop '--allow-pods=app in (a,b)'"},
		"context, kubectl": {remove.InContext("dev"), `kubectl delete --context dev ccnp 'it'\''s'`},
		"context, twice":   {remove.InContext("dev").InContext("prod"), `kubectl delete --context prod ccnp 'it'\''s'`},
		"no context":       {remove.InContext(""), `kubectl delete ccnp 'it'\''s'`},
		"flags":            {command.Flags("--allow-metrics", "monitoring").InContext("dev"), "--allow-metrics monitoring"},
		"empty word":       {command.Kubectl("get", ""), "kubectl get ''"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.line.String(); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
			if tc.line.IsZero() != (tc.want == "") {
				t.Errorf("zero: %t", tc.line.IsZero())
			}
		})
	}
}

// A line is never changed by another that is made from it.
func TestLinesAreValues(t *testing.T) {
	line := command.Plugin("unlock", "a")
	one, two := line.With("-n", "one"), line.With("-n", "two")
	if got, want := one.String()+"; "+two.String()+"; "+line.String(), "kubectl cnpg-netpol unlock a -n one; kubectl cnpg-netpol unlock a -n two; kubectl cnpg-netpol unlock a"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestTexts(t *testing.T) {
	unlock, remove := command.Plugin("unlock", "a"), command.Kubectl("delete", "cnp", "b")
	for want, text := range map[string]command.Text{
		"":                                {},
		"Wait.":                           command.Words("Wait."),
		"Wait 5 minutes.":                 command.Wordsf("Wait %d minutes.", 5),
		"kubectl cnpg-netpol unlock a":    command.Run(unlock),
		"Remove it: kubectl delete cnp b": command.Words("Remove it:").Run(remove),
		"Do: kubectl cnpg-netpol unlock a; kubectl delete cnp b":                         command.Words("Do:").Run(unlock, remove),
		"Do: kubectl cnpg-netpol --context c unlock a; kubectl delete --context c cnp b": command.Words("Do:").Run(unlock).Run(remove).InContext("c"),
	} {
		if got := text.String(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if text.IsZero() != (want == "") {
			t.Errorf("%q: zero %t", want, text.IsZero())
		}
	}
}

func TestTextsInJSON(t *testing.T) {
	type object struct {
		Remedy  command.Text `json:"remedy,omitzero"`
		Command command.Line `json:"command,omitzero"`
	}
	for want, o := range map[string]object{
		`{}`: {},
		`{"remedy":"Do: kubectl delete cnp a","command":"kubectl delete cnp a"}`: {command.Words("Do:").Run(command.Kubectl("delete", "cnp", "a")), command.Kubectl("delete", "cnp", "a")},
	} {
		got, err := json.Marshal(o)
		if err != nil || string(got) != want {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
	}
	var back command.Text
	if err := json.Unmarshal([]byte(`"Do: kubectl delete cnp a"`), &back); err != nil || back.String() != "Do: kubectl delete cnp a" || len(back.Lines) > 0 {
		t.Errorf("%+v, %v", back, err)
	}
}

func FuzzLinesAreReadBack(f *testing.F) {
	f.Add("a", "it's", "")
	f.Add("--allow-pods=app in (a,b)", `\'`, " ")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		want := command.Kubectl("get", a, b, c).String()
		var line command.Line
		if err := line.UnmarshalText([]byte(want)); err != nil {
			t.Fatal(err)
		}
		if got := line.String(); got != want || len(line.Words) != 5 {
			t.Errorf("%q is read back as %q", want, line.Words)
		}
	})
}

func TestALineWithoutItsEndIsNone(t *testing.T) {
	var line command.Line
	if err := line.UnmarshalText([]byte("kubectl get 'a")); err == nil || err.Error() != `"kubectl get 'a" is no command line: a quote does not end` {
		t.Errorf("%v", err)
	}
}

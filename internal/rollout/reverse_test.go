package rollout

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// contents are what users see of the policies of a server.
func (u *unreliable) contents(t *testing.T) map[string]map[string]any {
	t.Helper()
	out := map[string]map[string]any{}
	for name, p := range u.objects {
		content, err := policyset.Unstructured(policyset.Policy{Object: policyset.WithoutServerFields(p)})
		if err != nil {
			t.Fatal(err)
		}
		out[name] = content.Object
	}
	return out
}

// stored is a journal that was written as JSON and read again.
func stored(t *testing.T, journal change.Plan) (read change.Plan) {
	t.Helper()
	text, err := json.Marshal(journal)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	if again, err := json.Marshal(read); err != nil || string(again) != string(text) {
		t.Errorf("written\n%s\nand, when it was read, error %v and\n%s", text, err, again)
	}
	return read
}

// Every prefix of every plan is undone by the reverse plan, which the same runner carries out: from the journal,
// from a journal that was stored,
// from the plan alone, and when the answer to the last step was lost.
func TestReverseUndoesEveryPrefix(t *testing.T) {
	ways := map[string]func(t *testing.T, u *unreliable, prefix change.Plan){
		"journal": func(t *testing.T, u *unreliable, prefix change.Plan) {
			journal, err := u.carryOut(t, prefix)
			if err != nil || !slices.Equal(fixture.Steps(journal), fixture.Steps(change.Plan{Steps: prefix.Changing()})) {
				t.Fatalf("%q, error %v", fixture.Steps(journal), err)
			}
			if _, err := u.carryOut(t, journal.Reverse(len(journal.Steps))); err != nil {
				t.Error(err)
			}
		},
		"stored journal": func(t *testing.T, u *unreliable, prefix change.Plan) {
			journal, err := u.carryOut(t, prefix)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := u.carryOut(t, stored(t, journal).Reverse(len(journal.Steps))); err != nil {
				t.Error(err)
			}
		},
		"plan": func(t *testing.T, u *unreliable, prefix change.Plan) {
			if _, err := u.carryOut(t, prefix); err != nil {
				t.Fatal(err)
			}
			if _, err := u.carryOut(t, prefix.Reverse(len(prefix.Steps))); err != nil {
				t.Error(err)
			}
		},
		"lost answer": func(t *testing.T, u *unreliable, prefix change.Plan) {
			last := prefix.Steps[len(prefix.Steps)-1]
			u.loseAnswerTo = last.Policy.Name
			journal, err := u.carryOut(t, prefix)
			if changing := last.Action != "unchanged"; changing != (err != nil) || changing && len(journal.Steps) > 0 {
				t.Errorf("%s: error %v, left %q", last.Action, err, fixture.Steps(journal))
			}
			if _, err := u.carryOut(t, journal.Reverse(len(journal.Steps))); err != nil {
				t.Error(err)
			}
		},
	}
	changes := fixture.Changes(t)
	for name, undo := range ways {
		t.Run(name, func(t *testing.T) {
			for _, title := range slices.Sorted(maps.Keys(changes)) {
				c := changes[title]
				whole := c.Plan(t, newUnreliable(c.Before...).policies())
				for n := 1; n <= len(whole.Steps); n++ {
					u := newUnreliable(c.Before...)
					before := u.contents(t)
					undo(t, u, change.Plan{Steps: whole.Steps[:n]})
					if got := u.contents(t); !reflect.DeepEqual(got, before) {
						t.Errorf("%s, after %d of %q:\n%v\nbefore\n%v", title, n, fixture.Steps(whole), got, before)
					}
				}
			}
		})
	}
}

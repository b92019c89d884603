package change_test

import (
	"reflect"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
)

// Turned round twice, a plan is what it was.
func TestReverseTwice(t *testing.T) {
	for title, c := range fixture.Changes(t) {
		plan := c.Plan(t, fixture.Policies(c.Before...))
		back := plan.Reverse(len(plan.Steps))
		if got := back.Reverse(len(back.Steps)); len(got.Steps)+len(plan.Changing()) > 0 && !reflect.DeepEqual(got.Steps, plan.Changing()) {
			t.Errorf("%s: %q, want %q", title, fixture.Steps(got), fixture.Steps(plan))
		}
	}
}

//go:build e2e

package kind_test

import "testing"

// Test is the whole suite, in order: its log reads as a specification.
func Test(t *testing.T) {
	w := newWorld(t)
	for _, group := range []struct {
		name  string
		cases func(*testing.T, *world)
	}{
		{"the document's policies, applied literally", documentLiterally},
		{"lockdown gives access to whom its flags name", accessByFlags},
		{"a locked cluster works", lockedClusterWorks},
		{"an outage that CloudNativePG does not see", unseenOutage},
		{"nobody allowed is cut off on the way", continuity},
		{"a killed plugin leaves nothing behind", killed},
		{"two clusters in one namespace", twoClusters},
		{"a cluster comes and goes", comingAndGoing},
		{"the operator in another namespace", operatorElsewhere},
		{"Cilium that enforces nothing", nothingEnforced},
	} {
		t.Run(group.name, func(t *testing.T) {
			w.removePolicies(t)
			group.cases(t, w)
		})
	}
}

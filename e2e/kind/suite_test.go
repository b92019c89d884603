//go:build e2e

package kind_test

import (
	"os"
	"testing"
)

// suite is all groups, in their order: the log reads as a specification. A group of the core runs for
// every change; the others run when somebody asks for them.
var suite = groups{
	{"document", core, "the document's policies, applied literally", documentLiterally},
	{"access", core, "lockdown gives access to whom its flags name", accessByFlags},
	{"works", core, "a locked cluster works", lockedClusterWorks},
	{"outage", core, "an outage that CloudNativePG does not see", unseenOutage},
	{"needs", core, "what a database needs to reach, broken and repaired as status says", needs},
	{"continuity", core, "nobody allowed is cut off on the way", continuity},
	{"killed", core, "a killed plugin leaves nothing behind", killed},
	{"two-clusters", core, "two clusters in one namespace", twoClusters},
	{"egress", longer, "a database reaches what it needs and nothing else", egressLocked},
	{"comes-and-goes", longer, "a cluster comes and goes", comingAndGoing},
	{"operator-elsewhere", longer, "the operator in another namespace", operatorElsewhere},
	{"clients", longer, "who really connects", whoConnects},
	{"probes", longer, "the data path proves verdicts", proofs},
	{"timers", longer, "what ends by itself", timers},
	{"gate", longer, "the gate: a job inside of the cluster", gate},
	{"nothing-enforced", longer, "Cilium that enforces nothing", nothingEnforced},
}

func Test(t *testing.T) {
	chosen, err := suite.choose(os.Getenv("E2E_GROUPS"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("groups: %s, of %s", chosen.names(), suite.names())
	w := newWorld(t)
	for _, g := range chosen {
		t.Run(g.title, func(t *testing.T) {
			w.removePolicies(t)
			g.cases(t, w)
		})
	}
}

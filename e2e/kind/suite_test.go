//go:build e2e

package kind_test

import (
	"os"
	"testing"
)

// suite is all groups, in their order: the log reads as a specification. A group of the core runs for
// every change; the others run when somebody asks for them.
var suite = groups{
	{name: "document", when: core, title: "the document's policies, applied literally", cases: documentLiterally},
	{name: "access", when: core, title: "lockdown gives access to whom its flags name", cases: accessByFlags},
	{name: "works", when: core, title: "a locked cluster works", cases: lockedClusterWorks},
	{name: "outage", when: core, title: "an outage that CloudNativePG does not see", cases: unseenOutage},
	{name: "needs", when: core, title: "what a database needs to reach, broken and repaired as status says", cases: needs},
	{name: "continuity", when: core, title: "nobody allowed is cut off on the way", cases: continuity},
	{name: "killed", when: core, title: "a killed plugin leaves nothing behind", cases: killed},
	{name: "two-clusters", when: core, title: "two clusters in one namespace", cases: twoClusters},
	{name: "egress", when: longer, title: "a database reaches what it needs and nothing else", cases: egressLocked},
	{name: "archive", when: longer, title: "a database archives to an object store and comes back from it", cases: archived, archives: true},
	{name: "operator-locked", when: longer, title: "a locked operator looks after its databases", cases: operatorLocked},
	{name: "nodes", when: longer, title: "instances and clients on two nodes", cases: acrossNodes, nodes: 2},
	{name: "comes-and-goes", when: longer, title: "a cluster comes and goes", cases: comingAndGoing},
	{name: "operator-elsewhere", when: longer, title: "the operator in another namespace", cases: operatorElsewhere},
	{name: "clients", when: longer, title: "who really connects", cases: whoConnects},
	{name: "probes", when: longer, title: "the data path proves verdicts", cases: proofs},
	{name: "timers", when: longer, title: "what ends by itself", cases: timers},
	{name: "gate", when: longer, title: "the gate: a job inside of the cluster", cases: gate},
	{name: "nothing-enforced", when: longer, title: "Cilium that enforces nothing", cases: nothingEnforced},
}

func Test(t *testing.T) {
	chosen, err := suite.choose(os.Getenv("E2E_GROUPS"), theLab.Sources.Nodes, theLab.Sources.Archives())
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

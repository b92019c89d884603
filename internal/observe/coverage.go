package observe

import (
	"slices"
	"time"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Coverage is what an evidence rests on. Nothing may be said about what it does not cover.
type Coverage struct {
	Kind v1alpha1.EvidenceKind
	// Source is where it comes from: the name of a file, "hubble-relay", "specs of workloads".
	Source string
	// Missing says why there is none, or not all; empty when there is. Remedy is what would bring it.
	Missing string
	Remedy  command.Text
	// From and To are the times of the first and the last event; zero where there are none.
	From, To time.Time
	// Events is the number of events that were read, whoever they are about.
	Events uint64
	// Nodes have answered, and Away have not, each in order.
	Nodes, Away []string
	// Lost is the number of events that Hubble says it has lost.
	Lost uint64
	// Unread is the number of lines that are no events of Hubble's, and Unreadable says what is wrong with the
	// first one.
	Unread     uint64
	Unreadable string
	// LeftOut is the number of events about clients that there was no room for.
	LeftOut uint64
}

// Gaps says what is known to be missing, in short sentences without a full stop; none when nothing is. What
// an evidence can never see is not among them.
func (c Coverage) Gaps() []string {
	var out []string
	add := func(is bool, text string) {
		if is {
			out = append(out, text)
		}
	}
	add(c.Missing != "", c.Missing)
	add(c.Lost > 0, count(c.Lost, "event was lost", "events were lost"))
	add(len(c.Away) > 0, "not seen: "+series("node", c.Away))
	add(c.Unread > 0, count(c.Unread, "line is", "lines are")+" no flow of Hubble's: "+c.Unreadable)
	add(c.LeftOut > 0, count(c.LeftOut, "event is", "events are")+" about more clients than there is room for")
	return out
}

// Had is true when there is anything to this evidence at all.
func (c Coverage) Had() bool { return c.Missing == "" || c.Events > 0 || !c.From.IsZero() }

// Evidence is everything that was found out, of all kinds.
type Evidence struct {
	Connections []Connection
	Sessions    []Session
	References  []Reference
	// Reached is what the databases' own pods were seen to connect to.
	Reached []Reached
	// Templates are pods as those of References would be started.
	Templates []inventory.Pod
	// Coverage has an entry for everything that was asked, and for every kind that was not.
	Coverage []Coverage
}

// Add is the evidence and more of it.
func (e Evidence) Add(more Evidence) Evidence {
	return Evidence{
		Connections: slices.Concat(e.Connections, more.Connections), Sessions: slices.Concat(e.Sessions, more.Sessions),
		References: slices.Concat(e.References, more.References), Reached: slices.Concat(e.Reached, more.Reached), Templates: slices.Concat(e.Templates, more.Templates), Coverage: slices.Concat(e.Coverage, more.Coverage),
	}
}

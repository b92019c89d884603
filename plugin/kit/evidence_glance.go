package kit

import (
	"context"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe"
)

const (
	// glancing bounds how long a glance takes, and glancePatience how long one that is asked may take: what it has told
	// by then counts.
	glancing       = 2 * time.Second
	glancePatience = 1500 * time.Millisecond
	// sessionsPatience is how long one pod of a database may take.
	sessionsPatience = 15 * time.Second
)

// glanced is the answer of one of those who are asked.
type glanced struct {
	kind     v1alpha1.EvidenceKind
	evidence observe.Evidence
	err      error
}

// glance asks all at once, and waits no longer than a moment. What can't be had is left out without a word, and where
// nobody tells who really connects, there is no evidence at all: that somebody refers to a database is no reason to
// say of the others that they do not use it.
func (e *Evidence) glance(ctx context.Context, inv *inventory.Inventory, cluster types.NamespacedName) (observe.Evidence, error) {
	progress := e.source.Progress()
	defer progress.Stop()
	progress.Update("asking who uses the database")
	limited, cancel := context.WithTimeout(ctx, glancing)
	defer cancel()
	asks := map[v1alpha1.EvidenceKind]func(context.Context, *inventory.Inventory, types.NamespacedName) (observe.Evidence, error){
		v1alpha1.EvidenceSessions: e.sessions, v1alpha1.EvidenceFlows: e.flowsOf, v1alpha1.EvidenceReferences: e.references,
	}
	answers := make(chan glanced, len(asks))
	for kind, ask := range asks {
		go func() {
			found, err := ask(limited, inv, cluster)
			answers <- glanced{kind, found, err}
		}()
	}
	found := map[v1alpha1.EvidenceKind]observe.Evidence{}
	for waiting := len(asks); waiting > 0; {
		select {
		case a := <-answers:
			waiting--
			if a.err == nil {
				found[a.kind] = a.evidence
			}
		case <-limited.Done():
			waiting = 0 // One who does not answer must not hold anybody up.
		}
	}
	if ctx.Err() != nil {
		return observe.Evidence{}, context.Cause(ctx)
	}
	return atAGlance(found), nil
}

// atAGlance is what there is of some answers; nothing where nobody tells who really connects.
func atAGlance(found map[v1alpha1.EvidenceKind]observe.Evidence) observe.Evidence {
	var out observe.Evidence
	use := false
	for _, kind := range []v1alpha1.EvidenceKind{v1alpha1.EvidenceSessions, v1alpha1.EvidenceFlows, v1alpha1.EvidenceReferences} {
		one := found[kind]
		one.Coverage = slices.DeleteFunc(slices.Clone(one.Coverage), func(c observe.Coverage) bool { return !c.Had() })
		for i := range one.Coverage {
			one.Coverage[i].Remedy = command.Text{} // Nobody has asked for more.
		}
		if len(one.Coverage) == 0 {
			continue
		}
		use = use || kind != v1alpha1.EvidenceReferences
		out = out.Add(one)
	}
	if !use {
		return observe.Evidence{}
	}
	return out
}

package change

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/live"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/rollout"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// verbUndo is what an undo is called where changes are recorded.
const verbUndo = "lockdown --undo"

// journaling is what is recorded of a change, cluster by cluster.
type journaling struct {
	journal rollout.Journal
	entries []journalEntry
}

// journalEntry is the record of one cluster.
type journalEntry struct {
	cluster types.NamespacedName
	// former is what was there before; nil for nothing.
	former *change.Record
	now    change.Record
}

func journalOf(clients live.Clients) rollout.Journal {
	return rollout.Journal{ConfigMaps: clients.Kubernetes.CoreV1()}
}

// recorded writes down what is about to be done, so that it can be undone from here or from elsewhere, also when this
// command does not come to its end. What can't be written down is said and done all the same: a database must not stay
// open because a ConfigMap can't be written.
func (o *changeOptions) recorded(ctx context.Context, clients live.Clients, plan change.Plan, policies []inventory.Policy, clusters []types.NamespacedName) *journaling {
	k := &journaling{journal: journalOf(clients)}
	if o.logged == nil || len(plan.Changing()) == 0 {
		return k
	}
	k.journal.DryRun = o.dryRun == dryRunServer
	what := *o.logged
	what.By = o.asker(ctx, clients)
	if now := clients.Now(); !now.IsZero() {
		what.At = &metav1.Time{Time: now}
	}
	for _, cluster := range clusters {
		entry := journalEntry{cluster: cluster, now: what.Of(plan, cluster)}
		if len(entry.now.Steps) == 0 {
			continue
		}
		former, found, err := k.journal.Read(ctx, cluster)
		if found {
			entry.former = &former
			if what.Verb != verbUndo || former.Verb == verbUndo {
				entry.now = entry.now.Completing(former, policies)
			}
		}
		if err == nil {
			err = k.journal.Write(ctx, cluster, &entry.now)
		}
		if err != nil {
			o.unrecorded(cluster, err)
			continue
		}
		k.entries = append(k.entries, entry)
	}
	return k
}

// unrecorded says that --undo will not know of a change.
func (o *changeOptions) unrecorded(cluster types.NamespacedName, err error) {
	fmt.Fprintf(o.ErrOut, "The change of %s is not recorded, so that lockdown --undo does not know it: %s\n",
		terminal.Escape(cluster.Name), terminal.Escape(err.Error()))
}

// closeRecord writes down how the change has ended: done, or, when nothing of it is left, what was there before.
func (o *changeOptions) closeRecord(ctx context.Context, k *journaling, made bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollout.DefaultPace().RollBack)
	defer cancel()
	for _, entry := range k.entries {
		record := entry.former
		if made {
			entry.now.State = change.RecordDone
			record = &entry.now
		}
		if err := k.journal.Write(ctx, entry.cluster, record); err != nil {
			fmt.Fprintf(o.ErrOut, "The record of the change of %s still says that it has begun: %s\n",
				terminal.Escape(entry.cluster.Name), terminal.Escape(err.Error()))
		}
	}
}

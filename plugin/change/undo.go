package change

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// validateUndo finds flags that say what is wanted: undoing leads to what was there before.
func (o *lockdownOptions) validateUndo(cmd *cobra.Command) error {
	if !o.undo {
		return nil
	}
	with := []string{"undo", "dry-run", "output", "yes", "wait", "timeout", "force", "operator-namespace", "operator"}
	var errs []error
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if f.Changed && !slices.Contains(with, f.Name) {
			errs = append(errs, kit.UsageErrorf("--undo leads back to what was there before the last change: it can't be combined with --%s", f.Name))
		}
	})
	return errors.Join(errs...)
}

// runUndo leads back to what was there before the last change of each cluster.
func (o *lockdownOptions) runUndo(ctx context.Context) error {
	o.verb, o.logged = "undo", &change.Record{Verb: verbUndo}
	w, clusters, err := o.lookAt(ctx)
	if err != nil {
		return err
	}
	if err := unseenPolicies(w.inv, clusters); err != nil {
		return err
	}
	changes, err := o.lastChanges(ctx, w, clusters)
	if err != nil {
		return err
	}
	if len(changes) == 0 {
		return nil
	}
	plan, left := change.Undo(w.inv.Policies, changes)
	if len(plan.Steps) == 0 {
		return nothingToUndo(changes, left)
	}
	p, err := change.Propose(w.model, plan, clusters)
	if err != nil {
		return err
	}
	return o.proceed(ctx, w, p.WithUndone(changes, left), nil)
}

// lastChanges are what was recorded last for the clusters, but for undoes that were interrupted when everything was done.
func (o *lockdownOptions) lastChanges(ctx context.Context, w world, clusters []types.NamespacedName) ([]change.LastChange, error) {
	clients, err := o.source.Clients()
	if err != nil {
		return nil, err
	}
	journal := journalOf(clients)
	var changes []change.LastChange
	var errs []error
	for _, cluster := range clusters {
		r, found, err := journal.Read(ctx, cluster)
		switch {
		case err != nil:
			errs = append(errs, err)
			continue
		case !found:
			if err := o.unknownName(w.inv, cluster); err != nil {
				errs = append(errs, err)
				continue
			}
			errs = append(errs, kit.AnswerNo(fmt.Errorf("no change of %s is recorded in namespace %q, so that there is nothing to undo", change.Called(cluster), cluster.Namespace)))
			continue
		}
		interrupted := r.Verb == verbUndo && r.State == change.RecordBegun
		if interrupted && r.Stands(w.inv.Policies) {
			fmt.Fprintf(o.ErrOut, "An undo of %s was interrupted when everything was done: nothing is left to do.\n", terminal.Escape(cluster.Name))
			if o.dryRun == dryRunNone {
				o.closeRecord(ctx, &journaling{journal: journal, entries: []journalEntry{{cluster: cluster, now: r}}}, true)
			}
			continue
		}
		if interrupted {
			// It did not come to its end: that is where this one goes.
			fmt.Fprintf(o.ErrOut, "An undo of %s was interrupted, and is completed.\n", terminal.Escape(cluster.Name))
			r = r.Reversed()
		}
		changes = append(changes, change.LastChange{Cluster: cluster, Record: r})
	}
	return changes, errors.Join(errs...)
}

// nothingToUndo says why: everything is as before, or somebody has changed what the changes have left.
func nothingToUndo(changes []change.LastChange, left []change.Left) error {
	var errs []error
	for _, c := range changes {
		var why []string
		for _, l := range left {
			if l.Cluster == c.Cluster {
				why = append(why, l.String())
			}
		}
		if len(why) == 0 {
			why = []string{"everything is as it was before"}
		}
		errs = append(errs, fmt.Errorf("%s: nothing is left to undo of %s: %s", change.Called(c.Cluster), c.Record.Words(), strings.Join(why, "; ")))
	}
	return kit.AnswerNo(errors.Join(errs...))
}

package change

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// revokeOptions are what revoke needs.
type revokeOptions struct {
	changeOptions
	// grant is the name of one; empty for all of the cluster.
	grant string
}

// NewRevokeCommand returns the command revoke.
func NewRevokeCommand(globals *kit.Globals) *cobra.Command {
	o := &revokeOptions{changeOptions: newChangeOptions(globals, "revoke")}
	cmd := &cobra.Command{
		Use:         "revoke CLUSTER [NAME]",
		GroupID:     kit.GroupChange,
		Annotations: map[string]string{kit.ExitNoAnnotation: "declined, or there is no such grant"},
		Short:       "End access that was granted for a time",
		Long: kit.Long(`
			Ends one grant of a cluster, by the name that status shows, or all of them. Nothing else is
			changed: who is let in by lockdown, or by policies of others, still is.
		`),
		Example: kit.Examples(`
			# All that is granted
			kubectl cnpg-netpol revoke shop-db -n shop

			# One of them
			kubectl cnpg-netpol revoke shop-db shop-db-grant-2f1c55ab -n shop
		`),
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: o.source.CompleteClusters,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.complete(args[:1])
			if len(args) > 1 {
				o.grant = args[1]
			}
			if err := o.validate(); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	o.source.AddOperatorFlag(cmd)
	o.addFlags(cmd)
	return cmd
}

func (o *revokeOptions) run(ctx context.Context) error {
	namespace, err := o.source.ScopeOf()
	if err != nil {
		return err
	}
	w, err := look(ctx, &o.source, namespace)
	if err != nil {
		return err
	}
	cluster := types.NamespacedName{Namespace: namespace, Name: o.names[0]}
	if err := unseenPolicies(w.inv, []types.NamespacedName{cluster}); err != nil {
		return err
	}
	plan := change.Revoke(w.inv.Policies, cluster, o.grant)
	if len(plan.Steps) == 0 {
		if o.grant != "" {
			return kit.AnswerNo(fmt.Errorf("cluster %q has no grant %q: it has ended, or '%s' shows another name", cluster.Name, o.grant,
				command.Plugin("status", cluster.Name).In(namespace).InContext(*o.source.Config.Context)))
		}
		if err := o.source.UnknownNames(w.inv, namespace, o.names); err != nil {
			return err
		}
		fmt.Fprintf(o.ErrOut, "Nothing is granted for %s.\n", terminal.Escape(cluster.Name))
		return nil
	}
	p, err := change.Propose(w.model, plan, []types.NamespacedName{cluster})
	if err != nil {
		return err
	}
	if err := o.show(p); err != nil {
		return err
	}
	switch o.dryRun {
	case dryRunClient:
		printer := o.printer(o.Out)
		for _, s := range plan.Steps {
			if err := printer(s, s.Before); err != nil {
				return err
			}
		}
		return nil
	case dryRunNone:
		if err := o.confirm(); err != nil {
			return err
		}
	case dryRunServer:
	}
	if err := o.carryOut(ctx, w, p, nil); err != nil {
		return err
	}
	if o.dryRun == dryRunNone {
		if clients, err := o.source.Clients(); err == nil && w.model.Cluster(cluster) != nil {
			o.record(ctx, clients, w.model.Cluster(cluster).Object, "AccessRevoked", fmt.Sprintf("%d policies of grants were removed", len(plan.Steps)))
		}
		fmt.Fprintf(o.ErrOut, "What was granted for %s has ended.\n", terminal.Escape(cluster.Name))
	}
	return o.lost
}

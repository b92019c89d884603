package change

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/live"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/rollout"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/timer"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// confirmOptions are what confirm needs.
type confirmOptions struct {
	genericiooptions.IOStreams
	source kit.Source
	// name is the cluster.
	name string
	// extend is by how much the deadline moves; 0 confirms.
	extend time.Duration
}

// NewConfirmCommand returns the command confirm.
func NewConfirmCommand(globals *kit.Globals) *cobra.Command {
	o := &confirmOptions{IOStreams: globals.IOStreams, source: kit.Source{Globals: globals}}
	return o.command()
}

func (o *confirmOptions) command() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "confirm CLUSTER",
		GroupID: kit.GroupChange,
		Annotations: map[string]string{
			kit.ExitNoAnnotation: "too late, or there is nothing to confirm",
		},
		Short: "Keep what lockdown --confirm-within has applied",
		Long: kit.Long(`
			Keeps the default deny of a lockdown that would end by itself: it stays until unlock. Which of
			the two has happened is looked up on the server afterwards, so that a lockdown that is called
			confirmed is there, and one that has ended is not.

			With --extend, the lockdown still ends by itself, and later. Times are those of the server.
		`),
		Example: kit.Examples(`
			# Nobody is missing anything: keep it
			kubectl cnpg-netpol confirm shop-db -n shop

			# Half an hour more to find out
			kubectl cnpg-netpol confirm shop-db -n shop --extend 30m
		`),
		Args:              kit.OneCluster,
		ValidArgsFunction: o.source.CompleteClusters,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.name = args[0]
			if err := o.validate(cmd.Flags().Changed("extend")); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	cmd.Flags().DurationVar(&o.extend, "extend", 0, "Give so much more time instead: 10m")
	return cmd
}

// validate finds a time that is none.
func (o *confirmOptions) validate(extended bool) error {
	if !extended {
		return nil
	}
	if err := checkDuration("--extend", o.extend); err != nil {
		return kit.UsageError{Err: err}
	}
	return nil
}

func (o *confirmOptions) run(ctx context.Context) error {
	namespace, err := o.source.ScopeOf()
	if err != nil {
		return err
	}
	clients, err := o.source.Clients()
	if err != nil {
		return err
	}
	// Nothing else is read: whoever confirms may have little time, and little network.
	denies, err := defaultDenies(ctx, clients, namespace, o.name)
	if err != nil {
		return err
	}
	if len(denies) == 0 {
		return kit.AnswerNo(fmt.Errorf("nothing to confirm: there is no default deny of lockdown for cluster %q in namespace %q; it has ended, or never began ('%s' shows what is there)",
			o.name, namespace, command.Plugin("status", o.name).In(namespace).InContext(*o.source.Config.Context)))
	}
	timers := timersOf(clients, time.Minute)
	var errs []error
	for i := range denies {
		if o.extend > 0 {
			errs = append(errs, o.prolong(ctx, clients, timers, &denies[i]))
		} else {
			errs = append(errs, o.keep(ctx, timers, &denies[i]))
		}
	}
	return errors.Join(errs...)
}

// defaultDenies are the default denies of lockdown that a cluster has.
func defaultDenies(ctx context.Context, clients live.Clients, namespace, cluster string) ([]ciliumv2.CiliumNetworkPolicy, error) {
	list, err := clients.Cilium.CiliumV2().CiliumNetworkPolicies(namespace).List(ctx, metav1.ListOptions{
		LabelSelector: policyset.LabelManagedBy + "=" + policyset.FieldManager + "," + policyset.LabelPolicy + "=" + string(policyset.DefaultDeny),
	})
	if err != nil {
		return nil, err
	}
	var out []ciliumv2.CiliumNetworkPolicy
	for i := range list.Items {
		if policyset.IsManaged(list.Items[i].Labels, cluster) {
			out = append(out, list.Items[i])
		}
	}
	return out, nil
}

// keep makes a default deny stay.
func (o *confirmOptions) keep(ctx context.Context, timers rollout.Timers, deny *ciliumv2.CiliumNetworkPolicy) error {
	name := terminal.Escape(o.name)
	if _, timed := policyset.TimerOf(deny); !timed {
		// A confirmation that was interrupted may have left the timer behind.
		if err := timers.EndUnused(ctx, deny.Namespace, timer.LockdownName(o.name), o.name); err != nil {
			fmt.Fprintf(o.ErrOut, "A timer that ends nothing is left behind until it ends by itself: %s\n", terminal.Escape(err.Error()))
		}
		fmt.Fprintf(o.ErrOut, "The lockdown of %s is for good already.\n", name)
		return nil
	}
	kept, err := timers.Keep(ctx, deny)
	switch {
	case kept:
		if err != nil {
			fmt.Fprintf(o.ErrOut, "Its timer, which ends nothing any more, is left behind until it ends by itself: %s\n", terminal.Escape(err.Error()))
		}
		fmt.Fprintf(o.ErrOut, "The lockdown of %s is confirmed, and stays.\n", name)
		return nil
	case errors.Is(err, rollout.ErrCollected):
		return o.late()
	}
	return fmt.Errorf("whether the lockdown of cluster %q stays is not known: run the command again: %w", o.name, err)
}

// prolong moves the deadline of a default deny.
func (o *confirmOptions) prolong(ctx context.Context, clients live.Clients, timers rollout.Timers, deny *ciliumv2.CiliumNetworkPolicy) error {
	timed, ends := policyset.TimerOf(deny)
	if !ends {
		return kit.AnswerNo(fmt.Errorf("the lockdown of cluster %q is for good: there is no deadline to extend", o.name))
	}
	moved, err := timers.Extend(ctx, inventory.Timer{Namespace: deny.Namespace, Name: timed.Name, UID: timed.UID}, o.extend)
	switch {
	case errors.Is(err, rollout.ErrTimerEnded):
		return o.late()
	case err != nil:
		return err
	}
	fmt.Fprintf(o.ErrOut, "The lockdown of %s ends by itself at %s, unless it is confirmed before.\n", terminal.Escape(o.name), deadline(moved, clients.Now()))
	return nil
}

// late says that the lockdown has ended.
func (o *confirmOptions) late() error {
	return kit.AnswerNo(fmt.Errorf("too late: the lockdown of cluster %q has ended, and its default deny is gone or being deleted", o.name))
}

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
	// name is the cluster, and namespace where it is.
	name, namespace string
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
			confirmed is there, and one that has ended is not. A rehearsal that would end by itself is kept
			as a rehearsal, which still cuts off nobody.

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
	o.namespace = namespace
	clients, err := o.source.Clients()
	if err != nil {
		return err
	}
	// Nothing else is read: whoever confirms may have little time, and little network.
	set, err := managedFor(ctx, clients, namespace, o.name)
	if err != nil {
		return err
	}
	tried := onTrial(set, o.name)
	if len(tried) == 0 {
		return kit.AnswerNo(fmt.Errorf("nothing to confirm: there is no default deny of lockdown for cluster %q in namespace %q, and no rehearsal; it has ended, or never began ('%s' shows what is there)",
			o.name, namespace, command.Plugin("status", o.name).In(namespace).InContext(*o.source.Config.Context)))
	}
	timers := timersOf(clients, time.Minute)
	var errs []error
	for _, one := range tried {
		if o.extend > 0 {
			errs = append(errs, o.prolong(ctx, clients, timers, one))
		} else {
			errs = append(errs, o.keep(ctx, timers, one))
		}
	}
	return errors.Join(errs...)
}

// managedFor are the policies that lockdown manages for a cluster.
func managedFor(ctx context.Context, clients live.Clients, namespace, cluster string) ([]*ciliumv2.CiliumNetworkPolicy, error) {
	list, err := clients.Cilium.CiliumV2().CiliumNetworkPolicies(namespace).List(ctx, metav1.ListOptions{
		LabelSelector: policyset.LabelManagedBy + "=" + policyset.FieldManager,
	})
	if err != nil {
		return nil, err
	}
	var out []*ciliumv2.CiliumNetworkPolicy
	for i := range list.Items {
		if policyset.IsManaged(list.Items[i].Labels, cluster) {
			out = append(out, &list.Items[i])
		}
	}
	return out, nil
}

// What can be confirmed, in a word.
const (
	lockdownWord  = "lockdown"
	rehearsalWord = "rehearsal"
)

// trial is what can be confirmed, and ends with one timer or with none.
type trial struct {
	// what is a word for it.
	what string
	// policies are those that end, or all that there are when none does.
	policies []*ciliumv2.CiliumNetworkPolicy
	ends     bool
}

// onTrial are the default denies of a cluster, or its rehearsal. With the default deny of ingress there for good, that of
// egress alone may end, or the rehearsal of egress.
func onTrial(set []*ciliumv2.CiliumNetworkPolicy, cluster string) []trial {
	var out []trial
	rehearsal, lockdown := trial{what: rehearsalWord}, trial{what: lockdownWord}
	rehearsed := false
	for _, p := range set {
		timed, ends := policyset.TimerOf(p)
		switch {
		case policyset.Role(p.Labels[policyset.LabelPolicy]).Denies() && ends && !lockdown.ends:
			lockdown.policies, lockdown.ends = []*ciliumv2.CiliumNetworkPolicy{p}, true
		case policyset.Role(p.Labels[policyset.LabelPolicy]).Denies():
			if ends == lockdown.ends {
				lockdown.policies = append(lockdown.policies, p)
			}
		case ends && timed.Name == timer.LockdownName(cluster):
			rehearsal.policies, rehearsal.ends = append(rehearsal.policies, p), true
		}
		rehearsed = rehearsed || policyset.IsRehearsed(p)
	}
	if len(lockdown.policies) > 0 && (lockdown.ends || !rehearsal.ends) {
		return append(out, lockdown)
	}
	if rehearsed || rehearsal.ends {
		out = append(out, rehearsal)
	}
	return out
}

// keep makes a trial stay.
func (o *confirmOptions) keep(ctx context.Context, timers rollout.Timers, t trial) error {
	name := terminal.Escape(o.name)
	if !t.ends {
		// A confirmation that was interrupted may have left the timer behind.
		if err := timers.EndUnused(ctx, o.namespace, timer.LockdownName(o.name), o.name); err != nil {
			fmt.Fprintf(o.ErrOut, "A timer that ends nothing is left behind until it ends by itself: %s\n", terminal.Escape(err.Error()))
		}
		fmt.Fprintf(o.ErrOut, "The %s of %s is for good already.\n", t.what, name)
		return nil
	}
	keep := timers.KeepAll
	if len(t.policies) == 1 {
		keep = func(ctx context.Context, list []*ciliumv2.CiliumNetworkPolicy) (bool, error) {
			return timers.Keep(ctx, list[0])
		}
	}
	kept, err := keep(ctx, t.policies)
	switch {
	case kept:
		if err != nil {
			fmt.Fprintf(o.ErrOut, "Its timer, which ends nothing any more, is left behind until it ends by itself: %s\n", terminal.Escape(err.Error()))
		}
		fmt.Fprintf(o.ErrOut, "The %s of %s is confirmed, and stays.\n", t.what, name)
		return nil
	case errors.Is(err, rollout.ErrCollected):
		return o.late(t)
	}
	return fmt.Errorf("whether the %s of cluster %q stays is not known: run the command again: %w", t.what, o.name, err)
}

// prolong moves the deadline of a trial.
func (o *confirmOptions) prolong(ctx context.Context, clients live.Clients, timers rollout.Timers, t trial) error {
	if !t.ends {
		return kit.AnswerNo(fmt.Errorf("the %s of cluster %q is for good: there is no deadline to extend", t.what, o.name))
	}
	timed, _ := policyset.TimerOf(t.policies[0])
	moved, err := timers.Extend(ctx, inventory.Timer{Namespace: o.namespace, Name: timed.Name, UID: timed.UID}, o.extend)
	switch {
	case errors.Is(err, rollout.ErrTimerEnded):
		return o.late(t)
	case err != nil:
		return err
	}
	fmt.Fprintf(o.ErrOut, "The %s of %s ends by itself at %s, unless it is confirmed before.\n", t.what, terminal.Escape(o.name), deadline(moved, clients.Now()))
	return nil
}

// late says that a trial has ended.
func (o *confirmOptions) late(t trial) error {
	what := "its default deny is"
	if t.what == rehearsalWord {
		what = "its policies are"
	}
	return kit.AnswerNo(fmt.Errorf("too late: the %s of cluster %q has ended, and %s gone or being deleted", t.what, o.name, what))
}

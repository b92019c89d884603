package change

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/timer"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// annotationMaxGrant is the longest time of a grant, on the Cluster or on its Namespace; the shorter one counts.
const annotationMaxGrant = "cnpg-netpol/max-grant"

// maxReason is how long a reason may be: it stands in an annotation and in an Event.
const maxReason = 250

// grantOptions are what grant needs besides what every change does.
type grantOptions struct {
	changeOptions
	flags  kit.SetFlags
	set    policyset.Options
	time   time.Duration
	reason string
}

// NewGrantCommand returns the command grant.
func NewGrantCommand(globals *kit.Globals) *cobra.Command {
	o := &grantOptions{changeOptions: newChangeOptions(globals, "grant"), flags: kit.NewSetFlags()}
	return o.command()
}

func (o *grantOptions) command() *cobra.Command {
	cmd := &cobra.Command{
		Use:         "grant CLUSTER",
		GroupID:     kit.GroupChange,
		Annotations: map[string]string{kit.ExitNoAnnotation: "declined, or refused because it would be too long or for nothing"},
		Short:       "Let somebody connect for a time, which ends by itself",
		Long: kit.Long(`
			Lets in clients as the flags of lockdown do, and ends it by itself after --for, whether or not
			this command and its connection live until then: a Job, which runs no pod, is the timer, and
			Kubernetes deletes the policies with it. It is for instances and poolers, also where the
			cluster was locked with --through-poolers. Who asked, as the server knows them, and the reason
			are kept with the policies, in an Event of the Cluster, and in the flows that Cilium reports.

			The same grant again begins its time anew. status lists what is granted; lockdown leaves it
			alone, revoke ends it early, and unlock ends it, too. Connections that are open then are no
			longer let through. The annotation cnpg-netpol/max-grant, as in 8h, on the Cluster or on its
			Namespace is the longest time that is granted.
		`),
		Example: kit.Examples(`
			# One hour for somebody who looks into an incident
			kubectl cnpg-netpol grant shop-db -n shop --allow-pods role=debug --for 1h --reason INC-1234

			# No longer needed
			kubectl cnpg-netpol revoke shop-db -n shop
		`),
		Args:              kit.OneCluster,
		ValidArgsFunction: o.source.CompleteClusters,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := errors.Join(o.complete(args), o.validate()); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	o.flags.AddClientFlags(cmd, o.source.Globals)
	cmd.Flags().DurationVar(&o.time, "for", 0, "How long: 1h")
	cmd.Flags().StringVar(&o.reason, "reason", "", "Why, for whoever looks at it later")
	o.source.AddOperatorFlag(cmd)
	o.addFlags(cmd)
	return cmd
}

func (o *grantOptions) complete(args []string) error {
	o.changeOptions.complete(args)
	var err error
	o.set, err = o.flags.ParseClients()
	return err
}

// validate finds what is missing, or can't be.
func (o *grantOptions) validate() error {
	errs := []error{o.changeOptions.validate()}
	if err := checkDuration("--for", o.time); err != nil {
		errs = append(errs, kit.UsageError{Err: err})
	}
	if len(o.set.Grants) == 0 {
		errs = append(errs, kit.UsageErrorf("say who shall be let in, with a flag such as --allow-pods"))
	}
	if len(o.reason) > maxReason || strings.ContainsFunc(o.reason, unicode.IsControl) {
		errs = append(errs, kit.UsageErrorf("--reason %q: must be one line of %d bytes at most", o.reason, maxReason))
	}
	return errors.Join(errs...)
}

func (o *grantOptions) run(ctx context.Context) error {
	namespace, err := o.source.ScopeOf()
	if err != nil {
		return err
	}
	w, err := look(ctx, &o.source, namespace)
	if err != nil {
		return err
	}
	cluster, err := o.source.Cluster(w.inv, namespace, o.names[0])
	if err != nil {
		return err
	}
	clients, err := o.source.Clients()
	if err != nil {
		return err
	}
	object := w.model.Cluster(cluster).Object
	if err := o.allowed(ctx, clients, object); err != nil {
		return err
	}
	o.set = assess.Surrounded(w.model, o.set, cluster)
	g := policyset.Granted{
		Options: o.set, Timer: timer.Name(cluster.Name + "-" + policyset.NameOfGrant(o.set)), Reason: o.reason, RequestedBy: o.asker(ctx, clients),
	}
	plan, err := change.Grant(w.inv.Policies, g)
	if err != nil {
		return err
	}
	p, err := change.Propose(w.model, plan, []types.NamespacedName{cluster})
	if err != nil {
		return err
	}
	if err := grantable(p, cluster); err != nil {
		return err
	}
	// It takes nothing away, so that what is wrong already is no reason against it.
	p.Refusals, p.Previews[0].Refusals = nil, []v1alpha1.Refusal{}
	o.timers = []timer.Spec{{Name: g.Timer, Cluster: cluster, Purpose: timer.Grant, For: o.time, Image: imageOf(w.model, cluster)}}
	if err := o.show(p); err != nil {
		return err
	}
	switch o.dryRun {
	case dryRunClient:
		return o.printPlan(p)
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
		until := deadline(o.running[0].now, o.now)
		o.record(ctx, clients, object, "AccessGranted", fmt.Sprintf("%s until %s%s%s", strings.Join(policyset.Flags(o.set), " "), deadline(o.running[0].now, time.Time{}), after(", asked for by ", g.RequestedBy), after(": ", o.reason)))
		fmt.Fprintf(o.ErrOut, "Access to %s is granted until %s; '%s' ends it before.\n", terminal.Escape(cluster.Name), until,
			terminal.Escape(command.Plugin("revoke", cluster.Name, g.Timer).In(cluster.Namespace).InContext(*o.source.Config.Context).String()))
	}
	return o.lost
}

// printPlan prints the policies of the plan without touching the server.
func (o *grantOptions) printPlan(p change.Proposal) error {
	printer := o.printer(o.Out)
	for _, s := range p.Plan.Steps {
		if err := printer(s, s.After); err != nil {
			return err
		}
	}
	return nil
}

// grantable says why nothing is granted; nil when it can be.
func grantable(p change.Proposal, cluster types.NamespacedName) error {
	var errs []error
	for _, conflict := range p.Plan.Conflicts {
		errs = append(errs, errors.New(conflict))
	}
	for _, s := range p.Plan.Steps {
		if s.Before == nil {
			continue
		}
		if who := policyset.ManagedBy(s.Before); who != "" {
			errs = append(errs, fmt.Errorf("policy %q is kept by %s as well, which could bring back what ends", s.Policy.Name, who))
		}
	}
	if p.Previews[0].Posture.Before == v1alpha1.PostureOpen {
		errs = append(errs, fmt.Errorf("cluster %q is OPEN: everybody can connect already, so that there is nothing to grant", cluster.Name))
	}
	if len(errs) == 0 {
		return nil
	}
	return kit.AnswerNo(errors.Join(append(errs, errors.New("nothing was changed"))...))
}

// after is the text behind a separator, nothing for none.
func after(separator, text string) string {
	if text == "" {
		return ""
	}
	return separator + text
}

package change

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/clients"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/text"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// diffOptions are what run needs: the flags, and what the arguments mean.
type diffOptions struct {
	genericiooptions.IOStreams
	source kit.Source
	flags  kit.SetFlags
	output report.Output
	states states
	// evidence is who really uses the cluster, where a flag asks for it.
	evidence *kit.Evidence

	// name is the cluster; empty with operator.
	name     string
	operator bool
	// set is what the flags say, and given that any of them was given.
	set   policyset.Options
	given bool
}

func newDiffOptions(globals *kit.Globals) *diffOptions {
	o := &diffOptions{IOStreams: globals.IOStreams, source: kit.Source{Globals: globals}, flags: kit.NewSetFlags()}
	o.evidence = kit.NewOptionalEvidence(&o.source)
	return o
}

// NewDiffCommand returns the command diff.
func NewDiffCommand(globals *kit.Globals) *cobra.Command { return newDiffOptions(globals).command() }

func (o *diffOptions) command() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "diff CLUSTER | --operator | --from DIR [--to DIR]",
		GroupID: kit.GroupInspect,
		Annotations: map[string]string{
			kit.ExitNoAnnotation: "lockdown would change something, or the two states differ",
		},
		Short: "Show what lockdown would change, or what differs between two states of manifests",
		Long: kit.Long(`
			Shows the policies as they are and as lockdown with the same flags would leave them, as a
			unified diff. Nothing is changed. Fields that the server or Cilium writes are left out.

			Without any flag of the policy set, a cluster that is locked already is compared with the
			flags that it was locked with: what differs then is what somebody has changed since.

			-o json and -o yaml print the whole preview instead, for programs: the policies, the required
			flows before and after, who gains, loses and keeps access, and why lockdown would refuse.
			-o table is the preview for people, and -o markdown a comment for a pull request. With --evidence
			or --flows, the preview has those who really use the cluster and would be cut off.

			With --from, two states of a repository are compared instead, and no server is asked: for every
			cluster in them its posture, the required flows that change, who gains and who loses access, and
			the findings that are new or gone. Every client of either state is judged by the policies of
			both. A directory with a kustomization is built; of others, everything below is read.
		`),
		Example: kit.Examples(`
			# What would lockdown with these flags change?
			kubectl cnpg-netpol diff shop-db -n shop --allow-pods role=backend

			# Who would lose access?
			kubectl cnpg-netpol diff shop-db -n shop --allow-pods role=backend -o json | jq '.access.loses'

			# Has anybody changed the policies since they were applied?
			kubectl cnpg-netpol diff shop-db -n shop

			# What does a branch change, for all databases? As a comment on the pull request
			git worktree add ../base main
			kubectl cnpg-netpol diff --from ../base --to . -o markdown
		`),
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: o.source.CompleteClusters,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := errors.Join(o.complete(cmd, args), o.validate(), o.validateStates(cmd, args)); err != nil {
				return err
			}
			if cmd.Flags().Changed("from") {
				return o.runStates(cmd.Context())
			}
			return o.run(cmd.Context())
		},
	}
	o.flags.AddFlags(cmd, o.source.Globals, &o.source.OperatorNamespace)
	o.source.Files.AddFlags(cmd)
	o.states.addFlags(cmd)
	o.evidence.AddFlags(cmd)
	operatorFlag(cmd, &o.operator, "Compare the set of the operator of all clusters instead")
	kit.OutputVarP(cmd, &o.output, report.ChangeFormats())
	return cmd
}

// complete takes the arguments, and reads the flags of the policy set.
func (o *diffOptions) complete(cmd *cobra.Command, args []string) error {
	if o.given = o.flags.Given(cmd); len(args) > 0 {
		o.name = args[0]
	}
	var err error
	o.set, err = o.flags.Parse()
	return errors.Join(err, o.evidence.Complete(time.Now()))
}

// validate finds flags that need another one.
func (o *diffOptions) validate() error {
	errs := []error{o.source.Files.Validate()}
	if o.operator {
		var names []string
		if o.name != "" {
			names = append(names, o.name)
		}
		errs = append(errs, validateOperator(&o.source, names))
		if err := o.set.CheckForOperator(); err != nil {
			errs = append(errs, kit.UsageError{Err: err})
		}
		if o.evidence.Wanted() {
			errs = append(errs, kit.UsageErrorf("--evidence and --flows do not go with --operator: they say who uses a database"))
		}
	}
	if o.evidence.Wanted() && !o.previews() {
		errs = append(errs, kit.UsageErrorf("--evidence and --flows are about the preview, which -o prints: add -o table, json, yaml or markdown"))
	}
	return errors.Join(errs...)
}

// previews is true where the preview is printed, and not the difference of the policies alone.
func (o *diffOptions) previews() bool { return o.output.Format != "" || o.output.Template != nil }

func (o *diffOptions) run(ctx context.Context) error {
	if o.operator {
		return o.runOperator(ctx)
	}
	namespace, err := o.source.ScopeOf()
	if err != nil {
		return err
	}
	w, err := look(ctx, &o.source, namespace)
	if err != nil {
		return err
	}
	cluster, err := o.source.Cluster(w.inv, namespace, o.name)
	if err != nil {
		return err
	}
	set := o.set
	if !o.given {
		if set, err = lockedWith(w.model, cluster, set); err != nil {
			return err
		}
	}
	return o.compare(ctx, w, namespace, assess.Surrounded(w.model, set, cluster))
}

// runOperator is run for the operator.
func (o *diffOptions) runOperator(ctx context.Context) error {
	w, namespace, err := lookAtOperator(ctx, &o.source)
	if err != nil {
		return err
	}
	set := o.set
	if !o.given {
		if set, err = operatorLockedWith(w.model, namespace, set); err != nil {
			return err
		}
	}
	planned, err := assess.ForOperator(w.model, set, namespace)
	if err != nil {
		return err
	}
	return o.compare(ctx, w, "", planned)
}

// compare prints what a lockdown would change.
func (o *diffOptions) compare(ctx context.Context, w world, namespace string, planned policyset.Options) error {
	plan, err := change.Lockdown(w.inv.Policies, []policyset.Options{planned})
	if err != nil {
		return err
	}
	if err := o.print(ctx, w, namespace, plan, planned); err != nil {
		return err
	}
	var errs []error
	for _, conflict := range plan.Conflicts {
		errs = append(errs, errors.New(conflict))
	}
	if len(plan.Changing()) > 0 || len(errs) > 0 {
		return kit.AnswerNo(errors.Join(errs...))
	}
	return nil
}

// lockedWith are the options that the cluster was locked with, or those that were given when it is not.
func lockedWith(m *model.Model, cluster types.NamespacedName, given policyset.Options) (policyset.Options, error) {
	recorded, err := policyset.FromLive(cluster, assess.Managed(m, m.Cluster(cluster)))
	switch {
	case errors.Is(err, policyset.ErrNotLocked):
		return given, nil
	case err != nil:
		return given, fmt.Errorf("the flags that cluster %q was locked with can't be read from its policies, so give them: %w", cluster.Name, err)
	}
	return recorded, nil
}

// print writes the difference of the policies, or the whole preview for programs.
func (o *diffOptions) print(ctx context.Context, w world, namespace string, plan change.Plan, planned policyset.Options) error {
	diff, err := diffOf(plan)
	if err != nil {
		return err
	}
	if !o.previews() {
		_, err = fmt.Fprint(o.Out, o.colored(diff))
		return err
	}
	var questions map[types.NamespacedName]clients.Question
	if o.evidence.Wanted() {
		if w, questions, err = observed(ctx, &o.source, o.evidence, w, namespace, []types.NamespacedName{planned.Cluster}); err != nil {
			return err
		}
	}
	p, err := change.Propose(w.model, plan, []types.NamespacedName{planned.Cluster})
	if err != nil {
		return err
	}
	if err := observedChanges(w, p, []policyset.Options{planned}, questions); err != nil {
		return err
	}
	_, width := terminal.Detect(o.Out)
	return report.PrintChange(o.Out, o.output, p.Previews[0].Whole(), diff, text.Options{Colors: o.source.Colors(o.Out), Width: width})
}

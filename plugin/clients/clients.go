// Package clients has the verb clients: who uses a database, and the lockdown that lets them in. What is
// evidence for that, packages observe and kit know.
package clients

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/clients"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// options are what run needs: the flags, and what the arguments mean.
type options struct {
	genericiooptions.IOStreams
	source   kit.Source
	evidence *kit.Evidence
	output   report.Output
	// denied asks for those alone who are being denied.
	denied bool
	// watch shows the list again and again.
	watch bool
	now   func() time.Time

	// name is the cluster.
	name string
}

func newOptions(globals *kit.Globals) *options {
	o := &options{IOStreams: globals.IOStreams, source: kit.Source{Globals: globals}, output: report.Output{Format: report.Table}, now: time.Now}
	o.evidence = kit.NewEvidence(&o.source)
	return o
}

// NewCommand returns the command clients.
func NewCommand(globals *kit.Globals) *cobra.Command { return newOptions(globals).command() }

func (o *options) command() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "clients CLUSTER",
		GroupID: kit.GroupInspect,
		Annotations: map[string]string{
			kit.ExitNoAnnotation: "with --denied, somebody is denied",
		},
		Short: "Show who uses a cluster, and the lockdown that lets them in",
		Long: kit.Long(`
			Policies say who may connect; this says who does, with the evidence for each:

			  CONNECTED  sessions that are open now, as the instances and poolers tell
			  SEEN       connections that Hubble has seen, of pods that are gone as well
			  REFERS     the spec of the workload names the cluster's Secrets or Services, or a ConfigMap
			             that names them; of who scrapes, a monitor selects the pods
			  MAY        the policies that are there now let it in
			  FLAG       the flag of lockdown that lets it in

			A question mark means that nobody has looked. Each evidence says how far it reaches, what it
			has lost, and what it never sees; one that can't be had says what it would need. That nobody
			is listed is no proof that nobody connects.

			At the end is the command that locks the cluster down for those who use it or refer to it,
			as narrow as the flags allow, and whom it leaves out. Cilium's own engine has judged it.

			Sessions are asked for by psql in the pods of the database, and flows by a port-forward to
			Hubble's relay: 'rbac observe' prints the role for both. --evidence leaves out what you do
			not want. Of Secrets, only the names in specs are looked at; nothing reads their data.

			--watch shows the list again as it changes: the relay tells of each connection as it comes,
			sessions are asked for every few seconds, and specs are read now and then.
		`),
		Example: kit.Examples(`
			# Who uses the database?
			kubectl cnpg-netpol clients shop-db -n shop

			# Look back an hour, and watch for five more minutes
			kubectl cnpg-netpol clients shop-db -n shop --since 1h --for 5m

			# Who comes, as they come?
			kubectl cnpg-netpol clients shop-db -n shop --watch

			# With what was recorded
			hubble observe --since 1h --to-port 5432 -o jsonpb > flows.jsonl
			kubectl cnpg-netpol clients shop-db -n shop --flows flows.jsonl

			# Who is being denied, by which policies, and what do they lack?
			kubectl cnpg-netpol clients shop-db -n shop --flows flows.jsonl --since 10m --denied

			# Without a Kubernetes cluster, and for a script
			kubectl cnpg-netpol clients shop-db -f deploy/ -R --flows flows.jsonl.gz -o json
		`),
		Args:              kit.OneCluster,
		ValidArgsFunction: o.completeCluster,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := errors.Join(o.complete(args), o.source.Files.Validate()); err != nil {
				return err
			}
			if o.watch {
				return o.runWatch(cmd.Context())
			}
			return o.run(cmd.Context())
		},
	}
	o.evidence.AddFlags(cmd)
	cmd.Flags().BoolVar(&o.denied, "denied", false, "Show only who is denied, and what each of them lacks")
	cmd.Flags().BoolVarP(&o.watch, "watch", "w", false, "Show the clients anew as they come, until interrupted")
	o.source.Files.AddFlags(cmd)
	o.source.AddOperatorFlag(cmd)
	kit.OutputVarP(cmd, &o.output, report.ClientFormats())
	return cmd
}

// completeCluster completes one name.
func (o *options) completeCluster(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return o.source.CompleteClusters(cmd, args, typed)
}

// complete takes the arguments, and reads the flags.
func (o *options) complete(args []string) error {
	o.name = args[0]
	return errors.Join(o.evidence.Complete(o.now()), o.completeWatch())
}

// completeWatch refuses what can't be shown again and again.
func (o *options) completeWatch() error {
	if !o.watch {
		return nil
	}
	var errs []error
	if o.source.Offline() {
		errs = append(errs, kit.UsageErrorf("--watch needs a cluster: it can't be combined with --filename"))
	}
	if name := o.evidence.OneLook(); name != "" {
		errs = append(errs, kit.UsageErrorf("--watch looks until it is interrupted: it can't be combined with %s", name))
	}
	return errors.Join(errs...)
}

func (o *options) run(ctx context.Context) error {
	namespace, err := o.source.ScopeOf()
	if err != nil {
		return err
	}
	inv, problem := o.source.Collect(ctx, namespace, nil)
	if inv == nil || o.source.Blind(inv) {
		return problem
	}
	key, err := o.source.Cluster(inv, namespace, o.name)
	if err != nil {
		return errors.Join(problem, err)
	}
	list, err := o.list(ctx, inv, key)
	if err != nil {
		return errors.Join(problem, err)
	}
	code := error(nil)
	if o.denied {
		if list = onlyDenied(list); len(list.Clients) > 0 {
			code = kit.AnswerNo(nil)
		} else {
			fmt.Fprintln(o.ErrOut, "Nobody was found who is denied. What the evidence does not cover is not ruled out.")
		}
	}
	_, width := terminal.Detect(o.Out)
	return errors.Join(problem, o.print(o.Out, list, width), code)
}

// list gathers the evidence and asks the engine.
func (o *options) list(ctx context.Context, inv *inventory.Inventory, key types.NamespacedName) (v1alpha1.ClientList, error) {
	evidence, err := o.evidence.Gather(ctx, inv, key)
	if err != nil {
		return v1alpha1.ClientList{}, err
	}
	return o.judge(inv, key, evidence)
}

// judge asks the engine about those for whom there is evidence.
func (o *options) judge(inv *inventory.Inventory, key types.NamespacedName, evidence observe.Evidence) (v1alpha1.ClientList, error) {
	question, inv := clients.Ask(inv, key, evidence)
	m, err := model.New(inv, model.Options{Namespace: key.Namespace, OperatorNamespace: o.source.OperatorNamespace, Extra: question.Extra()})
	if err != nil {
		return v1alpha1.ClientList{}, err
	}
	list, err := question.List(m)
	if list.Lockdown != nil {
		list.Lockdown.Command = list.Lockdown.Command.InContext(*o.source.Config.Context)
	}
	if list.Rehearsal != nil {
		list.Rehearsal.Lockdown = list.Rehearsal.Lockdown.InContext(*o.source.Config.Context)
	}
	return list, err
}

// onlyDenied leaves those who are denied now, or were seen to be, and what is about them.
func onlyDenied(list v1alpha1.ClientList) v1alpha1.ClientList {
	list.Clients = slices.DeleteFunc(list.Clients, func(c v1alpha1.ObservedClient) bool {
		return c.Verdict != v1alpha1.VerdictDenied && c.Denied() == 0
	})
	list.MayConnect, list.MayConnectEntities = []v1alpha1.Client{}, []v1alpha1.Entity{}
	list.Lockdown, list.Rehearsal, list.Notes = nil, nil, []string{}
	return list
}

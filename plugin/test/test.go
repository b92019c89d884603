package test

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/expect"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/text"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// options are what run needs: which expectations, and how to show what came of them.
type options struct {
	genericiooptions.IOStreams
	source kit.Source
	output report.Output
	// probes ask the data path as well.
	probes *kit.Probes
	// init asks for expectations to be written. The arguments are the names of clusters then, all when there are none, and
	// else files.
	init bool
	// arguments are files of expectations, or names.
	arguments []string
}

func newOptions(globals *kit.Globals) *options {
	o := &options{IOStreams: globals.IOStreams, source: kit.Source{Globals: globals}, output: report.Output{Format: report.Table}}
	o.probes = kit.NewProbes(&o.source)
	return o
}

// NewCommand returns the command test.
func NewCommand(globals *kit.Globals) *cobra.Command { return newOptions(globals).command() }

func (o *options) command() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "test (FILE... | --init [CLUSTER...])",
		GroupID: kit.GroupCheck,
		Annotations: map[string]string{
			kit.ExitNoAnnotation: "an expectation is not met",
		},
		Short: "Test who must and who must not connect, as files of expectations say",
		Long: kit.Long(`
			Reads expectations and asks Cilium's own engine about each, in the Kubernetes cluster or in
			the manifests of -f and -k. FILE is a file with one or more documents of kind Expectations,
			a folder that has such files in it or below it, or - for the standard input:

			  apiVersion: cnpg-netpol/v1alpha1
			  kind: Expectations
			  namespace: shop
			  expect:
			  - {from: deployment/api, to: shop-db, verdict: allowed, because: it takes the orders}
			  - {from: world, to: shop-db, verdict: denied}
			  - from: {labels: {app: etl}, namespace: data}
			    to: {cluster: shop-db, pooler: shop-db-rw}
			    verdict: allowed
			  - {from: shop-db, to: external s3.eu-west-1.amazonaws.com:443, verdict: allowed}
			  - {to: shop-db, posture: LOCKED}

			from is a SOURCE of 'explain', or the labels of a pod that need not exist, with namespace and
			serviceAccount. to is a cluster, as NAME or NAMESPACE/NAME, or with pooler and port as
			{cluster: NAME, namespace: NAMESPACE, pooler: NAME, port: 9187}.

			A cluster can also be what connects: to is a TARGET of 'explain --to' then, and from is the
			cluster, for its instances, or {cluster: NAME, pooler: NAME} or {cluster: NAME, job: ROLE}.

			verdict is allowed or denied, and must hold for every pod of both ends; posture is that of
			'status'. because is what somebody reads when the expectation is not met.

			A cluster that names no namespace is in that of the document, else in that of the command
			(-n). Sources and targets that name none are in the namespace of their cluster.

			With --probe, the data path is asked about connections, too, as 'explain --probe' does.

			--init writes an Expectations document for each CLUSTER, all of the namespace without any:
			what holds today. What has no clear answer is a comment with the reason.

			Exit code 2 also stands for an expectation that can't be answered; do not read it as met.
		`),
		Example: kit.Examples(`
			# Write down what holds today, and look at it; test it from now on
			kubectl cnpg-netpol test --init shop-db -n shop > shop-db.yaml
			kubectl cnpg-netpol test shop-db.yaml

			# All expectations of a repository, against its manifests: a gate in a pipeline
			kubectl cnpg-netpol test expectations/ -f deploy/ -R -o junit > results.xml
			kubectl cnpg-netpol test expectations/ -k overlays/production -o markdown

			# One question, without a file
			echo '{"apiVersion": "cnpg-netpol/v1alpha1", "kind": "Expectations",
			  "expect": [{"to": "shop/shop-db", "posture": "LOCKED"}]}' | kubectl cnpg-netpol test -

			# What is not met, for a script
			kubectl cnpg-netpol test shop-db.yaml -o json | jq '.results[] | select(.outcome != "met")'
		`),
		ValidArgsFunction: o.completeArguments,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.complete(args)
			if err := o.validate(cmd.Flags()); err != nil {
				return err
			}
			if o.init {
				return o.runInit(cmd.Context())
			}
			return o.run(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&o.init, "init", false, "Write what holds today as expectations; the arguments are the names of clusters then")
	o.probes.AddFlags(cmd.Flags(), "probe", "Let pods with the clients' identities connect as well; an expectation is unknown where that contradicts the engine")
	o.source.Files.AddFlags(cmd)
	o.source.AddOperatorFlag(cmd)
	kit.OutputVarP(cmd, &o.output, report.TestFormats())
	return cmd
}

// complete takes the arguments.
func (o *options) complete(args []string) { o.arguments = args }

// validate finds arguments that are missing, and flags that exclude each other. All that is wrong is reported.
func (o *options) validate(flags *pflag.FlagSet) error {
	errs := []error{o.source.Files.Validate(), o.probes.Validate()}
	switch {
	case o.init:
		if o.probes.Wanted {
			errs = append(errs, kit.UsageErrorf("--init writes what the engine says today, and asks no data path: leave out --probe"))
		}
		if flags.Changed("output") {
			errs = append(errs, kit.UsageErrorf("--init writes YAML that test reads: it can't be combined with -o"))
		}
	case len(o.arguments) == 0 && o.source.Offline():
		errs = append(errs, kit.UsageErrorf("the expectations are missing: name their files as arguments; -f and -k name the manifests that are judged"))
	case len(o.arguments) == 0:
		errs = append(errs, kit.UsageErrorf("the expectations are missing: name their files, or write some with test --init CLUSTER"))
	case slices.Contains(o.arguments, "-") && slices.Contains(o.source.Files.Filenames, "-"):
		errs = append(errs, kit.UsageErrorf("the standard input can't be both expectations and manifests: write one of them to a file"))
	}
	return errors.Join(errs...)
}

// completeArguments completes names of clusters with --init, else files.
func (o *options) completeArguments(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if o.init {
		return o.source.CompleteClusters(cmd, args, typed)
	}
	return nil, cobra.ShellCompDirectiveDefault
}

func (o *options) run(ctx context.Context) error {
	expectations, err := read(o.arguments, o.In)
	if err != nil {
		return err
	}
	namespace, err := o.source.ScopeOf()
	if err != nil {
		return err
	}
	scope, names := scopeOf(expectations, namespace)
	inv, problem := o.source.Collect(ctx, scope, names)
	if inv == nil || o.source.Blind(inv) {
		return problem
	}
	asked := make([]expect.Asked, len(expectations))
	for i, x := range expectations {
		asked[i] = o.lookUp(ctx, inv, x, namespace)
	}
	results, err := expect.Test(inv, asked, o.source.OperatorNamespace)
	if err != nil {
		return errors.Join(problem, err)
	}
	if o.probes.Wanted {
		if err := o.probe(ctx, inv, asked, &results); err != nil {
			return errors.Join(problem, err)
		}
	}
	for i := range results.Results {
		results.Results[i].Remedy = o.asGiven(results.Results[i].Remedy)
	}
	_, width := terminal.Detect(o.Out)
	if err := report.PrintTests(o.Out, o.output, results, text.Options{Colors: o.source.Colors(o.Out), Width: width}); err != nil {
		return err
	}
	return errors.Join(problem, outcome(results))
}

// scopeOf are the only namespace and the names of the clusters that are asked about; no namespace stands for all.
func scopeOf(expectations []expect.Expectation, namespace string) (scope string, names []string) {
	scopes := map[string]bool{}
	for _, x := range expectations {
		names = append(names, x.Cluster)
		if scope = x.Namespace; scope == "" {
			scope = namespace
		}
		scopes[scope] = true
	}
	if len(scopes) > 1 {
		scope = ""
	}
	return scope, kit.Unique(names)
}

// lookUp finds the cluster of an expectation, and a pod template for a workload of which no pod runs.
func (o *options) lookUp(ctx context.Context, inv *inventory.Inventory, x expect.Expectation, namespace string) expect.Asked {
	asked := expect.Asked{Expectation: x}
	if x.Namespace != "" {
		namespace = x.Namespace
	}
	if asked.Key, asked.Err = o.source.Cluster(inv, namespace, x.Cluster); asked.Err != nil {
		asked.Key.Namespace = namespace
		return asked
	}
	if x.Posture == "" && !x.Outbound {
		asked.Note, asked.Err = o.source.AddTemplate(ctx, inv, x.In(asked.Key.Namespace))
	}
	return asked
}

// outcome is the exit code: no when an expectation is not met, and failed when one has no answer.
func outcome(results v1alpha1.TestReport) error {
	var errs []error
	if results.NotMet > 0 {
		errs = append(errs, kit.AnswerNo(nil))
	}
	if results.Unknown > 0 {
		errs = append(errs, fmt.Errorf("%d of %d expectations can't be answered: do not take them for met", results.Unknown, len(results.Results)))
	}
	return errors.Join(errs...)
}

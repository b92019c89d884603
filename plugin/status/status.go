package status

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/manifests"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/text"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// failOn is the value of --fail-on.
type failOn string

const (
	failOnNone    failOn = "none"
	failOnError   failOn = "error"
	failOnWarning failOn = "warning"
)

// options are what run needs: the flags, and what the arguments mean.
type options struct {
	genericiooptions.IOStreams
	source kit.Source
	// names are the clusters that are asked about, all when it is empty.
	names    []string
	output   report.Output
	failOn   failOn
	watch    bool
	contexts contextOptions
}

func newOptions(globals *kit.Globals) *options {
	return &options{IOStreams: globals.IOStreams, source: kit.Source{Globals: globals}, output: report.Output{Format: report.Table}, failOn: failOnNone}
}

// NewCommand returns the command status.
func NewCommand(globals *kit.Globals) *cobra.Command { return newOptions(globals).command() }

func (o *options) command() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "status [CLUSTER...]",
		GroupID: kit.GroupInspect,
		Annotations: map[string]string{
			kit.ExitNoAnnotation: "--fail-on found something",
		},
		Short: "Show how far CloudNativePG clusters are isolated, and by which policies",
		Long: kit.Long(`
			Shows for each CloudNativePG cluster its posture, the policies that select its pods, whether
			the connections that it needs are allowed, who can reach PostgreSQL, and what to do about
			what is wrong. All verdicts come from Cilium's own policy engine.

			Postures:
			  LOCKED   ingress default deny holds on every pod, and all required connections are allowed
			  PARTIAL  some pods or ports are open to everybody, or the policy set is not complete
			  OPEN     no policy restricts ingress to any pod
			  BROKEN   a policy blocks a connection that the cluster needs
			  UNKNOWN  evidence is missing; do not read it as safe
		`),
		Example: kit.Examples(`
			# All clusters of the current namespace; one cluster; all clusters there are
			kubectl cnpg-netpol status
			kubectl cnpg-netpol status shop-db -n shop
			kubectl cnpg-netpol status -A

			# Manifests instead of a Kubernetes cluster
			kubectl cnpg-netpol status -f deploy/ -R
			kubectl get ns,pods,cnp,ccnp,netpol,cep,clusters.postgresql.cnpg.io -A -o yaml |
			  kubectl cnpg-netpol status -f -

			# A gate in a pipeline: exit code 1 when there is an error
			kubectl cnpg-netpol status -f deploy/ -R --fail-on error

			# What GitHub shows at a pull request: annotations at the lines, and a summary
			kubectl cnpg-netpol status -f . -R -o sarif > netpol.sarif
			kubectl cnpg-netpol status -f . -R -o markdown >> $GITHUB_STEP_SUMMARY

			# The clusters of several Kubernetes clusters in one table
			kubectl cnpg-netpol status -A --contexts staging,production

			# A picture: a page for the browser, or a block for a Markdown file
			kubectl cnpg-netpol status shop-db -n shop -o html > shop-db.html
			kubectl cnpg-netpol status shop-db -n shop -o mermaid

			# The postures, for a script
			kubectl cnpg-netpol status -A -o json | jq -r '.items[] | .metadata.name + " " + .posture'
			kubectl cnpg-netpol status -A -o custom-columns=NAME:.metadata.name,POSTURE:.posture
		`),
		ValidArgsFunction: o.completeClusters,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.complete(args)
			if err := o.validate(); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	kit.AllNamespacesVar(cmd, &o.source.AllNamespaces)
	o.source.Files.AddFlags(cmd)
	o.source.AddOperatorFlag(cmd)
	kit.OutputVarP(cmd, &o.output, report.Formats())
	kit.EnumVarP(cmd, cmd.Flags(), &o.failOn, "fail-on", "", "Exit with 1 when there is a finding as severe as this",
		failOnNone, failOnError, failOnWarning)
	o.contexts.addFlags(cmd, o.source.Globals)
	cmd.Flags().BoolVarP(&o.watch, "watch", "w", false, "Show the status anew whenever something changes, until interrupted")
	return cmd
}

// complete takes the arguments.
func (o *options) complete(args []string) { o.names = args }

// validate finds flags that need another one, or that exclude each other. All that is wrong is reported.
func (o *options) validate() error {
	var errs []error
	if o.watch && o.source.Offline() {
		errs = append(errs, kit.UsageErrorf("--watch needs a cluster: it can't be combined with --filename"))
	}
	if o.watch && o.failOn != failOnNone {
		errs = append(errs, kit.UsageErrorf("--watch never ends with an answer: it can't be combined with --fail-on"))
	}
	errs = append(errs, o.source.Files.Validate())
	if once := []report.Format{report.DOT, report.Mermaid, report.HTML, report.Markdown, report.SARIF, report.JUnit}; o.watch && slices.Contains(once, o.output.Format) {
		errs = append(errs, kit.UsageErrorf("--watch prints one report after the other: it can't be combined with -o %s", o.output.Format))
	}
	errs = append(errs, o.contexts.validate(o))
	return errors.Join(errs...)
}

// run shows the status once, for as long as somebody watches, or of several contexts.
func (o *options) run(ctx context.Context) error {
	switch {
	case o.watch:
		return o.runWatch(ctx)
	case o.contexts.several():
		return o.runContexts(ctx)
	}
	return o.runOnce(ctx)
}

func (o *options) runOnce(ctx context.Context) error {
	list, problem := o.evaluate(ctx)
	if list == nil {
		return problem
	}
	if err := o.print(o.Out, *list); err != nil {
		return err
	}
	told, unknown := unknownPostures(*list)
	return errors.Join(without(problem, told), unknown, o.tripped(*list))
}

// without is err without the problems that are told with how many postures they touch.
func without(err error, told map[string]bool) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var left []error
		for _, one := range joined.Unwrap() {
			left = append(left, without(one, told))
		}
		return errors.Join(left...)
	}
	if err != nil && told[err.Error()] {
		return nil
	}
	return err
}

// evaluate returns the reports, nil when there can't be any, and what went wrong besides.
func (o *options) evaluate(ctx context.Context) (*v1alpha1.IsolationReportList, error) {
	namespace, err := o.source.ScopeOf()
	if err != nil {
		return nil, err
	}
	inv, problem := o.source.Collect(ctx, namespace, o.names)
	if inv == nil {
		return nil, problem
	}
	problem = errors.Join(problem, o.source.UnknownNames(inv, namespace, o.names))
	model, err := model.New(inv, o.modelOptions(namespace))
	if err != nil {
		return nil, err
	}
	list := assess.EvaluateWithin(model, patience())
	if o.output.Format == report.SARIF || o.output.Format == report.Markdown || o.output.Format == report.JUnit {
		manifests.Locate(ctx, inv, &list)
	}
	o.source.NameContextIn(&list)
	if len(list.Items) == 0 {
		problem = errors.Join(problem, notRendered(inv))
	}
	if len(list.Items) == 0 && problem == nil {
		fmt.Fprintf(o.ErrOut, "No CloudNativePG clusters found in %s.\n", terminal.Escape(o.where(namespace)))
	}
	return &list, problem
}

// mostPerCluster is how long the evaluation of one cluster may take: it takes milliseconds.
const mostPerCluster = 2 * time.Minute

func patience() assess.Patience {
	return assess.Patience{Limit: mostPerCluster, Begin: func(*model.Cluster) (<-chan time.Time, func()) {
		t := time.NewTimer(mostPerCluster)
		return t.C, func() { t.Stop() }
	}}
}

func (o *options) modelOptions(namespace string) model.Options {
	return model.Options{Namespace: namespace, Names: o.names, OperatorNamespace: o.source.OperatorNamespace}
}

func (o *options) where(namespace string) string {
	switch {
	case o.source.Offline() && namespace == "":
		return "the manifests"
	case namespace == "":
		return "any namespace"
	default:
		return fmt.Sprintf("namespace %q", namespace)
	}
}

// print prints the reports; contexts are those that were asked, in their order.
func (o *options) print(w io.Writer, list v1alpha1.IsolationReportList, contexts ...string) error {
	_, width := terminal.Detect(w)
	output := o.output
	output.Version, output.Least = o.source.Globals.Version(), v1alpha1.Severity(o.failOn)
	return report.Print(w, output, list, text.Options{Colors: o.source.Colors(o.Out), Width: width, Contexts: contexts, Context: *o.source.Config.Context})
}

func (o *options) tripped(list v1alpha1.IsolationReportList) error {
	trips := map[v1alpha1.Severity]bool{}
	switch o.failOn {
	case failOnWarning:
		trips[v1alpha1.SeverityWarning] = true
		fallthrough
	case failOnError:
		trips[v1alpha1.SeverityError] = true
	case failOnNone:
		return nil
	}
	if o.source.Offline() && len(list.Items) == 0 {
		return errors.New("--fail-on has nothing to judge: there is no CloudNativePG cluster in the manifests")
	}
	findings := list.Findings
	for _, r := range list.Items {
		findings = append(findings[:len(findings):len(findings)], r.Findings...)
	}
	for _, f := range findings {
		if trips[f.Severity] {
			return kit.AnswerNo(nil)
		}
	}
	return nil
}

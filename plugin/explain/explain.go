package explain

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/propose"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/text"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// options are what run needs: the question, and how to answer it.
type options struct {
	genericiooptions.IOStreams
	source kit.Source
	query  explain.Query
	// whyNot asks for the smallest change that would let a denied source in.
	whyNot bool
	// probes ask the data path as well.
	probes *kit.Probes
	output report.Output
	// contexts are those of the source and of the cluster, when they are in two Kubernetes clusters.
	contexts []string
	// described is a pod that does not exist, as the flags describe it.
	described described

	// asked are the flags that ask the other way: what the cluster wants to reach, and who of it does.
	asked asked

	// from and name are the two ends of the connection: who asks, and which cluster is asked about. With
	// outbound, the cluster wants to reach the target, and sender says who of it.
	from     explain.Source
	name     string
	outbound bool
	target   explain.Target
	sender   explain.Sender
}

// asked are the flags of the question the other way.
type asked struct{ to, from string }

// described are the flags that stand in place of the source.
type described struct{ labels, namespace, serviceAccount string }

func newOptions(globals *kit.Globals) *options {
	o := &options{IOStreams: globals.IOStreams, source: kit.Source{Globals: globals}, output: report.Output{Format: report.Table}}
	o.probes = kit.NewProbes(&o.source)
	return o
}

// NewCommand returns the command explain.
func NewCommand(globals *kit.Globals) *cobra.Command { return newOptions(globals).command() }

func (o *options) command() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "explain (SOURCE CLUSTER | CLUSTER --to TARGET)",
		GroupID: kit.GroupInspect,
		Annotations: map[string]string{
			kit.ExitNoAnnotation: "denied, for at least one of the instances or of what --to names",
		},
		Short: "Explain whether a pod can connect to a cluster, or the cluster to what it needs",
		Long: kit.Long(`
			Answers whether SOURCE can connect to the instances of a cluster or to one of its poolers,
			and names each rule that decided it: on the way into the database (ingress) and on the way
			out of the source (egress). The verdict is Cilium's own engine's.

			SOURCE is one of:
			  pod/NAME, deployment/NAME, …  a pod, or a workload's pods, in the cluster's namespace
			  NAMESPACE/pod/NAME, …         the same in another namespace
			  namespace/NAME                a pod there without labels
			  world                         anybody outside the Kubernetes cluster
			  203.0.113.7, 203.0.113.0/24   addresses outside the Kubernetes cluster
			  host, remote-node             the node that the instance runs on; the other nodes
			  kube-apiserver                the API server
			  ingress, health               the proxy behind Ingresses and Gateways; Cilium's health checks
			  unmanaged, init               pods that Cilium does not manage; pods without an identity yet
			A pod that does not exist yet is described by --labels and --source-namespace in its place. With
			the label io.cilium.k8s.policy.cluster, it is in another Kubernetes cluster of Cilium's mesh; with
			--contexts, SOURCE is looked up there, and its own policies are asked as well.

			With --to, it answers the other way: whether the cluster can connect to TARGET, for each
			instance and the next one, or for who --from names:
			  api-server                    the API server, wherever it was found
			  dns                           DNS, by UDP and, for long answers, by TCP
			  'external HOST:PORT'          a DNS name or address; HOST:PORT alone means the same
			  203.0.113.7:443, [2001:db8::7]:443
			  NAMESPACE/service/NAME        a Service, its port behind a colon; 5432 when it has that
			  NAMESPACE/pod/NAME, …         a pod or a workload's pods, the port behind a colon; 5432
			                                for a database
			The port may also stand in --port. NAMESPACE/ is the cluster's namespace when left out.

			With --probe, the data path is asked as well: a pod with the labels and the service account by
			which Cilium knows the source opens connections, without logging in, and is gone afterwards.
			It is never ready, so that no Service sends it traffic; for a minute at most, it counts for
			disruption budgets and autoscalers that select these labels. Pods of the cluster connect
			themselves, and so they do with --to, by TCP. Silence counts only when somebody else got an answer
			from the same place. Where the data path contradicts the engine, the verdict is unknown.

			Exit code 2 also stands for a verdict that is unknown; do not read it as safe.
		`),
		Example: kit.Examples(`
			# May this pod connect? May any pod of this workload, in another namespace?
			kubectl cnpg-netpol explain pod/web-0 shop-db -n shop
			kubectl cnpg-netpol explain backend/deploy/api shop-db -n shop

			# Through a pooler; to another port, by number or name
			kubectl cnpg-netpol explain deploy/api shop-db -n shop --pooler shop-db-rw
			kubectl cnpg-netpol explain monitoring/sts/prometheus shop-db -n shop --port metrics

			# Why not, and what would let it in?
			kubectl cnpg-netpol explain deploy/api shop-db -n shop --why-not

			# Is that so? Ask the data path, too
			kubectl cnpg-netpol explain deploy/api shop-db -n shop --probe

			# A pod that does not exist yet
			kubectl cnpg-netpol explain --labels role=backend --source-namespace shop shop-db -n shop

			# A pod of another Kubernetes cluster of the mesh: where it is, and where the database is
			kubectl cnpg-netpol explain web/deploy/api shop-db -n shop --contexts west,east

			# May the database reach the API server, and its object store?
			kubectl cnpg-netpol explain shop-db -n shop --to api-server
			kubectl cnpg-netpol explain shop-db -n shop --to 'external s3.eu-west-1.amazonaws.com:443'

			# May a job reach another database? If not, what would let it?
			kubectl cnpg-netpol explain shop-db -n shop --to old/service/legacy-rw --from job/import --why-not

			# Manifests instead of a Kubernetes cluster
			kubectl cnpg-netpol explain world shop-db -f deploy/ -R
		`),
		ValidArgsFunction: o.completeArguments,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := errors.Join(o.validate(), o.validateContexts(cmd.Flags()), o.complete(cmd.Flags(), args)); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.query.Port, "port", "5432", "TCP port at the target: a number, or the name of a container port")
	flags.StringVar(&o.asked.to, "to", "", "Ask whether the cluster can connect to this: api-server, dns, 'external HOST:PORT', NAMESPACE/service/NAME, …")
	flags.StringVar(&o.asked.from, "from", "", "With --to, who of the cluster connects: pooler/NAME or job/ROLE; its instances when left out")
	flags.StringVar(&o.query.Pooler, "pooler", "", "Ask about this pooler of the cluster and not about its instances")
	flags.BoolVar(&o.whyNot, "why-not", false, "If denied, look for the smallest change that would allow it")
	o.probes.AddFlags(flags, "probe", "Let pods with the source's identity connect as well, and compare what happens with the verdict")
	flags.StringVarP(&o.described.labels, "labels", "l", "", "Labels of a pod that does not exist yet: k=v,k2=v2")
	flags.StringVar(&o.described.namespace, "source-namespace", "", "Namespace of the pod that --labels describes")
	flags.StringVar(&o.described.serviceAccount, "source-service-account", "default", "Service account of the pod that --labels describes")
	flags.StringSliceVar(&o.contexts, "contexts", nil, "Two contexts of one mesh: where SOURCE is, and where CLUSTER is")
	_ = cmd.RegisterFlagCompletionFunc("contexts", o.source.CompleteContexts)
	o.source.Files.AddFlags(cmd)
	o.source.AddOperatorFlag(cmd)
	kit.OutputVarP(cmd, &o.output, report.ExplanationFormats())
	_ = cmd.RegisterFlagCompletionFunc("source-namespace", o.source.CompleteNamespaces)
	_ = cmd.RegisterFlagCompletionFunc("to", o.completeTarget)
	_ = cmd.RegisterFlagCompletionFunc("from", o.completeSender)
	return cmd
}

func (o *options) run(ctx context.Context) error {
	e, problem := o.explain(ctx)
	if e == nil {
		return problem
	}
	_, width := terminal.Detect(o.Out)
	err := report.PrintExplanation(o.Out, o.output, *e, text.Options{Colors: o.source.Colors(o.Out), Width: width})
	if err != nil {
		return err
	}
	if o.whyNot && e.Verdict != v1alpha1.VerdictDenied {
		fmt.Fprintf(o.ErrOut, "Nothing to propose: the verdict is %s.\n", e.Verdict)
	}
	if e.Verdict == v1alpha1.VerdictDenied {
		problem = errors.Join(problem, kit.AnswerNo(nil))
	}
	return errors.Join(problem, cmp.Or(kit.Contradicted(e.Findings), explain.Answerable(*e)))
}

// explain returns the explanation, nil when there can't be any, and what went wrong besides.
func (o *options) explain(ctx context.Context) (*v1alpha1.Explanation, error) {
	if o.contexts != nil {
		return o.explainAcross(ctx)
	}
	namespace, err := o.source.ScopeOf()
	if err != nil {
		return nil, err
	}
	around := o.around(namespace)
	e, problem := o.explainAround(ctx, namespace, around)
	if around != nil && errors.Is(problem, explain.ErrUnknownSource) {
		// There may be one of the name in a namespace that was not read.
		return o.explainAround(ctx, namespace, nil)
	}
	return e, problem
}

// around are the namespaces that have to be read. A change that lets the source in may let in
// anybody, so that looking for one takes all of them.
func (o *options) around(namespace string) []string {
	if o.whyNot || o.outbound || o.source.Offline() {
		return nil
	}
	return o.from.Namespaces(namespace)
}

func (o *options) explainAround(ctx context.Context, namespace string, around []string) (*v1alpha1.Explanation, error) {
	inv, problem := o.source.CollectAround(ctx, namespace, []string{o.name}, around)
	if inv == nil || o.source.Blind(inv) {
		return nil, problem
	}
	key, err := o.source.Cluster(inv, namespace, o.name)
	if err != nil {
		return nil, errors.Join(problem, err)
	}
	if o.outbound {
		e, err := o.explainOutbound(ctx, inv, key)
		return e, errors.Join(problem, err)
	}
	from := o.from.In(key.Namespace)
	note, err := o.source.AddTemplate(ctx, inv, from)
	if err != nil {
		return nil, errors.Join(problem, err)
	}
	m, err := model.New(inv, model.Options{
		Namespace: key.Namespace, Names: []string{key.Name}, OperatorNamespace: o.source.OperatorNamespace, Extra: from.Extra(),
	})
	if err != nil {
		return nil, errors.Join(problem, err)
	}
	e, err := o.answer(ctx, m, key, from)
	if err != nil {
		return nil, errors.Join(problem, err)
	}
	if note != "" {
		e.Notes = append(e.Notes, note)
	}
	return &e, problem
}

// answer asks the model, and for a change that lets the source in when one is wanted.
func (o *options) answer(ctx context.Context, m *model.Model, cluster types.NamespacedName, from explain.Source) (v1alpha1.Explanation, error) {
	question, err := explain.Ask(m, cluster, from, o.query)
	if err != nil {
		return v1alpha1.Explanation{}, err
	}
	if question.Remote() && (o.whyNot || o.probes.Wanted) {
		return v1alpha1.Explanation{}, kit.UsageErrorf("--why-not and --probe are about sources of the database's own Kubernetes cluster: %s is of another one", from.Name())
	}
	e, err := question.Explain()
	if err == nil && o.probes.Wanted {
		err = o.probe(ctx, question, &e)
	}
	if err != nil || !o.whyNot || e.Verdict != v1alpha1.VerdictDenied {
		return e, err
	}
	change, err := propose.For(question)
	e.Change = &change
	return e, err
}

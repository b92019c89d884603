package kit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/rand"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe/sessions"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/probe"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/probe/twins"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/rollout"
)

// Probes are connections that a command tries with clients' identities, where its flag asks for it.
type Probes struct {
	// Wanted is whether they are.
	Wanted bool
	image  string
	source *Source
	// flag asks for them.
	flag string
}

// NewProbes are those of a command's source.
func NewProbes(source *Source) *Probes { return &Probes{source: source} }

// AddFlags binds the flag that asks for probes, and the one that goes with it.
func (p *Probes) AddFlags(flags *pflag.FlagSet, flag, usage string) {
	p.flag = flag
	flags.BoolVar(&p.Wanted, flag, false, usage)
	flags.StringVar(&p.image, "probe-image", "", "Image of the pods that connect, with bash and timeout in it; that of the database when left out")
}

// Validate finds flags that need another one.
func (p *Probes) Validate() error {
	var errs []error
	if p.image != "" && !p.Wanted {
		errs = append(errs, UsageErrorf("--probe-image goes with --%s: add it", p.flag))
	}
	if p.Wanted && p.source.Offline() {
		errs = append(errs, UsageErrorf("--%s asks the data path of a Kubernetes cluster, and manifests have none: leave out -f and -k", p.flag))
	}
	return errors.Join(errs...)
}

// startsWithin is how long the timer may take with which probes end.
const startsWithin = 30 * time.Second

// Try carries out a plan for a cluster of the model.
func (p *Probes) Try(ctx context.Context, m *model.Model, plan probe.Plan) ([]v1alpha1.Probe, error) {
	image := p.image
	if c := m.Cluster(plan.Cluster); c != nil {
		image = cmp.Or(image, c.Object.Status.Image, c.Object.Spec.ImageName)
	}
	if image == "" && len(plan.Namespaces()) > 0 {
		return nil, fmt.Errorf("the image of cluster %q is not known, with which its clients' identities could be probed: name one with --probe-image", plan.Cluster.Name)
	}
	config, err := p.source.RESTConfig()
	if err != nil {
		return nil, err
	}
	clients, err := p.source.Clients()
	if err != nil {
		return nil, err
	}
	progress := p.source.Progress()
	defer progress.Stop()
	done := p.source.Changing()
	defer done()
	cilium := clients.Cilium.CiliumV2()
	results, err := twins.Runner{
		Kubernetes: clients.Kubernetes, Endpoints: cilium, Exec: sessions.OnCluster(config, clients.Kubernetes),
		Timers: rollout.Timers{Jobs: clients.Kubernetes.BatchV1(), Policies: cilium, Now: clients.Now, Timeout: startsWithin},
		Image:  image, Suffix: rand.String(5),
		Waiting: func(what string) { progress.Update("%s", what) },
	}.Run(ctx, plan)
	if results == nil || ctx.Err() != nil {
		return nil, err
	}
	return probe.Judge(plan, results), err
}

// Contradicted is an error when probes contradict the engine, nil otherwise.
func Contradicted(findings []v1alpha1.Finding) error {
	var errs []error
	for _, f := range findings {
		errs = append(errs, fmt.Errorf("%s: %s", f.Code, f.Message))
	}
	return errors.Join(errs...)
}

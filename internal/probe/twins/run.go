// Package twins carries out a plan of package probe: it makes the pods that have clients' identities, lets them connect, and
// removes them. What it made is gone afterwards, also when nobody is left to remove it: everything belongs to a Job that ends
// by itself. What results mean is package probe's to say.
package twins

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	ciliumclient "github.com/cilium/cilium/pkg/k8s/client/clientset/versioned/typed/cilium.io/v2"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe/sessions"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/probe"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/rollout"
)

// Runner carries out plans.
type Runner struct {
	Kubernetes kubernetes.Interface
	Endpoints  ciliumclient.CiliumEndpointsGetter
	Exec       sessions.Exec
	Timers     rollout.Timers
	// Image is that of the twins: it has bash and the program timeout.
	Image string
	// Suffix tells what is made now from what was made before.
	Suffix string
	// Pace is DefaultPace when it is not set.
	Pace Pace
	// Waiting is told what is being waited for.
	Waiting func(what string)
}

// Pace is how long things may take.
type Pace struct {
	// Poll is how often the server is asked for what is waited for.
	Poll time.Duration
	// Start is how long a twin may take until it runs and has its identity, Try how long its attempts may.
	Start, Try time.Duration
	// Again are the pauses before what contradicts the engine is tried once more: the nodes may not know a new pod yet.
	Again [2]time.Duration
	// Gone is how long removing may take.
	Gone time.Duration
}

// DefaultPace stays within the lifetime of a twin.
func DefaultPace() Pace {
	return Pace{Poll: 250 * time.Millisecond, Start: 45 * time.Second, Try: 15 * time.Second, Again: [2]time.Duration{time.Second, 4 * time.Second}, Gone: 30 * time.Second}
}

// timerFor is how long the Job lives with which everything ends: longer than anybody needs it.
const timerFor = 3 * time.Minute

// Run tries all connections of a plan. What can't be tried is inconclusive, and is no error: the error says what was made
// and could not be removed, or that ctx is done. What contradicts the engine was tried several times.
func (r Runner) Run(ctx context.Context, plan probe.Plan) (results probe.Results, err error) {
	r.Pace = cmp.Or(r.Pace, DefaultPace())
	made := r.make(ctx, plan)
	defer func() { err = errors.Join(err, r.remove(ctx, made)) }()
	r.waiting("waiting for the probes' identities")
	r.await(ctx, plan, made)
	r.waiting("connecting with the clients' identities")
	results = r.try(ctx, plan, made)
	for _, pause := range r.Pace.Again {
		if len(probe.Contradictions(probe.Judge(plan, results))) == 0 {
			break
		}
		if wait.PollUntilContextTimeout(ctx, pause, 2*pause, false, func(context.Context) (bool, error) { return true, nil }) == nil {
			results = r.try(ctx, plan, made)
		}
	}
	r.waiting("removing the probes")
	return results, context.Cause(ctx)
}

func (r Runner) waiting(what string) {
	if r.Waiting != nil {
		r.Waiting(what)
	}
}

// try lets everybody connect at the same time.
func (r Runner) try(ctx context.Context, plan probe.Plan, made *made) probe.Results {
	ctx, cancel := context.WithTimeout(ctx, r.Pace.Try)
	defer cancel()
	results := make(probe.Results, len(plan.Clients))
	var all sync.WaitGroup
	for i, c := range plan.Clients {
		pod, container := c.Pod, c.Container
		if c.NeedsTwin() {
			twin := made.twins[i]
			if twin.unfit != "" {
				results[i] = probe.Failed(c, twin.unfit)
				continue
			}
			pod, container = types.NamespacedName{Namespace: c.Pod.Namespace, Name: twin.name}, probe.Container
		}
		if c.Unfit != "" || len(c.Connections) == 0 {
			results[i] = probe.Failed(c, c.Unfit)
			continue
		}
		all.Go(func() {
			text, err := r.Exec(ctx, pod, container, probe.Command(c.Connections))
			if err != nil {
				results[i] = probe.Failed(c, fmt.Sprintf("no command could be run in pod %q: %v", pod.Name, err))
				return
			}
			results[i] = probe.Read(text, c.Connections)
		})
	}
	all.Wait()
	return results
}

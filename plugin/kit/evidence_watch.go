package kit

import (
	"context"
	"math"
	"sync"
	"time"

	observerpb "github.com/cilium/cilium/api/v1/observer"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe/hubble"
)

const (
	// relayAgain is how long after the relay went away it is asked again, unless a test is in a hurry.
	relayAgain = 5 * time.Second
	// referencesAgain is how long references count at least, and referencesShare how many times as long as it took to read
	// them: the specs of all workloads are the most that is asked.
	referencesAgain = 10 * time.Second
	referencesShare = 20
)

// WatchedEvidence is evidence about a cluster that grows as long as somebody watches: the relay tells of each connection
// as it comes, sessions are asked for at each look, and references now and then.
type WatchedEvidence struct {
	e       *Evidence
	cluster types.NamespacedName
	now     func() time.Time
	// again is how long after the relay went away it is asked again.
	again time.Duration

	references observe.Evidence
	// stale is when the references are read again.
	stale time.Time

	// looked is closed when the relay has told what it had, or why it does not.
	looked chan struct{}
	once   sync.Once

	mu sync.Mutex
	// inv is the latest inventory: the relay's pod may be another one tomorrow.
	inv     *inventory.Inventory
	flows   *observe.Flows
	problem string
	remedy  command.Text
	// failed is what ends the watch: a file that was named and can't be read.
	failed error
}

// Watch watches until ctx is done. The inventory is that of the first look.
func (e *Evidence) Watch(ctx context.Context, inv *inventory.Inventory, cluster types.NamespacedName, now func() time.Time) *WatchedEvidence {
	w := e.newWatched(inv, cluster, now)
	if e.wants(v1alpha1.EvidenceFlows) {
		go w.follow(ctx)
	}
	return w
}

func (e *Evidence) newWatched(inv *inventory.Inventory, cluster types.NamespacedName, now func() time.Time) *WatchedEvidence {
	e.watched = true
	return &WatchedEvidence{
		e: e, cluster: cluster, now: now, again: relayAgain, inv: inv, looked: make(chan struct{}),
		flows: observe.NewFlows(observe.MembersOf(inv, cluster), relayName, e.from),
	}
}

// Gather is what there is now. The error is about a file that was named and can't be read, or a ctx that is done.
func (w *WatchedEvidence) Gather(ctx context.Context, inv *inventory.Inventory) (observe.Evidence, error) {
	w.mu.Lock()
	w.inv = inv
	w.mu.Unlock()
	w.e.now = w.now()
	out, err := w.e.sessions(ctx, inv, w.cluster)
	if err != nil {
		return out, err
	}
	flows, err := w.flowsNow(ctx)
	if err != nil {
		return out, err
	}
	if began := w.now(); !began.Before(w.stale) {
		if w.references, err = w.e.references(ctx, inv, w.cluster); err != nil {
			return out, err
		}
		ended := w.now()
		w.stale = ended.Add(max(referencesAgain, referencesShare*ended.Sub(began)))
	}
	return out.Add(flows).Add(w.references), nil
}

// flowsNow is what the relay has told until now. The first look waits until it has told what it had.
func (w *WatchedEvidence) flowsNow(ctx context.Context) (observe.Evidence, error) {
	if !w.e.wants(v1alpha1.EvidenceFlows) {
		return notWanted(v1alpha1.EvidenceFlows), nil
	}
	select {
	case <-w.looked:
	case <-ctx.Done():
		return observe.Evidence{}, context.Cause(ctx)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return withProblem(w.flows.Evidence(), w.problem, w.remedy), w.failed
}

// Add takes what the relay says.
func (w *WatchedEvidence) Add(r *observerpb.GetFlowsResponse) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flows.Add(r)
}

// follow listens to the relay, and asks it again when it went away: for what came since the last event that it told of.
func (w *WatchedEvidence) follow(ctx context.Context) {
	defer w.once.Do(func() { close(w.looked) })
	for since := w.e.from; ctx.Err() == nil; {
		w.mu.Lock()
		inv := w.inv
		w.mu.Unlock()
		problem, remedy, err := w.e.tell(ctx, inv, w, hubble.Options{
			Namespace: w.cluster.Namespace, Since: since, For: math.MaxInt64, Patience: relayPatience,
			Looked: func() { w.is("", command.Text{}) },
		})
		if err != nil {
			w.mu.Lock()
			w.failed = err
			w.mu.Unlock()
			return
		}
		if problem == "" {
			problem = "the relay has ended its answer"
		}
		w.is(problem, remedy)
		if last := w.last(); !last.IsZero() {
			since = last.Add(1)
		}
		select {
		case <-ctx.Done():
		case <-time.After(w.again):
		}
	}
}

// is says how the relay is.
func (w *WatchedEvidence) is(problem string, remedy command.Text) {
	w.mu.Lock()
	w.problem, w.remedy = problem, remedy
	w.mu.Unlock()
	w.once.Do(func() { close(w.looked) })
}

// last is the time of the last event.
func (w *WatchedEvidence) last() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.flows.Evidence().Coverage[0].To
}

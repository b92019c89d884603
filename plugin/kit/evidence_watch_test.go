package kit

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	flowpb "github.com/cilium/cilium/api/v1/flow"
	observerpb "github.com/cilium/cilium/api/v1/observer"
	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe"
)

// fakeRelay tells one connection of somebody else each time that it is asked, and another one while it is followed.
type fakeRelay struct {
	observerpb.UnimplementedObserverServer
	mu    sync.Mutex
	asked []*observerpb.GetFlowsRequest
	// breaks ends the answer of who follows.
	breaks chan struct{}
}

func (r *fakeRelay) ServerStatus(context.Context, *observerpb.ServerStatusRequest) (*observerpb.ServerStatusResponse, error) {
	return &observerpb.ServerStatusResponse{}, nil
}

func (r *fakeRelay) GetFlows(request *observerpb.GetFlowsRequest, answers grpc.ServerStreamingServer[observerpb.GetFlowsResponse]) error {
	r.mu.Lock()
	r.asked = append(r.asked, request)
	n := len(r.asked)
	r.mu.Unlock()
	if err := answers.Send(connectionOf(string(rune('a'+n-1)), time.Unix(int64(1000*n), 0))); err != nil || !request.GetFollow() {
		return err
	}
	select {
	case <-r.breaks:
	case <-answers.Context().Done():
	}
	return nil
}

func (r *fakeRelay) requests() []*observerpb.GetFlowsRequest {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]*observerpb.GetFlowsRequest{}, r.asked...)
}

func connectionOf(pod string, at time.Time) *observerpb.GetFlowsResponse {
	return &observerpb.GetFlowsResponse{NodeName: "node-1", ResponseTypes: &observerpb.GetFlowsResponse_Flow{Flow: &flowpb.Flow{
		Time: timestamppb.New(at), Verdict: flowpb.Verdict_FORWARDED, L4: &flowpb.Layer4{Protocol: &flowpb.Layer4_TCP{TCP: &flowpb.TCP{DestinationPort: 5432}}},
		Source:                &flowpb.Endpoint{Namespace: "shop", PodName: pod},
		Destination:           &flowpb.Endpoint{Namespace: "shop", PodName: "db-1", Labels: []string{"k8s:cnpg.io/cluster=db", "k8s:cnpg.io/podRole=instance"}},
		TraceObservationPoint: flowpb.TraceObservationPoint_TO_ENDPOINT, TraceReason: flowpb.TraceReason_NEW,
	}}}
}

// watchedShop watches a database with the relay at an address.
func watchedShop(t *testing.T, address string) (*WatchedEvidence, *inventory.Inventory) {
	t.Helper()
	source := &Source{Globals: NewGlobals(genericiooptions.IOStreams{}, "test")}
	e := NewEvidence(source)
	e.hubble.server = address
	e.kinds = []string{string(v1alpha1.EvidenceFlows)}
	cluster := &cnpgv1.Cluster{}
	cluster.Namespace, cluster.Name = "shop", "db"
	inv := &inventory.Inventory{Clusters: []*cnpgv1.Cluster{cluster}}
	w := e.newWatched(inv, types.NamespacedName{Namespace: "shop", Name: "db"}, time.Now)
	w.again = 50 * time.Millisecond
	return w, inv
}

// until gathers until what there is about flows is as it should be.
func until(t *testing.T, w *WatchedEvidence, inv *inventory.Inventory, what string, is func(observe.Evidence, observe.Coverage) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		e, err := w.Gather(ctx, inv)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		for _, c := range e.Coverage {
			if c.Kind == v1alpha1.EvidenceFlows && is(e, c) {
				return
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Evidence grows while somebody watches, a relay that goes away is said to be away, and is asked again for what came since the
// last event, so that nothing counts twice.
func TestWatchedEvidence(t *testing.T) {
	relay := &fakeRelay{breaks: make(chan struct{})}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	observerpb.RegisterObserverServer(server, relay)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	w, inv := watchedShop(t, listener.Addr().String())
	w.again = time.Second
	go w.follow(t.Context())
	until(t, w, inv, "two clients", func(e observe.Evidence, c observe.Coverage) bool {
		return len(e.Connections) == 2 && len(c.Gaps()) == 0 && c.Events == 2
	})
	relay.breaks <- struct{}{}
	until(t, w, inv, "the relay is away", func(_ observe.Evidence, c observe.Coverage) bool {
		return strings.Join(c.Gaps(), "") == "the relay has ended its answer"
	})
	until(t, w, inv, "four clients", func(e observe.Evidence, c observe.Coverage) bool {
		return len(e.Connections) == 4 && len(c.Gaps()) == 0 && c.Events == 4
	})
	if asked := relay.requests(); len(asked) != 4 || asked[0].GetSince() != nil || asked[2].GetSince().AsTime() != time.Unix(2000, 1).UTC() {
		t.Errorf("asked for %v", asked)
	}
}

// A relay that is nowhere is missing evidence, at the first look as well, and the rest is answered.
func TestWatchedEvidenceWithoutRelay(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	w, inv := watchedShop(t, address)
	go w.follow(t.Context())
	until(t, w, inv, "no relay", func(e observe.Evidence, c observe.Coverage) bool {
		return len(e.Connections) == 0 && strings.HasPrefix(c.Missing, "the relay can't be reached: ")
	})
}

// A file that was named and can't be read ends the watch: waiting would not bring it.
func TestWatchedEvidenceWithBadFile(t *testing.T) {
	w, inv := watchedShop(t, "127.0.0.1:1")
	w.e.hubble.tls.Use, w.e.hubble.tls.CAFile = true, "no-such-file"
	go w.follow(t.Context())
	if _, err := w.Gather(t.Context(), inv); err == nil || !strings.Contains(err.Error(), "no-such-file") {
		t.Errorf("%v", err)
	}
}

package hubble_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	flowpb "github.com/cilium/cilium/api/v1/flow"
	observerpb "github.com/cilium/cilium/api/v1/observer"
	relaypb "github.com/cilium/cilium/api/v1/relay"
	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
	corev1 "k8s.io/api/core/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe/hubble"
)

// relay is Hubble's relay as a test wants it.
type relay struct {
	observerpb.UnimplementedObserverServer
	status *observerpb.ServerStatusResponse
	// past are the answers to those who look back, and future those to who follows.
	past, future []*observerpb.GetFlowsResponse
	// fails ends the answer, and hangs keeps it from ending.
	fails error
	hangs bool

	mu       sync.Mutex
	requests []*observerpb.GetFlowsRequest
}

func (r *relay) ServerStatus(context.Context, *observerpb.ServerStatusRequest) (*observerpb.ServerStatusResponse, error) {
	return r.status, nil
}

func (r *relay) GetFlows(request *observerpb.GetFlowsRequest, answers grpc.ServerStreamingServer[observerpb.GetFlowsResponse]) error {
	r.mu.Lock()
	r.requests = append(r.requests, request)
	r.mu.Unlock()
	send := r.past
	if request.GetFollow() {
		send = r.future
	}
	for _, answer := range send {
		if err := answers.Send(answer); err != nil {
			return err
		}
	}
	if r.fails == nil && (r.hangs || request.GetFollow()) {
		<-answers.Context().Done()
		return answers.Context().Err()
	}
	return r.fails
}

// serve starts a relay and returns its address.
func serve(t *testing.T, r *relay) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	observerpb.RegisterObserverServer(server, r)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return listener.Addr().String()
}

func opened(pod string) *observerpb.GetFlowsResponse {
	return &observerpb.GetFlowsResponse{NodeName: "node-1", ResponseTypes: &observerpb.GetFlowsResponse_Flow{Flow: &flowpb.Flow{
		Verdict: flowpb.Verdict_FORWARDED, L4: &flowpb.Layer4{Protocol: &flowpb.Layer4_TCP{TCP: &flowpb.TCP{DestinationPort: 5432}}},
		Source:                &flowpb.Endpoint{Namespace: "shop", PodName: pod},
		Destination:           &flowpb.Endpoint{Namespace: "shop", PodName: "db-1", Labels: []string{"k8s:cnpg.io/cluster=db", "k8s:cnpg.io/podRole=instance"}},
		TraceObservationPoint: flowpb.TraceObservationPoint_TO_ENDPOINT, TraceReason: flowpb.TraceReason_NEW,
	}}}
}

func read(t *testing.T, address string, o hubble.Options) (observe.Evidence, string) {
	t.Helper()
	conn, err := hubble.Connect(address, hubble.TLS{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	cluster := &cnpgv1.Cluster{}
	cluster.Namespace, cluster.Name = "shop", "db"
	flows := observe.NewFlows(observe.MembersOf(&inventory.Inventory{Clusters: []*cnpgv1.Cluster{cluster}}), "relay", time.Time{})
	o.Namespace = "shop"
	if o.Patience == 0 {
		o.Patience = 10 * time.Second
	}
	problem, err := hubble.Read(t.Context(), conn, flows, o)
	if err != nil {
		t.Fatal(err)
	}
	return flows.Evidence(), problem
}

// What the relay has, and what it does not have: each is said, and what came counts.
func TestRead(t *testing.T) {
	lost := &observerpb.GetFlowsResponse{ResponseTypes: &observerpb.GetFlowsResponse_LostEvents{LostEvents: &flowpb.LostEvent{NumEventsLost: 7}}}
	away := &observerpb.GetFlowsResponse{ResponseTypes: &observerpb.GetFlowsResponse_NodeStatus{
		NodeStatus: &relaypb.NodeStatusEvent{StateChange: relaypb.NodeState_NODE_ERROR, NodeNames: []string{"node-2"}},
	}}
	for name, test := range map[string]struct {
		relay    *relay
		options  hubble.Options
		clients  int
		problem  string
		gap      string
		requests int
	}{
		"all":            {&relay{past: []*observerpb.GetFlowsResponse{opened("a"), opened("b")}}, hubble.Options{}, 2, "", "", 1},
		"nobody":         {&relay{}, hubble.Options{}, 0, "", "", 1},
		"lost":           {&relay{past: []*observerpb.GetFlowsResponse{opened("a"), lost}}, hubble.Options{}, 1, "", "7 events were lost", 1},
		"a node fails":   {&relay{past: []*observerpb.GetFlowsResponse{opened("a"), away}}, hubble.Options{}, 1, "", "not seen: node node-2", 1},
		"half the nodes": {&relay{status: &observerpb.ServerStatusResponse{UnavailableNodes: []string{"c", "b"}, NumUnavailableNodes: wrapperspb.UInt32(2)}}, hubble.Options{}, 0, "", "not seen: nodes b, c", 1},
		"nodes without names": {
			&relay{status: &observerpb.ServerStatusResponse{NumUnavailableNodes: wrapperspb.UInt32(3)}, past: []*observerpb.GetFlowsResponse{opened("a")}},
			hubble.Options{}, 1, "the relay does not reach 3 nodes", "", 1,
		},
		"slow":    {&relay{past: []*observerpb.GetFlowsResponse{opened("a")}, hangs: true}, hubble.Options{Patience: 300 * time.Millisecond}, 1, "the relay has not told everything in 300ms", "", 1},
		"refuses": {&relay{fails: status.Error(codes.PermissionDenied, "not\nfor you")}, hubble.Options{}, 0, "the relay says: not for you", "", 1},
		"breaks":  {&relay{past: []*observerpb.GetFlowsResponse{opened("a")}, fails: status.Error(codes.Unavailable, "gone")}, hubble.Options{}, 1, "the relay can't be reached: gone", "", 1},
		"watches": {&relay{past: []*observerpb.GetFlowsResponse{opened("a")}, future: []*observerpb.GetFlowsResponse{opened("b")}}, hubble.Options{For: 500 * time.Millisecond}, 2, "", "", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, problem := read(t, serve(t, test.relay), test.options)
			if len(e.Connections) != test.clients || problem != test.problem || strings.Join(e.Coverage[0].Gaps(), "; ") != test.gap {
				t.Errorf("%d clients, problem %q, gaps %v", len(e.Connections), problem, e.Coverage[0].Gaps())
			}
			test.relay.mu.Lock()
			defer test.relay.mu.Unlock()
			if len(test.relay.requests) != test.requests {
				t.Errorf("%d requests", len(test.relay.requests))
			}
			filter := test.relay.requests[0].GetWhitelist()[0]
			if filter.GetDestinationPod()[0] != "shop/" || strings.Join(filter.GetDestinationPort(), " ") != "5432 9187 9127" || test.relay.requests[0].GetNumber() == 0 {
				t.Errorf("%v", test.relay.requests[0])
			}
		})
	}
}

func TestLookingBack(t *testing.T) {
	r, since := &relay{}, time.Date(2026, 1, 2, 10, 0, 0, 0, time.UTC)
	read(t, serve(t, r), hubble.Options{Since: since})
	if got := r.requests[0]; !got.GetSince().AsTime().Equal(since) || got.GetNumber() != 0 {
		t.Errorf("%v", got)
	}
}

func TestNobodyThere(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if _, problem := read(t, address, hubble.Options{}); !strings.HasPrefix(problem, "the relay can't be reached: ") || !strings.Contains(problem, "refused") {
		t.Errorf("%s", problem)
	}
}

func TestCertificates(t *testing.T) {
	if _, err := hubble.Connect("a:1", hubble.TLS{Use: true, CAFile: "none.pem"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := hubble.Connect("a:1", hubble.TLS{Use: true, CAFile: file}); err == nil || !strings.HasSuffix(err.Error(), `ca.pem" holds none in PEM`) {
		t.Errorf("%v", err)
	}
	// A relay that does not speak TLS.
	conn, err := hubble.Connect(serve(t, &relay{}), hubble.TLS{Use: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	flows := observe.NewFlows(observe.MembersOf(&inventory.Inventory{}), "relay", time.Time{})
	if problem, err := hubble.Read(t.Context(), conn, flows, hubble.Options{Patience: 10 * time.Second}); err != nil || !strings.Contains(problem, "tls") {
		t.Errorf("%s, %v", problem, err)
	}
}

func TestRelay(t *testing.T) {
	service := &corev1.Service{Spec: corev1.ServiceSpec{Selector: map[string]string{"k8s-app": "hubble-relay"}, Ports: []corev1.ServicePort{{Port: 443}}}}
	service.Namespace, service.Name = "cilium", "hubble-relay"
	inv := &inventory.Inventory{}
	if _, _, err := hubble.Relay(inv); !errors.Is(err, hubble.ErrNoRelay) || !strings.HasSuffix(err.Error(), "there is no Service hubble-relay") {
		t.Errorf("%v", err)
	}
	inv.Services = []*corev1.Service{service}
	if _, _, err := hubble.Relay(inv); err == nil || !strings.HasSuffix(err.Error(), `no pod of it runs in namespace "cilium"`) {
		t.Errorf("%v", err)
	}
	inv.Pods = []inventory.Pod{{Namespace: "cilium", Name: "r", Labels: map[string]string{"k8s-app": "hubble-relay"}, Phase: corev1.PodRunning}}
	if pod, useTLS, err := hubble.Relay(inv); err != nil || pod.Name != "r" || !useTLS {
		t.Errorf("%v, %t, %v", pod, useTLS, err)
	}
}

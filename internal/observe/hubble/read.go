// Package hubble asks Hubble's relay for the flows of databases: through a port-forward to the relay's pod, or at
// an address. What the flows say is package observe's to know.
package hubble

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	flowpb "github.com/cilium/cilium/api/v1/flow"
	observerpb "github.com/cilium/cilium/api/v1/observer"
	relaypb "github.com/cilium/cilium/api/v1/relay"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
)

// Options say what is asked of the relay.
type Options struct {
	// Namespace is that of the databases.
	Namespace string
	// Since is how far to look back; zero for all that the relay has.
	Since time.Time
	// For is how long to watch after that; nothing for not at all.
	For time.Duration
	// Patience is how long looking back may take.
	Patience time.Duration
	// Looked is called when looking back has ended without a problem, before watching begins; nil for nobody.
	Looked func()
}

// Sink takes what the relay says, event by event.
type Sink interface {
	Add(r *observerpb.GetFlowsResponse)
}

// Read gives flows what the relay says. The problem is why not all of it is there, in words; what came before
// it counts. The error is that of a ctx that is done.
func Read(ctx context.Context, conn grpc.ClientConnInterface, flows Sink, o Options) (problem string, _ error) {
	client := observerpb.NewObserverClient(conn)
	looking, cancel := context.WithTimeout(ctx, o.Patience)
	defer cancel()
	problems := nodes(looking, client, flows)
	request := &observerpb.GetFlowsRequest{Whitelist: filters(o.Namespace)}
	if o.Since.IsZero() {
		request.Number = math.MaxUint64
	} else {
		request.Since = timestamppb.New(o.Since)
	}
	if err := stream(looking, client, request, flows); err != nil {
		problems = append(problems, why(looking, err, o.Patience))
	}
	if o.Looked != nil && ctx.Err() == nil && len(problems) == 0 {
		o.Looked()
	}
	if o.For > 0 && ctx.Err() == nil && len(problems) == 0 {
		watching, cancel := context.WithTimeout(ctx, o.For)
		defer cancel()
		// What came while the first answer was read comes once: the relay follows from now on.
		err := stream(watching, client, &observerpb.GetFlowsRequest{Whitelist: filters(o.Namespace), Follow: true}, flows)
		// The relay knows the time as well, and may say that it is over before our own clock does.
		if err != nil && watching.Err() == nil && status.Code(err) != codes.DeadlineExceeded {
			problems = append(problems, why(watching, err, o.For))
		}
	}
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	return strings.Join(slices.Compact(problems), "; "), nil
}

// nodes asks which nodes the relay has. One that can't be asked is like one without an answer.
func nodes(ctx context.Context, client observerpb.ObserverClient, flows Sink) []string {
	s, err := client.ServerStatus(ctx, &observerpb.ServerStatusRequest{})
	if err != nil {
		return nil // Asking for flows will fail as well, and say why.
	}
	if names := s.GetUnavailableNodes(); len(names) > 0 {
		flows.Add(&observerpb.GetFlowsResponse{ResponseTypes: &observerpb.GetFlowsResponse_NodeStatus{
			NodeStatus: &relaypb.NodeStatusEvent{StateChange: relaypb.NodeState_NODE_UNAVAILABLE, NodeNames: names},
		}})
	}
	if n := s.GetNumUnavailableNodes().GetValue(); n > uint32(len(s.GetUnavailableNodes())) {
		return []string{fmt.Sprintf("the relay does not reach %d nodes", n)}
	}
	return nil
}

// filters are flows to the ports of databases' pods in a namespace, and those that pods there open. Which of these are the
// database's is known by their labels.
func filters(namespace string) []*flowpb.FlowFilter {
	var ports []string
	for _, port := range []uint16{cnpg.PostgresPort, cnpg.MetricsPort, cnpg.PoolerMetricsPort} {
		ports = append(ports, fmt.Sprint(port))
	}
	return []*flowpb.FlowFilter{
		{DestinationPod: []string{namespace + "/"}, DestinationPort: ports},
		{SourcePod: []string{namespace + "/"}, Reply: []bool{false}, Protocol: []string{"tcp", "udp"}},
	}
}

// stream takes the answers of one request, to the end.
func stream(ctx context.Context, client observerpb.ObserverClient, request *observerpb.GetFlowsRequest, flows Sink) error {
	answers, err := client.GetFlows(ctx, request)
	if err != nil {
		return err
	}
	for {
		r, err := answers.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		flows.Add(r)
	}
}

// why is an error of the relay in words.
func why(ctx context.Context, err error, patience time.Duration) string {
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded), status.Code(err) == codes.DeadlineExceeded:
		return fmt.Sprintf("the relay has not told everything in %s", patience)
	case status.Code(err) == codes.Unavailable:
		return "the relay can't be reached: " + oneLine(status.Convert(err).Message())
	}
	return "the relay says: " + cmp.Or(oneLine(status.Convert(err).Message()), "nothing")
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

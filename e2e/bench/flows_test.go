package bench_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"testing"
	"time"

	observerpb "github.com/cilium/cilium/api/v1/observer"
	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe/recorded"
)

const (
	recordedFlows   = 1_000_000
	recordedClients = 1_000
)

// flowLines are flows as Hubble writes them, one of each client.
func flowLines() [][]byte {
	var out [][]byte
	for i := range recordedClients {
		out = append(out, fmt.Appendf(nil, `{"flow":{"time":"2026-01-02T10:%02d:%02d.123456789Z","uuid":"%032x","verdict":"FORWARDED","ethernet":{"source":"52:19:18:a7:d8:8b","destination":"1a:64:94:ea:34:0c"},"IP":{"source":"10.0.%d.%d","destination":"10.0.0.93","ipVersion":"IPv4"},"l4":{"TCP":{"source_port":48364,"destination_port":5432,"flags":{"SYN":true}}},"source":{"ID":%d,"identity":%d,"cluster_name":"default","namespace":"apps","labels":["k8s:app=app-%d","k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=apps","k8s:io.cilium.k8s.policy.cluster=default","k8s:io.cilium.k8s.policy.serviceaccount=default","k8s:io.kubernetes.pod.namespace=apps"],"pod_name":"app-%d-7d9c-x2x4z","workloads":[{"name":"app-%d","kind":"Deployment"}]},"destination":{"ID":992,"identity":61539,"cluster_name":"default","namespace":"shop","labels":["k8s:cnpg.io/cluster=shop-db","k8s:cnpg.io/instanceName=shop-db-1","k8s:cnpg.io/instanceRole=primary","k8s:cnpg.io/podRole=instance","k8s:io.cilium.k8s.policy.cluster=default","k8s:io.kubernetes.pod.namespace=shop"],"pod_name":"shop-db-1"},"Type":"L3_L4","node_name":"node-%d","event_type":{"type":4},"traffic_direction":"INGRESS","trace_observation_point":"TO_ENDPOINT","trace_reason":"NEW","is_reply":false,"Summary":"TCP Flags: SYN"},"node_name":"node-%d","time":"2026-01-02T10:%02d:%02d.123456789Z"}`+"\n",
			i/60%60, i%60, i, i>>8, i&255, i, 10_000+i, i, i, i, i%40, i%40, i/60%60, i%60))
	}
	return out
}

// repeated gives the same lines again and again, so many of them.
type repeated struct {
	lines [][]byte
	at, n int
	rest  []byte
}

func (r *repeated) Read(into []byte) (int, error) {
	if len(r.rest) == 0 {
		if r.at == r.n {
			return 0, io.EOF
		}
		r.rest = r.lines[r.at%len(r.lines)]
		r.at++
	}
	n := copy(into, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// BenchmarkFlows reads a million recorded flows of a thousand clients, and compares that with decoding their
// lines and nothing else.
func BenchmarkFlows(b *testing.B) {
	lines := flowLines()
	shop := &cnpgv1.Cluster{}
	shop.Namespace, shop.Name = "shop", "shop-db"
	members := observe.MembersOf(&inventory.Inventory{Clusters: []*cnpgv1.Cluster{shop}})
	b.Run("decode", func(b *testing.B) {
		for b.Loop() {
			scanner := bufio.NewScanner(bufio.NewReaderSize(&repeated{lines: lines, n: recordedFlows}, 1<<16))
			for scanner.Scan() {
				var r observerpb.GetFlowsResponse
				if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(bytes.TrimSpace(scanner.Bytes()), &r); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			flows := observe.NewFlows(members, "bench", time.Time{})
			if err := recorded.Read(b.Context(), "-", &repeated{lines: lines, n: recordedFlows}, flows); err != nil {
				b.Fatal(err)
			}
			e := flows.Evidence()
			if c := e.Coverage[0]; c.Events != recordedFlows || c.Unread > 0 || len(e.Connections) != recordedClients {
				b.Fatalf("%+v, %d clients", c, len(e.Connections))
			}
		}
	})
}

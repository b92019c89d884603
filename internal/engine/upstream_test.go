package engine_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/types"
	"github.com/cilium/cilium/pkg/u8proto"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
)

// Fails when Cilium's own lookup has learnt what the engine's lookup makes up for: entries.go can go then.
func TestUpstreamNamesTheOtherEntry(t *testing.T) {
	small := smallWorldWith(twoAllows)
	w := world{settings: small.settings, policies: small.read(t)}
	ids, err := engine.NewIdentities(w.settings)
	if err != nil {
		t.Fatal(err)
	}
	w.pods = smallPods()
	identities, err := ids.Pods(w.pods, smallNamespaces())
	if err != nil {
		t.Fatal(err)
	}
	var peers []peer
	for i := range w.pods {
		peers = append(peers, peer{w.pods[i].Key().String(), identities[i], i})
	}
	o := newOracle(t, w, peers)
	database, client := o.identities[identities[0]], o.identities[identities[1]]
	_, _, ingress, err := policy.LookupFlow(slog.New(slog.DiscardHandler), o.repository, o.manager, types.Flow{From: client, To: database, Proto: u8proto.TCP, Dport: 5432})
	if err != nil {
		t.Fatal(err)
	}
	if by := ingress.LabelArray().String(); !strings.Contains(by, "policy.name=peer") || strings.Contains(by, "policy.name=all") {
		t.Errorf("Cilium's lookup says that the connection is allowed by %s, as the data path does: take entries.go away", by)
	}
}

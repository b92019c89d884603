package engine_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Over random worlds, whom neither Reach nor Outreach names is treated as they say, and those for whom one stands as that one is. The
// verdicts themselves are compared with Cilium's in TestVerdictsEqualLookupFlow.
func TestWhoIsNotNamedIsAsTheOthers(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	asked, stoodFor := 0, 0
	for asked < 10_000 {
		w := newWorld(random)
		ids, err := engine.NewIdentitiesAmong(w.settings, w.around)
		if err != nil {
			t.Fatal(err)
		}
		policies, err := engine.ReadAmong(w.settings, w.policies, w.around)
		if err != nil {
			t.Fatal(err)
		}
		pods, err := ids.Pods(w.pods, w.namespaces)
		if err != nil {
			t.Fatal(err)
		}
		e, err := engine.New(ids, policies)
		if err != nil {
			t.Fatal(err)
		}
		for _, from := range pods {
			outreach := e.Outreach(from, 5432)
			for _, to := range pods {
				asked++
				d, reach := e.Decide(from, to, 5432), e.Reach(to, 5432)
				if first := e.AsPeer(from); first != from {
					stoodFor++
					if as := e.Decide(first, to, 5432).Ingress.Verdict; as != d.Ingress.Verdict || e.Admits(from, to, 5432).Verdict != as {
						t.Fatalf("the first is %s, another one %s\n%s", as, d.Ingress.Verdict, w.describe(t))
					}
				}
				if !reach.Uniform || !slices.Contains(reach.Listed, e.AsPeer(from)) && reach.Others != d.Ingress.Verdict {
					t.Fatalf("%v → %v: the target says %s, and %+v of others\n%s", from.Labels(), to.Labels(), d.Ingress.Verdict, reach, w.describe(t))
				}
				if !outreach.Uniform || !slices.Contains(outreach.Named, e.AsPeer(to)) && outreach.Others != d.Egress.Verdict {
					t.Fatalf("%v → %v: the source says %s, and %+v of others\n%s", from.Labels(), to.Labels(), d.Egress.Verdict, outreach, w.describe(t))
				}
			}
		}
	}
	if stoodFor < asked/20 {
		t.Errorf("of %d questions, %d were about somebody for whom another one stands: the worlds are too plain", asked, stoodFor)
	}
}

// Names select addresses. Where a pod has the label of one all the same, it is told from those that have not.
func TestPodsWithLabelsOfNames(t *testing.T) {
	w := smallWorldWith(rules("db", `egress: [{toFQDNs: [{matchName: a.example.com}]}]`))
	ids, err := engine.NewIdentities(w.settings)
	if err != nil {
		t.Fatal(err)
	}
	named := ids.Endpoint(inventory.Endpoint{IdentityID: 1, IdentityLabels: []string{"k8s:app=x", "fqdn:a.example.com"}})
	plain := ids.Endpoint(inventory.Endpoint{IdentityID: 2, IdentityLabels: []string{"k8s:app=y"}})
	other := ids.Endpoint(inventory.Endpoint{IdentityID: 3, IdentityLabels: []string{"k8s:app=z"}})
	policies, err := engine.Read(w.settings, w.read(t))
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(ids, policies)
	if err != nil {
		t.Fatal(err)
	}
	if e.AsPeer(named) == e.AsPeer(plain) || e.AsPeer(plain) != e.AsPeer(other) {
		t.Errorf("%v, %v, %v stand for them", e.AsPeer(named).Labels(), e.AsPeer(plain).Labels(), e.AsPeer(other).Labels())
	}
}

// The entity cluster is this one: a pod of another cluster of the mesh is none of it, whatever the clusters' numbers, and a pod of this
// one is, whatever name its agent has for the cluster.
func TestPodsOfOtherClusters(t *testing.T) {
	const everybody, here = "", "cluster"
	for _, id := range []uint32{0, 7, 128, 255} {
		for entity, within := range map[string]string{"cluster": here, "cluster-mesh": everybody, "all": everybody, "world": "nobody"} {
			w := smallWorldWith(rules("db", "ingress: [{fromEntities: ["+entity+"]}]"), func(s *inventory.Settings) { s.ClusterID = id })
			ids, err := engine.NewIdentities(w.settings)
			if err != nil {
				t.Fatal(err)
			}
			pods, err := ids.Pods([]inventory.Pod{podWith("db", "pg"), podWith("app", "web")}, nil)
			if err != nil {
				t.Fatal(err)
			}
			far := podWith("app", "far")
			other, err := ids.PodOf("far", &far)
			if err != nil {
				t.Fatal(err)
			}
			endpoint := inventory.Endpoint{IdentityLabels: []string{"k8s:io.kubernetes.pod.namespace=app", "k8s:io.cilium.k8s.policy.cluster=far", "k8s:app=api"}}
			read, err := engine.Read(w.settings, w.read(t))
			if err != nil {
				t.Fatal(err)
			}
			renamed, remote := ids.Endpoint(endpoint), ids.RemoteEndpoint(endpoint)
			e, err := engine.New(ids, read)
			if err != nil {
				t.Fatal(err)
			}
			for of, peer := range map[string]*engine.Identity{"this": pods[1], "this, by another name": renamed, "another": other, "another, by its endpoint": remote} {
				want := denied
				if within == everybody || within == here && strings.HasPrefix(of, "this") {
					want = allowed
				}
				if d := e.Decide(peer, pods[0], 5432).Ingress; d.Verdict != want {
					t.Errorf("cluster-id %d, %s: a pod of %s cluster is %s, want %s", id, entity, of, d.Verdict, want)
				}
			}
		}
	}
}

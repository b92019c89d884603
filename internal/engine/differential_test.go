package engine_test

import (
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/identity/identitymanager"
	ipcachetypes "github.com/cilium/cilium/pkg/ipcache/types"
	"github.com/cilium/cilium/pkg/k8s"
	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	slim_networkingv1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/networking/v1"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/option"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/api"
	"github.com/cilium/cilium/pkg/policy/types"
	policyutils "github.com/cilium/cilium/pkg/policy/utils"
	"github.com/cilium/cilium/pkg/u8proto"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// flowsPerRun is how many connections one run compares.
const flowsPerRun = 4000

// TestVerdictsEqualLookupFlow compares our answers with policy.LookupFlow over random worlds. The
// reference imports the policies on its own way, with nothing of this package in between.
func TestVerdictsEqualLookupFlow(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("DIFFERENTIAL_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatalf("DIFFERENTIAL_SEED: %v", err)
		}
	}
	t.Logf("seed %d (set DIFFERENTIAL_SEED to repeat)", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	flows, denied := 0, 0
	for flows < flowsPerRun {
		f, d := compareWorld(t, newWorld(random))
		flows, denied = flows+f, denied+d
	}
	t.Logf("%d flows, %d of them denied", flows, denied)
	if denied < flows/20 || denied > flows*19/20 {
		t.Errorf("the worlds are too plain to prove anything: %d of %d flows denied", denied, flows)
	}
}

func compareWorld(t *testing.T, w world) (flows, denied int) {
	t.Helper()
	ids, err := engine.NewIdentities(w.settings)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := ids.Pods(w.pods, w.namespaces)
	if err != nil {
		t.Fatal(err)
	}
	policies, err := engine.Read(w.settings, w.policies)
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(ours))
	for i := range w.pods {
		names[i] = w.pods[i].Key().String()
	}
	for _, prefix := range engine.WorldOf(policies).Prefixes {
		i, err := ids.CIDR(prefix)
		if err != nil {
			t.Fatal(err)
		}
		ours, names = append(ours, i), append(names, i.Name())
	}
	for _, name := range []string{"world", "host", "remote-node", "kube-apiserver", "unmanaged"} {
		ours, names = append(ours, ids.Reserved(name)), append(names, name)
	}
	e, err := engine.New(ids, policies)
	if err != nil {
		t.Fatal(err)
	}
	oracle := newOracle(t, w, ours)
	for range 400 {
		from, to := w.random.IntN(len(ours)), w.random.IntN(len(w.pods))
		port := []uint16{5432, 8000, 9187, 9999}[w.random.IntN(4)]
		got := e.Decide(ours[from], ours[to], port)
		ingress, egress := oracle.lookup(t, from, to, port, w.pods[to])
		if from >= len(w.pods) {
			egress = v1alpha1.VerdictAllowed // LookupFlow asks about endpoints; these are none.
		}
		if differs(got.Ingress, ingress) || differs(got.Egress, egress) {
			t.Errorf("%s → %s:%d: got ingress %s, egress %s, LookupFlow says %s, %s\npolicies:\n%s", names[from], names[to], port,
				got.Ingress.Verdict, got.Egress.Verdict, ingress, egress, w.describe(t))
			t.FailNow()
		}
		if got.Verdict == v1alpha1.VerdictDenied {
			denied++
			if len(got.Policies()) == 0 && w.settings.EnablePolicy != option.AlwaysEnforce {
				t.Errorf("%s → %s:%d is denied by nobody\npolicies:\n%s", names[from], names[to], port, w.describe(t))
			}
		}
		flows++
	}
	return flows, denied
}

// differs leaves out what is unknown, which only the addresses of nodes and pods make it here.
func differs(got engine.Direction, want v1alpha1.Verdict) bool {
	if got.Verdict == v1alpha1.VerdictUnknown {
		return !strings.Contains(got.Reason, "policy-cidr-match-mode")
	}
	return got.Verdict != want
}

// oracle is a policy repository filled as the agent's watcher does it.
type oracle struct {
	repository *policy.Repository
	manager    identitymanager.IDManager
	identities []*identity.Identity
}

func newOracle(t *testing.T, w world, ours []*engine.Identity) *oracle {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	o := &oracle{manager: identitymanager.NewIDManager(logger)}
	all := identity.ListReservedIdentities()
	for i, our := range ours {
		var id *identity.Identity
		if reserved := identity.GetReservedID(our.Name()); our.Name() != "" && reserved != identity.IdentityUnknown {
			id = identity.LookupReservedIdentity(reserved)
		} else {
			number := identity.NumericIdentity(1000 + i)
			if our.IsWorld() {
				number = identity.IdentityScopeLocal + identity.NumericIdentity(1000+i)
			}
			id = identity.NewIdentity(number, labels.NewLabelsFromModel(our.Labels()))
		}
		id = w.withAddress(id)
		o.identities = append(o.identities, id)
		all[id.ID] = id.LabelArray
	}
	o.repository = policy.NewPolicyRepository(logger, all, nil, nil, o.manager, nil)
	o.repository.UpdateIdentities(all, nil)
	for i := range w.policies {
		var entries types.PolicyEntries
		var rules api.Rules
		var err error
		switch object := w.policies[i].Object.(type) {
		case *ciliumv2.CiliumNetworkPolicy:
			rules, err = object.DeepCopy().Parse(logger, w.settings.ClusterName)
			entries = policyutils.RulesToPolicyEntries(rules)
		case *ciliumv2.CiliumClusterwideNetworkPolicy:
			rules, err = object.DeepCopy().Parse(logger, w.settings.ClusterName)
			entries = policyutils.RulesToPolicyEntries(rules)
		case *policyv1alpha2.ClusterNetworkPolicy:
			entries, err = k8s.ParseClusterNetworkPolicy(logger, w.settings.ClusterName, object.DeepCopy())
		case *slim_networkingv1.NetworkPolicy:
			entries, err = k8s.ParseNetworkPolicy(logger, w.settings.ClusterName, object.DeepCopy())
		}
		if err != nil {
			t.Fatalf("the generator made an invalid %s: %v", w.policies[i].PolicyReference, err)
		}
		ref := w.policies[i].PolicyReference
		o.repository.ReplaceByResource(entries, ipcachetypes.NewResourceID(ipcachetypes.ResourceKind(strings.ToLower(string(ref.Kind))), ref.Namespace, ref.Name))
	}
	return o
}

// withAddress gives an identity the labels of an address, as the agents do with policy-cidr-match-mode.
func (w world) withAddress(id *identity.Identity) *identity.Identity {
	node := id.Labels.HasHostLabel() || id.Labels.HasRemoteNodeLabel()
	mode := map[bool]string{true: "nodes", false: "pods"}[node]
	if id.Labels.HasWorldLabel() || !node && id.Labels.IsReserved() || !slices.Contains(w.settings.CIDRMatchMode, mode) {
		return id
	}
	address := pick(w, "cidr:10.1.2.3/32", "cidr:10.2.3.4/32", "cidr:203.0.113.9/32", "cidr:192.168.1.1/32", "cidr:0.0.0.0/0")
	return identity.NewIdentity(id.ID, labels.NewLabelsFromModel(append(id.Labels.GetModel(), address)))
}

func (o *oracle) lookup(t *testing.T, from, to int, port uint16, target inventory.Pod) (ingress, egress v1alpha1.Verdict) {
	t.Helper()
	named := map[string]uint16{}
	for _, p := range target.NamedPorts {
		named[p.Name] = p.Port
	}
	result, _, _, err := policy.LookupFlow(slog.New(slog.DiscardHandler), o.repository, o.manager, types.Flow{
		From: o.identities[from], To: o.identities[to], Proto: u8proto.TCP, Dport: port, NamedPortsTCP: named,
	})
	if err != nil {
		t.Fatal(err)
	}
	verdicts := map[types.Decision]v1alpha1.Verdict{types.DecisionAllowed: v1alpha1.VerdictAllowed, types.DecisionDenied: v1alpha1.VerdictDenied}
	return verdicts[result.Ingress], verdicts[result.Egress]
}

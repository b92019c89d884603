package engine_test

import (
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	cmtypes "github.com/cilium/cilium/pkg/clustermesh/types"
	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/identity/identitymanager"
	ipcachetypes "github.com/cilium/cilium/pkg/ipcache/types"
	"github.com/cilium/cilium/pkg/k8s"
	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	slim_networkingv1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/networking/v1"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/loadbalancer"
	"github.com/cilium/cilium/pkg/option"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/api"
	policyk8s "github.com/cilium/cilium/pkg/policy/k8s"
	"github.com/cilium/cilium/pkg/policy/types"
	policyutils "github.com/cilium/cilium/pkg/policy/utils"
	"github.com/cilium/cilium/pkg/u8proto"
	"github.com/cilium/statedb"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
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

// peer is somebody whom a world asks about: a pod when it has a position among the pods, else not.
type peer struct {
	name string
	ours *engine.Identity
	pod  int
}

func compareWorld(t *testing.T, w world) (flows, denied int) {
	t.Helper()
	ids, err := engine.NewIdentitiesAmong(w.settings, w.around)
	if err != nil {
		t.Fatal(err)
	}
	policies, err := engine.ReadAmong(w.settings, w.policies, w.around)
	if err != nil {
		t.Fatal(err)
	}
	peers := w.peers(t, ids, policies)
	e, err := engine.New(ids, policies)
	if err != nil {
		t.Fatal(err)
	}
	oracle := newOracle(t, w, peers)
	for range 400 {
		from, to := peers[w.random.IntN(len(peers))], peers[w.random.IntN(len(peers))]
		if from.pod < 0 && to.pod < 0 {
			continue
		}
		protocol, port := u8proto.TCP, []uint16{5432, 8000, 9187, 9999}[w.random.IntN(4)]
		if w.chance(4) {
			protocol, port = u8proto.UDP, 53
		}
		got := e.DecideOn(from.ours, to.ours, protocol, port)
		ingress, egress := oracle.lookup(t, from, to, protocol, port)
		if differs(got.Ingress, ingress) || differs(got.Egress, egress) {
			t.Errorf("%s → %s:%d/%s: got ingress %s (%s), egress %s (%s), LookupFlow says %s, %s\npolicies:\n%s", from.name, to.name, port, protocol,
				got.Ingress.Verdict, got.Ingress.Reason, got.Egress.Verdict, got.Egress.Reason, ingress, egress, w.describe(t))
			t.FailNow()
		}
		if got.Verdict == v1alpha1.VerdictDenied {
			denied++
			if len(got.Policies()) == 0 && w.settings.EnablePolicy != option.AlwaysEnforce {
				t.Errorf("%s → %s:%d is denied by nobody\npolicies:\n%s", from.name, to.name, port, w.describe(t))
			}
		}
		flows++
	}
	return flows, denied
}

// peers are the pods of a world and whom it may ask about besides: parts of the world outside, API
// servers, names at addresses that policies name and at others, and the reserved identities.
func (w world) peers(t *testing.T, ids *engine.Identities, policies []engine.Policy) []peer {
	t.Helper()
	pods, err := ids.Pods(w.pods, w.namespaces)
	if err != nil {
		t.Fatal(err)
	}
	var out []peer
	for i := range w.pods {
		out = append(out, peer{w.pods[i].Key().String(), pods[i], i})
	}
	add := func(more []*engine.Identity, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range more {
			out = append(out, peer{i.Name(), i, -1})
		}
	}
	outside := engine.WorldOf(policies)
	for _, prefix := range outside.Prefixes {
		i, err := ids.CIDR(prefix)
		add([]*engine.Identity{i}, err)
	}
	for _, name := range names {
		add(ids.Name(name, outside))
	}
	add(ids.APIServer(engine.Outside, netip.MustParseAddr("203.0.113.9"), outside))
	add(ids.APIServer(engine.Outside, netip.Addr{}, outside))
	add(ids.APIServer(engine.OnOtherNode, netip.Addr{}, outside))
	add(ids.APIServer(engine.OnSameNode, netip.Addr{}, outside))
	for _, name := range []string{"world", "host", "remote-node", "kube-apiserver", "unmanaged", "ingress", "health", "init"} {
		add([]*engine.Identity{ids.Reserved(name)}, nil)
	}
	return out
}

// differs leaves out what is unknown, which only the addresses of nodes and pods make it here, and a selector
// that LookupFlow mixes up with another one.
func differs(got engine.Direction, want v1alpha1.Verdict) bool {
	if got.Verdict == v1alpha1.VerdictUnknown {
		return !strings.Contains(got.Reason, "policy-cidr-match-mode") && !strings.Contains(got.Reason, "cidrGroupSelector: {}")
	}
	return got.Verdict != want
}

// oracle is a policy repository filled as the agent's watcher does it.
type oracle struct {
	repository *policy.Repository
	manager    identitymanager.IDManager
	identities map[*engine.Identity]*identity.Identity
	w          world
}

func newOracle(t *testing.T, w world, peers []peer) *oracle {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	o := &oracle{w: w, manager: identitymanager.NewIDManager(logger), identities: map[*engine.Identity]*identity.Identity{}}
	all := identity.ListReservedIdentities()
	for i := range peers {
		our := peers[i].ours
		var id *identity.Identity
		if reserved := identity.GetReservedID(our.Name()); our.Name() != "" && reserved != identity.IdentityUnknown {
			id = identity.LookupReservedIdentity(reserved)
		} else {
			number := identity.NumericIdentity(1000 + i)
			switch {
			case our.Name() == "API server on the same node":
				number = 64
			case peers[i].pod < 0:
				number = identity.IdentityScopeLocal + identity.NumericIdentity(1000+i)
			}
			id = identity.NewIdentity(number, labels.NewLabelsFromModel(our.Labels()))
		}
		id = w.withAddress(id)
		o.identities[our] = id
		all[id.ID] = id.LabelArray
	}
	o.repository = policy.NewPolicyRepository(logger, all, nil, nil, o.manager, nil)
	o.repository.UpdateIdentities(all, nil)
	services := newServiceTables(t, w.around)
	local := cmtypes.LocalClusterNameForPolicies(cmtypes.PolicyConfig{PolicyDefaultLocalCluster: w.settings.DefaultLocalCluster}, w.settings.ClusterName)
	for i := range w.policies {
		var entries types.PolicyEntries
		var rules api.Rules
		var err error
		switch object := w.policies[i].Object.(type) {
		case *ciliumv2.CiliumNetworkPolicy:
			object = object.DeepCopy()
			services.resolve(object)
			rules, err = object.Parse(logger, local)
			entries = policyutils.RulesToPolicyEntries(rules)
		case *ciliumv2.CiliumClusterwideNetworkPolicy:
			resolved := &ciliumv2.CiliumNetworkPolicy{Spec: object.Spec.DeepCopy()}
			services.resolve(resolved)
			object = object.DeepCopy()
			object.Spec = resolved.Spec
			rules, err = object.Parse(logger, local)
			entries = policyutils.RulesToPolicyEntries(rules)
		case *policyv1alpha2.ClusterNetworkPolicy:
			entries, err = k8s.ParseClusterNetworkPolicy(logger, local, object.DeepCopy())
		case *slim_networkingv1.NetworkPolicy:
			entries, err = k8s.ParseNetworkPolicy(logger, local, object.DeepCopy())
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

// lookup asks about the ends that have an endpoint: nothing is enforced at the others.
func (o *oracle) lookup(t *testing.T, from, to peer, protocol u8proto.U8proto, port uint16) (ingress, egress v1alpha1.Verdict) {
	t.Helper()
	named := map[string]uint16{}
	if to.pod >= 0 {
		for _, p := range o.w.pods[to.pod].NamedPorts {
			named[p.Name] = p.Port
		}
	}
	result, _, _, err := policy.LookupFlow(slog.New(slog.DiscardHandler), o.repository, o.manager, types.Flow{
		From: o.identities[from.ours], To: o.identities[to.ours], Proto: protocol, Dport: port, NamedPortsTCP: named,
	})
	if err != nil {
		t.Fatal(err)
	}
	verdicts := map[types.Decision]v1alpha1.Verdict{types.DecisionAllowed: v1alpha1.VerdictAllowed, types.DecisionDenied: v1alpha1.VerdictDenied}
	ingress, egress = verdicts[result.Ingress], verdicts[result.Egress]
	// Agents have endpoints for these two as well.
	withEndpoint := []string{"ingress", "health"}
	if to.pod < 0 && !slices.Contains(withEndpoint, to.ours.Name()) {
		ingress = v1alpha1.VerdictAllowed
	}
	if from.pod < 0 && !slices.Contains(withEndpoint, from.ours.Name()) {
		egress = v1alpha1.VerdictAllowed
	}
	return ingress, egress
}

// serviceTables are the tables of an agent, which its own function resolves toServices with.
type serviceTables struct {
	db       *statedb.DB
	services statedb.RWTable[*loadbalancer.Service]
	backends statedb.RWTable[*loadbalancer.Backend]
}

func newServiceTables(t *testing.T, around engine.Around) serviceTables {
	t.Helper()
	out := serviceTables{db: statedb.New()}
	var err, more error
	out.services, err = loadbalancer.NewServicesTable(loadbalancer.DefaultConfig, out.db)
	out.backends, more = loadbalancer.NewBackendsTable(out.db)
	if err = errors.Join(err, more); err != nil {
		t.Fatal(err)
	}
	txn := out.db.WriteTxn(out.services, out.backends)
	for _, s := range around.Services {
		name := loadbalancer.NewServiceName(s.Namespace, s.Name)
		_, _, err = out.services.Insert(txn, &loadbalancer.Service{Name: name, Labels: labels.Map2Labels(s.Labels, labels.LabelSourceK8s), Selector: s.Selector})
		for _, backend := range s.Backends {
			address := loadbalancer.NewL3n4Addr(loadbalancer.TCP, cmtypes.AddrClusterFrom(backend, 0), 5432, loadbalancer.ScopeExternal)
			_, _, more = out.backends.Insert(txn, &loadbalancer.Backend{ServiceName: name, Address: address})
		}
		if err = errors.Join(err, more); err != nil {
			t.Fatal(err)
		}
	}
	txn.Commit()
	return out
}

func (s serviceTables) resolve(p *ciliumv2.CiliumNetworkPolicy) {
	policyk8s.ResolveToServices(s.db.ReadTxn(), s.services, s.backends, p)
}

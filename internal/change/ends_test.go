package change_test

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/decode"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// lockedReport is the report after a lockdown, and what lockdown would refuse before it.
func lockedReport(t *testing.T, inv *inventory.Inventory, flags policyset.FlagValues) (v1alpha1.IsolationReport, v1alpha1.ChangePreview) {
	t.Helper()
	options, err := policyset.Parse(flags)
	if err != nil {
		t.Fatal(err)
	}
	before, err := model.New(inv, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	pg := types.NamespacedName{Namespace: "shop", Name: "pg"}
	p := propose(t, before, options.For(pg, assess.Operators(before)))
	return assess.Evaluate(with(t, before, p.Plan)).Items[0], p.Previews[0].Whole()
}

// The set lets pods in by their labels. Whoever it can't recognise by them is shut out, and lockdown
// must see that before it happens.
func TestPodsThatNoRuleByLabelsKnows(t *testing.T) {
	for _, tc := range []struct {
		name    string
		change  func(*inventory.Inventory)
		flags   policyset.FlagValues
		posture v1alpha1.Posture
		finding v1alpha1.FindingCode
		remedy  string
	}{
		{name: "all managed", change: func(*inventory.Inventory) {}, posture: v1alpha1.PostureLocked},
		{
			name: "operator on another node's network", change: fixture.OnNode("cnpg-system", "operator-1", "192.0.2.2"),
			posture: v1alpha1.PostureBroken, finding: v1alpha1.OperatorBlocked, remedy: "--allow-kubectl-cnpg",
		},
		{
			name: "operator on an unknown node's network", change: fixture.OnNode("cnpg-system", "operator-1", ""),
			posture: v1alpha1.PostureBroken, finding: v1alpha1.OperatorBlocked, remedy: "--allow-kubectl-cnpg",
		},
		{
			name: "operator on the instances' node, where the next one need not be", change: fixture.OnNode("cnpg-system", "operator-1", "192.0.2.1"),
			posture: v1alpha1.PostureBroken, finding: v1alpha1.OperatorBlocked, remedy: "--allow-kubectl-cnpg",
		},
		{
			name: "operator on another node's network, nodes let in", change: fixture.OnNode("cnpg-system", "operator-1", "192.0.2.2"),
			flags: policyset.FlagValues{Allow: []string{"--allow-kubectl-cnpg"}}, posture: v1alpha1.PostureLocked,
		},
		{
			name: "operator not managed", change: fixture.Unmanaged("cnpg-system", "operator-1"),
			posture: v1alpha1.PostureBroken, finding: v1alpha1.OperatorBlocked, remedy: "Restart the pods",
		},
		{
			name: "pooler on another node's network", change: fixture.OnNode("shop", "pg-rw-1", "192.0.2.2"),
			posture: v1alpha1.PostureBroken, finding: v1alpha1.PoolerBlocked, remedy: "Remove hostNetwork",
		},
		{
			name: "pooler not managed", change: fixture.Unmanaged("shop", "pg-rw-1"),
			posture: v1alpha1.PostureBroken, finding: v1alpha1.PoolerBlocked, remedy: "Restart the pods",
		},
		{
			name: "instance not managed", change: fixture.Unmanaged("shop", "pg-2"),
			posture: v1alpha1.PostureBroken, finding: v1alpha1.ReplicationBlocked, remedy: "Restart the pods",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, preview := lockedReport(t, fixture.World(t, tc.change), tc.flags)
			if r.Posture != tc.posture {
				t.Errorf("posture %s, want %s: %+v", r.Posture, tc.posture, r.RequiredFlows)
			}
			if refused := len(preview.Refusals) > 0; refused != (tc.posture == v1alpha1.PostureBroken) {
				t.Errorf("lockdown refuses for %+v", preview.Refusals)
			}
			if tc.finding == "" {
				return
			}
			i := slices.IndexFunc(r.Findings, func(f v1alpha1.Finding) bool { return f.Code == tc.finding })
			if i < 0 || !strings.Contains(r.Findings[i].Remedy.String(), tc.remedy) {
				t.Errorf("no %s with %q in %+v", tc.finding, tc.remedy, r.Findings)
			}
		})
	}
}

// Where Cilium manages one of the instances only, the other one is open to everybody, whatever the
// policies say, and so is a pooler on its node's network.
func TestWhereNothingIsEnforcedEverybodyCanConnect(t *testing.T) {
	for name, change := range map[string]func(*inventory.Inventory){
		"instances":    fixture.Unmanaged("shop", "pg-2"),
		"pooler pg-rw": fixture.OnNode("shop", "pg-rw-1", "192.0.2.2"),
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := lockedReport(t, fixture.World(t, change), policyset.FlagValues{})
			e := r.Exposure[slices.IndexFunc(r.Exposure, func(e v1alpha1.Exposure) bool { return e.Target.String() == name })]
			if !e.Everybody || !slices.Contains(e.Entities, "world") || len(e.DeniedEntities) > 0 {
				t.Errorf("exposure %+v", e)
			}
			if !slices.ContainsFunc(r.Findings, func(f v1alpha1.Finding) bool { return f.Code == v1alpha1.NotManagedByCilium }) {
				t.Errorf("findings %+v", r.Findings)
			}
		})
	}
}

// A client that Cilium does not manage can connect to an open database, and loses that.
func TestAClientThatCiliumDoesNotManage(t *testing.T) {
	_, preview := lockedReport(t, fixture.World(t, fixture.Unmanaged("shop", "web")), policyset.FlagValues{Allow: []string{"--allow-pods=app=web"}})
	lost := slices.ContainsFunc(preview.Access.Loses, func(a v1alpha1.ClientChange) bool {
		return a.Workload == "pod/web" && a.Target.Pooler == ""
	})
	if !lost {
		t.Errorf("access %+v", preview.Access)
	}
	_, preview = lockedReport(t, fixture.World(t), policyset.FlagValues{Allow: []string{"--allow-pods=app=web"}})
	if slices.ContainsFunc(preview.Access.Loses, func(a v1alpha1.ClientChange) bool {
		return a.Namespace == "shop"
	}) {
		t.Errorf("access of a managed client %+v", preview.Access)
	}
}

// Two instances whose labels the agent's filter makes equal have one identity, and are two pods that
// must reach each other.
func TestInstancesWithOneIdentityAreAsked(t *testing.T) {
	inv := fixture.World(t, func(inv *inventory.Inventory) {
		for key, e := range inv.Endpoints {
			e.IdentityLabels = slices.DeleteFunc(slices.Clone(e.IdentityLabels), func(label string) bool {
				return strings.Contains(label, "instance")
			})
			inv.Endpoints[key] = e
		}
	})
	m, err := model.New(inv, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const denial = `{"metadata":{"name":"deny","namespace":"shop"},"spec":{"endpointSelector":{},"ingress":[{}]}}`
	deny := decode.NewDecoder().Policy(v1alpha1.CiliumNetworkPolicy, []byte(denial), decode.PolicyOptions{})
	after, err := m.With([]inventory.Policy{deny})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range assess.RequiredFlows(after, after.Cluster(fixture.Database())) {
		if f.Name == v1alpha1.FlowReplication && !strings.Contains(f.Message, "pg-1 → pg-2") {
			t.Errorf("replication %+v", f)
		}
	}
}

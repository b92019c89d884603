package isolation_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/resource"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/decode"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/manifests"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/isolation"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/rollout"
)

// managed is a cluster of two instances with a pooler, its operator and a client. All pods run, and
// Cilium manages all of them.
const managed = `
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: pg, namespace: shop}
spec: {instances: 2, storage: {size: 1Gi}}
---
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {name: pg-rw, namespace: shop}
spec: {cluster: {name: pg}, instances: 1, pgbouncer: {poolMode: session}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: operator, namespace: cnpg-system, labels: {app.kubernetes.io/name: cloudnative-pg}}
spec: {replicas: 0, template: {metadata: {labels: {app.kubernetes.io/name: cloudnative-pg}}, spec: {containers: [{name: manager, image: operator}]}}}
`

// podOf is a running pod with a CiliumEndpoint.
func podOf(namespace, name string, labels ...string) string {
	set, identity := strings.Join(labels, ", "), []string{"k8s:io.kubernetes.pod.namespace=" + namespace, "k8s:io.cilium.k8s.policy.cluster=default"}
	for _, label := range labels {
		identity = append(identity, "k8s:"+strings.ReplaceAll(label, ": ", "="))
	}
	return `---
apiVersion: v1
kind: Pod
metadata: {name: ` + name + `, namespace: ` + namespace + `, labels: {` + set + `}}
spec: {containers: [{name: main, image: main}]}
status: {phase: Running, hostIP: 192.0.2.1}
---
apiVersion: cilium.io/v2
kind: CiliumEndpoint
metadata: {name: ` + name + `, namespace: ` + namespace + `}
status: {identity: {id: 7, labels: ["` + strings.Join(identity, `", "`) + `"]}}
`
}

func managedWorld(t *testing.T, changes ...func(*inventory.Inventory)) *inventory.Inventory {
	t.Helper()
	file := filepath.Join(t.TempDir(), "world.yaml")
	text := managed +
		podOf("shop", "pg-1", "cnpg.io/cluster: pg", "cnpg.io/instanceName: pg-1", "cnpg.io/podRole: instance", "cnpg.io/instanceRole: primary") +
		podOf("shop", "pg-2", "cnpg.io/cluster: pg", "cnpg.io/instanceName: pg-2", "cnpg.io/podRole: instance", "cnpg.io/instanceRole: replica") +
		podOf("shop", "pg-rw-1", "cnpg.io/cluster: pg", "cnpg.io/poolerName: pg-rw", "cnpg.io/podRole: pooler") +
		podOf("cnpg-system", "operator-1", "app.kubernetes.io/name: cloudnative-pg") +
		podOf("shop", "web", "app: web")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	inv, err := manifests.Load(t.Context(), manifests.Options{FilenameOptions: resource.FilenameOptions{Filenames: []string{file}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range changes {
		change(inv)
	}
	return inv
}

// unmanagedPod takes a pod's endpoint away.
func unmanagedPod(namespace, name string) func(*inventory.Inventory) {
	return func(inv *inventory.Inventory) {
		delete(inv.Endpoints, types.NamespacedName{Namespace: namespace, Name: name})
	}
}

// onNode moves a pod to its node's network, on the node with the address.
func onNode(namespace, name, node string) func(*inventory.Inventory) {
	return func(inv *inventory.Inventory) {
		unmanagedPod(namespace, name)(inv)
		for i := range inv.Pods {
			if p := &inv.Pods[i]; p.Namespace == namespace && p.Name == name {
				p.HostNetwork, p.HostIP = true, node
			}
		}
	}
}

// lockedReport is the report after a lockdown, and what lockdown would refuse before it.
func lockedReport(t *testing.T, inv *inventory.Inventory, flags policyset.FlagValues) (v1alpha1.IsolationReport, isolation.Preview) {
	t.Helper()
	options, err := policyset.Parse(flags)
	if err != nil {
		t.Fatal(err)
	}
	before, err := isolation.NewModel(inv, isolation.Options{})
	if err != nil {
		t.Fatal(err)
	}
	pg := types.NamespacedName{Namespace: "shop", Name: "pg"}
	plan, err := rollout.Lockdown(inv.Policies, []policyset.Options{options.For(pg, before.OperatorNamespaces())})
	if err != nil {
		t.Fatal(err)
	}
	after, err := before.With(plan.After(inv.Policies, len(plan.Steps)))
	if err != nil {
		t.Fatal(err)
	}
	return isolation.Evaluate(after).Items[0], isolation.Compare(before, after, pg, plan.For(pg))
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
			name: "operator on another node's network", change: onNode("cnpg-system", "operator-1", "192.0.2.2"),
			posture: v1alpha1.PostureBroken, finding: v1alpha1.OperatorBlocked, remedy: "--allow-kubectl-cnpg",
		},
		{
			name: "operator on an unknown node's network", change: onNode("cnpg-system", "operator-1", ""),
			posture: v1alpha1.PostureBroken, finding: v1alpha1.OperatorBlocked, remedy: "--allow-kubectl-cnpg",
		},
		{
			name: "operator on the instances' node, where the next one need not be", change: onNode("cnpg-system", "operator-1", "192.0.2.1"),
			posture: v1alpha1.PostureBroken, finding: v1alpha1.OperatorBlocked, remedy: "--allow-kubectl-cnpg",
		},
		{
			name: "operator on another node's network, nodes let in", change: onNode("cnpg-system", "operator-1", "192.0.2.2"),
			flags: policyset.FlagValues{Allow: []string{"--allow-kubectl-cnpg"}}, posture: v1alpha1.PostureLocked,
		},
		{
			name: "operator not managed", change: unmanagedPod("cnpg-system", "operator-1"),
			posture: v1alpha1.PostureBroken, finding: v1alpha1.OperatorBlocked, remedy: "Restart the pods",
		},
		{
			name: "pooler on another node's network", change: onNode("shop", "pg-rw-1", "192.0.2.2"),
			posture: v1alpha1.PostureBroken, finding: v1alpha1.PoolerBlocked, remedy: "Remove hostNetwork",
		},
		{
			name: "pooler not managed", change: unmanagedPod("shop", "pg-rw-1"),
			posture: v1alpha1.PostureBroken, finding: v1alpha1.PoolerBlocked, remedy: "Restart the pods",
		},
		{
			name: "instance not managed", change: unmanagedPod("shop", "pg-2"),
			posture: v1alpha1.PostureBroken, finding: v1alpha1.ReplicationBlocked, remedy: "Restart the pods",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, preview := lockedReport(t, managedWorld(t, tc.change), tc.flags)
			if r.Posture != tc.posture {
				t.Errorf("posture %s, want %s: %+v", r.Posture, tc.posture, r.RequiredFlows)
			}
			if refused := len(preview.Refusals) > 0; refused != (tc.posture == v1alpha1.PostureBroken) {
				t.Errorf("lockdown refuses for %q", preview.Refusals)
			}
			if tc.finding == "" {
				return
			}
			i := slices.IndexFunc(r.Findings, func(f v1alpha1.Finding) bool { return f.Code == tc.finding })
			if i < 0 || !strings.Contains(r.Findings[i].Remedy, tc.remedy) {
				t.Errorf("no %s with %q in %+v", tc.finding, tc.remedy, r.Findings)
			}
		})
	}
}

// Where Cilium manages one of the instances only, the other one is open to everybody, whatever the
// policies say, and so is a pooler on its node's network.
func TestWhereNothingIsEnforcedEverybodyCanConnect(t *testing.T) {
	for name, change := range map[string]func(*inventory.Inventory){
		"instances":    unmanagedPod("shop", "pg-2"),
		"pooler pg-rw": onNode("shop", "pg-rw-1", "192.0.2.2"),
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := lockedReport(t, managedWorld(t, change), policyset.FlagValues{})
			e := r.Exposure[slices.IndexFunc(r.Exposure, func(e v1alpha1.Exposure) bool { return e.Target == name })]
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
	_, preview := lockedReport(t, managedWorld(t, unmanagedPod("shop", "web")), policyset.FlagValues{Allow: []string{"--allow-pods=app=web"}})
	lost := slices.ContainsFunc(preview.Access, func(a isolation.AccessChange) bool {
		return a.Change == isolation.Loses && a.Client.Workload == "pod/web" && a.Target == "instances"
	})
	if !lost {
		t.Errorf("access %+v", preview.Access)
	}
	_, preview = lockedReport(t, managedWorld(t), policyset.FlagValues{Allow: []string{"--allow-pods=app=web"}})
	if slices.ContainsFunc(preview.Access, func(a isolation.AccessChange) bool {
		return a.Change == isolation.Loses && a.Client.Namespace == "shop"
	}) {
		t.Errorf("access of a managed client %+v", preview.Access)
	}
}

// Two instances whose labels the agent's filter makes equal have one identity, and are two pods that
// must reach each other.
func TestInstancesWithOneIdentityAreAsked(t *testing.T) {
	inv := managedWorld(t, func(inv *inventory.Inventory) {
		for key, e := range inv.Endpoints {
			e.IdentityLabels = slices.DeleteFunc(slices.Clone(e.IdentityLabels), func(label string) bool {
				return strings.Contains(label, "instance")
			})
			inv.Endpoints[key] = e
		}
	})
	m, err := isolation.NewModel(inv, isolation.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const denial = `{"metadata":{"name":"deny","namespace":"shop"},"spec":{"endpointSelector":{},"ingress":[{}]}}`
	deny := decode.NewDecoder().Policy(v1alpha1.CiliumNetworkPolicy, []byte(denial), decode.PolicyOptions{})
	after, err := m.With([]inventory.Policy{deny})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range after.Flows(types.NamespacedName{Namespace: "shop", Name: "pg"}) {
		if f.Name == isolation.FlowReplication && !strings.Contains(f.Message, "pg-1 → pg-2") {
			t.Errorf("replication %+v", f)
		}
	}
}

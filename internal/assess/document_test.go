package assess_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/resource"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/manifests"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// The world of these tests is the recording of a cluster without policies, in which everybody
// connects. These are its clients.
const (
	backend       = "default/pod/backend"
	frontend      = "default/pod/frontend"
	otherBackend  = "other/pod/backend"
	otherFrontend = "other/pod/frontend"
	shop          = "backend/pod/app"
	dns           = "kube-system/deployment/coredns"
	operator      = "cnpg-system/deployment/cnpg-controller-manager"
)

// What each of the document's policies does, as it is printed and with nothing beside it.
func TestTheDocumentsPoliciesLiterally(t *testing.T) {
	everybody := []string{operator, dns, backend, frontend, otherBackend, otherFrontend, shop}
	nobodyElse := []string{}
	tests := []struct {
		file     string
		posture  v1alpha1.Posture
		connect  []string
		blocked  []string // required flows
		findings []v1alpha1.FindingCode
		world    bool
	}{
		{
			file: "1-default-deny.yaml", posture: v1alpha1.PostureOpen, connect: everybody, world: true,
			findings: []v1alpha1.FindingCode{v1alpha1.PolicyInvalid, v1alpha1.NoDefaultDeny},
		},
		{
			file: "2-cnpg-operator-access.yaml", posture: v1alpha1.PostureBroken, connect: nobodyElse,
			blocked:  []string{v1alpha1.FlowReplication, v1alpha1.FlowIsolationCheck, v1alpha1.FlowPooler},
			findings: []v1alpha1.FindingCode{v1alpha1.ReplicationBlocked, v1alpha1.IsolationCheckBlocked, v1alpha1.PoolerBlocked, v1alpha1.MoreThanTheOperator, v1alpha1.BystandersDenied},
		},
		{
			file: "3-cnpg-cluster-internal-access.yaml", posture: v1alpha1.PostureLocked, connect: []string{operator},
			findings: []v1alpha1.FindingCode{v1alpha1.MoreThanTheOperator, v1alpha1.BystandersDenied},
		},
		{
			file: "4-postgres-access-backend-label.yaml", posture: v1alpha1.PostureBroken, connect: []string{backend},
			blocked:  []string{v1alpha1.FlowOperator, v1alpha1.FlowReplication, v1alpha1.FlowIsolationCheck, v1alpha1.FlowPooler},
			findings: []v1alpha1.FindingCode{v1alpha1.OperatorBlocked, v1alpha1.ReplicationBlocked, v1alpha1.IsolationCheckBlocked, v1alpha1.PoolerBlocked},
		},
		{
			// Any pod of the namespace, peers and poolers included, and no backend of another one.
			file: "5-postgres-access-backend-any-ns.yaml", posture: v1alpha1.PostureBroken, connect: []string{backend, frontend},
			blocked:  []string{v1alpha1.FlowOperator, v1alpha1.FlowIsolationCheck},
			findings: []v1alpha1.FindingCode{v1alpha1.OperatorBlocked, v1alpha1.IsolationCheckBlocked, v1alpha1.PolicyIgnoredField},
		},
		{
			file: "6-postgres-access-backend-namespace.yaml", posture: v1alpha1.PostureBroken, connect: []string{shop},
			blocked:  []string{v1alpha1.FlowOperator, v1alpha1.FlowReplication, v1alpha1.FlowIsolationCheck, v1alpha1.FlowPooler},
			findings: []v1alpha1.FindingCode{v1alpha1.OperatorBlocked, v1alpha1.ReplicationBlocked, v1alpha1.IsolationCheckBlocked, v1alpha1.PoolerBlocked},
		},
		{
			file: "7-postgres-access-cluster-wide.yaml", posture: v1alpha1.PostureBroken, connect: everybody,
			blocked:  []string{v1alpha1.FlowOperator, v1alpha1.FlowIsolationCheck},
			findings: []v1alpha1.FindingCode{v1alpha1.OperatorBlocked, v1alpha1.IsolationCheckBlocked},
		},
	}
	for _, tc := range tests {
		t.Run(tc.file, func(t *testing.T) {
			r := onlyReport(t, fixture.Recording("live-open"), "../policyset/testdata/document/"+tc.file)
			if r.Posture != tc.posture {
				t.Errorf("posture %s, want %s", r.Posture, tc.posture)
			}
			expectClients(t, r, tc.connect, tc.world)
			var blocked []string
			for _, f := range r.RequiredFlows {
				if f.Verdict == v1alpha1.VerdictDenied && !f.Advisory {
					blocked = append(blocked, f.Name)
				}
			}
			if !slices.Equal(blocked, tc.blocked) {
				t.Errorf("blocked: %v, want %v", blocked, tc.blocked)
			}
			if got := codes(r.Findings); !slices.Equal(got, tc.findings) {
				t.Errorf("findings %v, want %v", got, tc.findings)
			}
		})
	}
}

// What the document's sentences promise, kept by the set that lockdown applies.
func TestOurSetKeepsTheDocumentsPromises(t *testing.T) {
	tests := map[string]struct {
		flags   policyset.FlagValues
		connect []string
	}{
		"nobody but operator and peers":               {policyset.FlagValues{}, []string{}},
		"4: role=backend of the cluster's namespace":  {policyset.FlagValues{Allow: []string{"--allow-pods=role=backend"}}, []string{backend}},
		"5: role=backend of any namespace":            {policyset.FlagValues{Allow: []string{"--allow-pods-any-namespace=role=backend"}}, []string{backend, otherBackend}},
		"6: any pod of the namespace backend":         {policyset.FlagValues{Allow: []string{"--allow-namespace=backend"}}, []string{shop}},
		"7: everything in the Kubernetes cluster":     {policyset.FlagValues{Allow: []string{"--allow-cluster-wide"}}, []string{backend, dns, frontend, otherBackend, otherFrontend, shop}},
		"4 and 6 together":                            {policyset.FlagValues{Allow: []string{"--allow-pods=role=backend", "--allow-namespace=backend"}}, []string{backend, shop}},
		"metrics and kubectl cnpg let nobody to 5432": {policyset.FlagValues{Allow: []string{"--allow-metrics=other", "--allow-kubectl-cnpg"}}, []string{}},
	}
	for name, tc := range tests {
		for _, scope := range []policyset.Scope{policyset.ScopeCluster, policyset.ScopeNamespace} {
			t.Run(name+", scope "+string(scope), func(t *testing.T) {
				tc.flags.Scope = string(scope)
				r := onlyReport(t, fixture.Recording("live-open"), setFile(t, tc.flags))
				if r.Posture != v1alpha1.PostureLocked {
					t.Errorf("posture %s, want LOCKED: %+v", r.Posture, r.Findings)
				}
				expectClients(t, r, append([]string{operator}, tc.connect...), false)
				bystanders := slices.Contains(codes(r.Findings), v1alpha1.BystandersDenied)
				if bystanders != (scope == policyset.ScopeNamespace) {
					t.Errorf("bystanders are denied: %v", bystanders)
				}
			})
		}
	}
}

// expectClients compares who can connect to the instances and to the pooler, and whether the
// world can.
func expectClients(t *testing.T, r v1alpha1.IsolationReport, want []string, world bool) {
	t.Helper()
	known := []string{backend, frontend, otherBackend, otherFrontend, shop, dns, operator}
	want = slices.Sorted(slices.Values(want))
	for _, e := range r.Exposure {
		got := []string{}
		for _, c := range e.Clients {
			if name := c.Namespace + "/" + c.Workload; slices.Contains(known, name) {
				got = append(got, name)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: can connect: %v, want %v", e.Target, got, want)
		}
		if got := slices.Contains(e.Entities, "world"); got != world {
			t.Errorf("%s: the world can connect: %v", e.Target, got)
		}
		// The kubelet's probes come from there: allow-localhost.
		if !slices.Contains(e.Entities, "host") {
			t.Errorf("%s: the host can't connect", e.Target)
		}
	}
}

// setFile is a file with the set that lockdown would apply to the recording's cluster.
func setFile(t *testing.T, flags policyset.FlagValues) string {
	t.Helper()
	options, err := policyset.Parse(flags)
	if err != nil {
		t.Fatal(err)
	}
	inv, err := manifests.Load(t.Context(), manifests.Options{FilenameOptions: resource.FilenameOptions{Filenames: []string{fixture.Recording("live-open")}}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.New(inv, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	set, err := policyset.Build(options.For(types.NamespacedName{Namespace: "default", Name: "cluster-example"}, assess.Operators(m)))
	if err != nil {
		t.Fatal(err)
	}
	text, err := policyset.YAML(set)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "set.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// A clusterwide policy can select the identity of the world, but nobody enforces the world's egress:
// reading it as denied would make an open database look closed.
func TestAClusterwideEgressPolicyDoesNotHideTheWorld(t *testing.T) {
	list := reports(t, "../explain/testdata/shop.yaml", "../explain/testdata/clusterwide-egress.yaml")
	plain := reports(t, "../explain/testdata/shop.yaml")
	for i, r := range list.Items {
		for j, e := range r.Exposure {
			if want := plain.Items[i].Exposure[j].Entities; !slices.Equal(e.Entities, want) {
				t.Errorf("%s, %s: entities %v, without the policy %v", r.Metadata.Name, e.Target, e.Entities, want)
			}
		}
	}
}

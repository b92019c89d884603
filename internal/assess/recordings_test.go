package assess_test

import (
	"slices"
	"testing"

	"k8s.io/cli-runtime/pkg/resource"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/manifests"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// The recordings are from a live kind cluster with Cilium v1.20.2 and CloudNativePG 1.29.1, and the
// expectations are what psql saw there on port 5432.
func TestReportsAgreeWithWhatPsqlSaw(t *testing.T) {
	everybody := []string{"backend/pod/app", "default/pod/backend", "default/pod/frontend", "other/pod/backend", "other/pod/frontend"}
	tests := map[string]struct {
		posture   v1alpha1.Posture
		connect   []string
		entities  []v1alpha1.Entity
		findings  []v1alpha1.FindingCode
		instances int
	}{
		"live-open.json": {
			posture: v1alpha1.PostureOpen, connect: everybody, instances: 2,
			entities: []v1alpha1.Entity{"world", "host", "remote-node", "kube-apiserver"},
			findings: []v1alpha1.FindingCode{v1alpha1.NoDefaultDeny},
		},
		"live-document-literal.json": {
			posture: v1alpha1.PosturePartial, connect: []string{"default/pod/backend", "default/pod/frontend"}, instances: 2,
			entities: []v1alpha1.Entity{"host"},
			findings: []v1alpha1.FindingCode{v1alpha1.PolicyInvalid, v1alpha1.MoreThanTheOperator, v1alpha1.BystandersDenied},
		},
		"live-locked.json": {
			posture: v1alpha1.PostureLocked, connect: []string{"default/pod/backend"}, instances: 3,
			entities: []v1alpha1.Entity{"host"},
			findings: []v1alpha1.FindingCode{v1alpha1.MoreThanTheOperator}, // Applied by hand, for the whole namespace.
		},
	}
	for file, want := range tests {
		t.Run(file, func(t *testing.T) {
			r := onlyReport(t, "../inventory/testdata/"+file)
			if r.Posture != want.posture {
				t.Errorf("posture %s, want %s", r.Posture, want.posture)
			}
			for _, e := range r.Exposure {
				var got []string
				for _, c := range e.Clients {
					if name := c.Namespace + "/" + c.Workload; slices.Contains(everybody, name) {
						got = append(got, name)
					}
				}
				if !slices.Equal(got, want.connect) {
					t.Errorf("%s: can connect: %v, want %v", e.Target, got, want.connect)
				}
				if !slices.Equal(e.Entities, want.entities) {
					t.Errorf("%s: entities %v, want %v", e.Target, e.Entities, want.entities)
				}
			}
			if got := codes(r.Findings); !slices.Equal(got, want.findings) {
				t.Errorf("findings %v, want %v\n%+v", got, want.findings, r.Findings)
			}
			// Replication streamed in all three.
			for _, f := range r.RequiredFlows {
				if f.Verdict != v1alpha1.VerdictAllowed && !f.Advisory {
					t.Errorf("%s: %s (%s)", f.Name, f.Verdict, f.Message)
				}
			}
			if got := len(r.Pods); got != want.instances+1 {
				t.Errorf("%d pods, want %d instances and a pooler", got, want.instances)
			}
		})
	}
}

func onlyReport(t *testing.T, files ...string) v1alpha1.IsolationReport {
	t.Helper()
	list := reports(t, files...)
	if len(list.Items) != 1 {
		t.Fatalf("%d reports, want 1", len(list.Items))
	}
	return list.Items[0]
}

func reports(t *testing.T, files ...string) v1alpha1.IsolationReportList {
	t.Helper()
	inv, err := manifests.Load(t.Context(), manifests.Options{FilenameOptions: resource.FilenameOptions{Filenames: files}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.New(inv, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return assess.Evaluate(m)
}

func codes(findings []v1alpha1.Finding) []v1alpha1.FindingCode {
	out := make([]v1alpha1.FindingCode, len(findings))
	for i, f := range findings {
		out[i] = f.Code
	}
	return out
}

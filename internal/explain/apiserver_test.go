package explain_test

import (
	"slices"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// On the recorded cluster, everything runs on one node: the API server reached the instances although
// no policy let it in, as the local host. status and explain must say the same.
func TestTheAPIServerOnTheInstancesOwnNode(t *testing.T) {
	const otherNode = "172.18.0.9"
	moveAPIServer := func(inv *inventory.Inventory) {
		for i := range inv.Pods {
			if inv.Pods[i].Labels["component"] == "kube-apiserver" {
				inv.Pods[i].HostIP = otherNode
			}
		}
	}
	for name, tc := range map[string]struct {
		change func(*inventory.Inventory)
		want   v1alpha1.Verdict
	}{
		"on the same node":    {func(*inventory.Inventory) {}, v1alpha1.VerdictAllowed},
		"on another node":     {moveAPIServer, v1alpha1.VerdictDenied},
		"on both, worst case": {addAPIServer(otherNode), v1alpha1.VerdictDenied},
		"not visible":         {withoutAPIServer, v1alpha1.VerdictDenied},
	} {
		t.Run(name, func(t *testing.T) {
			inv := fixture.Load(t, fixture.Recording("live-locked"))
			tc.change(inv)
			question, err := fixture.Ask(t, inv, fixture.Recorded(), "kube-apiserver", explain.Query{Port: "8000"})
			if err != nil {
				t.Fatal(err)
			}
			flows := assess.RequiredFlows(question.Model, question.Cluster)
			flow := flows[slices.IndexFunc(flows, func(f v1alpha1.RequiredFlow) bool { return f.Name == v1alpha1.FlowKubectlCNPG })]
			if flow.Verdict != tc.want {
				t.Errorf("status says %s (%s), want %s", flow.Verdict, flow.Message, tc.want)
			}
			e, err := question.Explain()
			if err != nil {
				t.Fatal(err)
			}
			if e.Verdict != tc.want {
				t.Errorf("explain says %s, want %s", e.Verdict, tc.want)
			}
		})
	}
}

func addAPIServer(node string) func(*inventory.Inventory) {
	return func(inv *inventory.Inventory) {
		for _, pod := range inv.Pods {
			if pod.Labels["component"] == "kube-apiserver" {
				pod.Name, pod.HostIP = pod.Name+"-2", node
				inv.Pods = append(inv.Pods, pod)
				return
			}
		}
	}
}

func withoutAPIServer(inv *inventory.Inventory) {
	inv.Pods = slices.DeleteFunc(inv.Pods, func(p inventory.Pod) bool { return p.Labels["component"] == "kube-apiserver" })
}

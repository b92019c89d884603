package explain_test

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

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

// agent is a pod through which the API server connects.
func agent(label string) func(*inventory.Inventory) {
	return func(inv *inventory.Inventory) {
		inv.Pods = append(inv.Pods, inventory.Pod{
			Namespace: "kube-system", Name: "konnectivity-agent-1", Labels: map[string]string{label: "konnectivity-agent"}, Phase: corev1.PodRunning,
		})
		inv.Endpoints[types.NamespacedName{Namespace: "kube-system", Name: "konnectivity-agent-1"}] = inventory.Endpoint{
			IdentityID: 9, State: "ready", IdentityLabels: []string{"k8s:io.kubernetes.pod.namespace=kube-system", "k8s:io.cilium.k8s.policy.cluster=default", "k8s:" + label + "=konnectivity-agent"},
		}
	}
}

// Where the control plane stands apart, its connections come from the agents of konnectivity: the entity lets in
// nobody then, and the agents' labels do.
func TestTheAPIServerByWayOfKonnectivity(t *testing.T) {
	policy := func(ingress string) func(*inventory.Inventory) {
		return fixture.Policy(`{"metadata": {"namespace": "shop", "name": "status"}, "spec": {"endpointSelector": {"matchLabels": {"cnpg.io/cluster": "pg"}},
			"ingress": [{"toPorts": [{"ports": [{"port": "8000"}]}], ` + ingress + `}]}}`)
	}
	const entity, agents = `"fromEntities": ["kube-apiserver"]`, `"fromEndpoints": [{"matchLabels": {"io.kubernetes.pod.namespace": "kube-system", "k8s-app": "konnectivity-agent"}}]`
	cut := fixture.Policy(`{"metadata": {"namespace": "kube-system", "name": "cut"}, "spec": {"endpointSelector": {}, "egress": [{"toEntities": ["world"]}]}}`)
	for name, tc := range map[string]struct {
		changes []func(*inventory.Inventory)
		want    v1alpha1.Verdict
	}{
		"no agents, the entity":             {[]func(*inventory.Inventory){policy(entity)}, v1alpha1.VerdictAllowed},
		"no agents, the agents' labels":     {[]func(*inventory.Inventory){policy(agents)}, v1alpha1.VerdictDenied},
		"agents, the entity":                {[]func(*inventory.Inventory){agent("k8s-app"), policy(entity)}, v1alpha1.VerdictDenied},
		"agents, the agents' labels":        {[]func(*inventory.Inventory){agent("k8s-app"), policy(agents)}, v1alpha1.VerdictAllowed},
		"agents of AKS, the other label":    {[]func(*inventory.Inventory){agent("app"), policy(agents)}, v1alpha1.VerdictDenied},
		"agents that may open nothing":      {[]func(*inventory.Inventory){agent("k8s-app"), policy(agents), cut}, v1alpha1.VerdictDenied},
		"agents, and nothing is restricted": {[]func(*inventory.Inventory){agent("k8s-app")}, v1alpha1.VerdictAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			inv := fixture.World(t, tc.changes...)
			e, err := fixture.Explain(t, inv, fixture.Database(), "kube-apiserver", explain.Query{Port: "8000"})
			if err != nil {
				t.Fatal(err)
			}
			said := slices.ContainsFunc(e.Notes, func(note string) bool { return strings.Contains(note, "kube-system/konnectivity-agent-1") })
			if hasAgents := len(inv.Pods) > 5; e.Verdict != tc.want || said != hasAgents {
				t.Errorf("%s, want %s: %+v, %q", e.Verdict, tc.want, e.Answers, e.Notes)
			}
			question, err := fixture.Ask(t, inv, fixture.Database(), "kube-apiserver", explain.Query{Port: "8000"})
			if err != nil {
				t.Fatal(err)
			}
			flows := assess.RequiredFlows(question.Model, question.Cluster)
			i := slices.IndexFunc(flows, func(f v1alpha1.RequiredFlow) bool { return f.Name == v1alpha1.FlowKubectlCNPG })
			if flows[i].Verdict != tc.want {
				t.Errorf("status says %s, explain %s: %s", flows[i].Verdict, tc.want, flows[i].Message)
			}
		})
	}
}

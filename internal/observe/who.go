package observe

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	flowpb "github.com/cilium/cilium/api/v1/flow"
	"github.com/cilium/cilium/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

const reservedLabel = labels.LabelSourceReserved + ":"

// who is the client behind an endpoint. Hubble names the workload of a pod as long as it knows the pod; the
// inventory may know it, too. Else the pod stands for itself.
func (m Members) who(e *flowpb.Endpoint, address string) Client {
	if entity, ok := entityOf(e); ok {
		c := Client{Entity: entity}
		if addr, err := netip.ParseAddr(address); err == nil {
			c.Address = addr.Unmap()
		}
		return c
	}
	c := Client{Namespace: e.GetNamespace(), Workload: inventory.Workload{Kind: "pod", Name: e.GetPodName()}, Identity: identityOf(e)}
	pod := m.pods[types.NamespacedName{Namespace: e.GetNamespace(), Name: e.GetPodName()}]
	switch workloads := e.GetWorkloads(); {
	case pod != nil:
		c.Workload = pod.Workload
	case len(workloads) > 0 && workloads[0].GetName() != "":
		c.Workload = inventory.Workload{Kind: strings.ToLower(cmp.Or(workloads[0].GetKind(), "workload")), Name: workloads[0].GetName()}
	}
	c.Workload = Workload(c.Workload)
	return c
}

// entityOf is who is no pod; false for a pod. The node that an API server runs on is both, and is the node.
func entityOf(e *flowpb.Endpoint) (v1alpha1.Entity, bool) {
	if e.GetNamespace() != "" {
		return "", false
	}
	entities := map[string]bool{}
	for _, label := range e.GetLabels() {
		if name, ok := strings.CutPrefix(label, reservedLabel); ok {
			entities[name] = true
		}
	}
	for _, name := range []string{
		labels.IDNameHost, labels.IDNameKubeAPIServer, labels.IDNameRemoteNode, labels.IDNameIngress,
		labels.IDNameHealth, labels.IDNameInit, labels.IDNameUnmanaged,
	} {
		if entities[name] {
			return v1alpha1.Entity(name), true
		}
	}
	return v1alpha1.EntityWorld, true
}

// identityOf are the endpoint's labels. The agent adds those of source "gen", which no policy can name, to tell
// pods with other named ports apart.
func identityOf(e *flowpb.Endpoint) string {
	out := make([]string, 0, len(e.GetLabels()))
	for _, label := range e.GetLabels() {
		if !strings.HasPrefix(label, "gen:") {
			out = append(out, strings.ReplaceAll(label, "\n", " "))
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

package observe

import (
	"cmp"
	"slices"
	"strings"

	k8sConst "github.com/cilium/cilium/pkg/k8s/apis/cilium.io"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Complete is the inventory with a pod for each client of which none is there: it is gone, or has not been
// started. Such pods are like those that were seen, or like their templates.
func (e Evidence) Complete(inv *inventory.Inventory) *inventory.Inventory {
	there := map[owner]bool{}
	for i := range inv.Pods {
		there[ownerOf(&inv.Pods[i])] = true
	}
	var added []inventory.Pod
	add := func(pod inventory.Pod) {
		if of := ownerOf(&pod); !there[of] {
			there[of] = true
			pod.Expected = true
			added = append(added, pod)
		}
	}
	for _, pod := range e.Templates {
		add(pod)
	}
	for _, c := range e.Connections {
		if c.Client.Entity == "" {
			add(podLike(c.Client))
		}
	}
	for _, r := range e.Reached {
		if r.To.Entity == "" {
			add(podLike(r.To))
		}
	}
	if len(added) == 0 {
		return inv
	}
	more := *inv
	more.Pods = slices.Concat(inv.Pods, added)
	slices.SortStableFunc(more.Pods, func(a, b inventory.Pod) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return &more
}

type owner struct {
	namespace string
	workload  inventory.Workload
}

func ownerOf(p *inventory.Pod) owner { return owner{p.Namespace, Workload(p.Workload)} }

// podLike is a pod with the labels of a client's identity. Those that the agent adds are no labels of a pod.
func podLike(c Client) inventory.Pod {
	pod := inventory.Pod{Namespace: c.Namespace, Name: c.Workload.Name, Workload: c.Workload, Labels: map[string]string{}, ServiceAccount: "default"}
	for _, label := range c.IdentityLabels() {
		text, ok := strings.CutPrefix(label, k8sLabel)
		key, value, _ := strings.Cut(text, "=")
		switch {
		case !ok:
		case key == k8sConst.PolicyLabelServiceAccount:
			pod.ServiceAccount = value
		case strings.HasPrefix(key, k8sConst.LabelPrefix), strings.HasPrefix(key, "io.kubernetes."):
		default:
			pod.Labels[key] = value
		}
	}
	return pod
}

package inventory

import (
	"fmt"
	"slices"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
)

// MostLabels is how many labels an object may give to an identity: pods, what makes them, namespaces, and groups of addresses. People
// give a dozen, an object has room for a hundred thousand, and each identity that has them costs as much as a thousand others do.
const MostLabels = 10_000

// inherited takes the labels from Clusters that hand too many to their pods, and leaves out Poolers whose pods have too many: what is
// expected of them is not known. The objects themselves are not changed.
func (inv *Inventory) inherited() {
	bound := func(clusters []*cnpgv1.Cluster) []*cnpgv1.Cluster {
		out := slices.Clone(clusters)
		for i, c := range clusters {
			m := c.Spec.InheritedMetadata
			if m == nil || len(m.Labels) <= MostLabels {
				continue
			}
			inv.tooWide("clusters.postgresql.cnpg.io", c.Namespace,
				fmt.Sprintf("cluster %q in namespace %q hands %d labels to its pods", c.Name, c.Namespace, len(m.Labels)))
			without := *c
			without.Spec.InheritedMetadata = &cnpgv1.EmbeddedObjectMetadata{Annotations: m.Annotations}
			out[i] = &without
		}
		return out
	}
	inv.Clusters, inv.Others = bound(inv.Clusters), bound(inv.Others)
	inv.Poolers = slices.DeleteFunc(slices.Clone(inv.Poolers), func(p *cnpgv1.Pooler) bool {
		if p.Spec.Template == nil || len(p.Spec.Template.ObjectMeta.Labels) <= MostLabels {
			return false
		}
		inv.tooWide("pods", p.Namespace,
			fmt.Sprintf("pooler %q in namespace %q gives %d labels to its pods", p.Name, p.Namespace, len(p.Spec.Template.ObjectMeta.Labels)))
		return true
	})
}

// narrow leaves out what has too many labels, and pods of which nobody can say who they are because of it.
func (inv *Inventory) narrow() {
	wide := map[string]bool{}
	for i := range inv.Namespaces {
		n := &inv.Namespaces[i]
		if len(n.Labels) <= MostLabels {
			continue
		}
		wide[n.Name] = true
		inv.tooWide("namespaces", n.Name, fmt.Sprintf("namespace %q has %d labels", n.Name, len(n.Labels)))
		n.Labels = map[string]string{corev1.LabelMetadataName: n.Name}
	}
	inv.narrowPods(wide)
	inv.CIDRGroups = slices.DeleteFunc(slices.Clone(inv.CIDRGroups), func(g *ciliumv2.CiliumCIDRGroup) bool {
		if len(g.Labels) <= MostLabels {
			return false
		}
		inv.AllCIDRGroups = false
		inv.tooWide("ciliumcidrgroups.cilium.io", "", fmt.Sprintf("CiliumCIDRGroup %q has %d labels", g.Name, len(g.Labels)))
		return true
	})
}

// narrowPods leaves out the pods with too many labels, of their own or of a namespace that is wide. It says so once for each workload.
func (inv *Inventory) narrowPods(wide map[string]bool) {
	// known is how many labels make the pod's identity; false where nobody can say who it is.
	known := func(p *Pod) (labels int, known bool) {
		if p.HostNetwork {
			return 0, true
		}
		if e := inv.Endpoints[p.Key()]; len(e.IdentityLabels) > 0 && e.Identified() {
			return len(e.IdentityLabels), len(e.IdentityLabels) <= MostLabels // The agent has said it.
		}
		return len(p.Labels), len(p.Labels) <= MostLabels && !wide[p.Namespace]
	}
	type workload struct {
		namespace string
		Workload
	}
	told := map[workload]bool{}
	tell := func(p *Pod, labels int) {
		of := workload{p.Namespace, p.Workload}
		if labels <= MostLabels || told[of] {
			return
		}
		told[of] = true
		resource := ClientsResource
		if p.Labels[cnpg.ClusterLabel] != "" {
			resource = "pods"
		}
		who := fmt.Sprintf("a pod of %s", p.Workload)
		if p.Workload.Kind == "pod" {
			who = fmt.Sprintf("pod %q", p.Name)
		}
		inv.tooWide(resource, p.Namespace, fmt.Sprintf("%s in namespace %q has %d labels", who, p.Namespace, labels))
	}
	leaveOut := map[types.NamespacedName]bool{}
	for i := range inv.Pods {
		if labels, ok := known(&inv.Pods[i]); !ok {
			leaveOut[inv.Pods[i].Key()] = true
			tell(&inv.Pods[i], labels)
		}
	}
	if len(leaveOut) > 0 {
		inv.Pods = slices.DeleteFunc(slices.Clone(inv.Pods), func(p Pod) bool { return leaveOut[p.Key()] })
	}
}

// tooWide notes what is not evaluated.
func (inv *Inventory) tooWide(resource, namespace, what string) {
	inv.Missing = append(inv.Missing, Missing{
		Resource: resource, Scope: Only(namespace), Reason: TooLarge,
		Message: fmt.Sprintf("%s: whom policies select by more than %d is not worked out", what, MostLabels),
		Remedy:  command.Words("Remove the labels that nobody needs."),
	})
}

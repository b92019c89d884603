package observe

import (
	"slices"
	"strings"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// clusterKind is the kind of the workload that the pods of a Cluster are, as package inventory has it.
const clusterKind = "cluster"

// OfClusters are the references of other Clusters: what their externalClusters name. Replicas, imports and subscriptions
// connect by them.
func (n Names) OfClusters(clusters []*cnpgv1.Cluster) []Reference {
	var out []Reference
	for _, c := range clusters {
		own := types.NamespacedName{Namespace: c.Namespace, Name: c.Name}
		add := func(r Reference) {
			r.Namespace, r.Workload = c.Namespace, inventory.Workload{Kind: clusterKind, Name: c.Name}
			if r.Cluster != own && !slices.Contains(out, r) {
				out = append(out, r)
			}
		}
		for i := range c.Spec.ExternalClusters {
			external := &c.Spec.ExternalClusters[i]
			for host := range strings.SplitSeq(external.ConnectionParameters["host"], ",") {
				if s, ok := n.service(c.Namespace, strings.TrimSpace(host)); ok {
					add(Reference{Cluster: s.cluster, To: "host " + strings.TrimSpace(host), Pooler: s.pooler})
				}
			}
			for _, s := range []*corev1.SecretKeySelector{external.Password, external.SSLCert, external.SSLKey, external.SSLRootCert} {
				if s == nil {
					continue
				}
				for _, cluster := range n.secrets[types.NamespacedName{Namespace: c.Namespace, Name: s.Name}] {
					add(Reference{Cluster: cluster, To: "Secret " + s.Name})
				}
			}
		}
	}
	return out
}

package observe

import (
	"slices"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/egress"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// OfMonitors are the references of those who scrape a cluster and its poolers, by the PodMonitor or ServiceMonitor that
// selects them. Programs that scrape are known by their labels; where none was seen, nobody is named.
func OfMonitors(inv *inventory.Inventory, key types.NamespacedName) []Reference {
	at := slices.IndexFunc(inv.Clusters, func(c *cnpgv1.Cluster) bool { return c.Namespace == key.Namespace && c.Name == key.Name })
	if at < 0 {
		return nil
	}
	var out []Reference
	for _, need := range egress.New(inv).Metrics(inv.Clusters[at]) {
		for _, peer := range need.Peers {
			for _, i := range peer.Pods {
				for _, port := range peer.Ports {
					p := &inv.Pods[i]
					r := Reference{
						Cluster: key, Namespace: p.Namespace, Workload: Workload(p.Workload), Pooler: need.Who.Pooler,
						To: need.Source.Kind + " " + need.Source.Namespace + "/" + need.Source.Name, Port: port.Number,
					}
					if !slices.Contains(out, r) {
						out = append(out, r)
					}
				}
			}
		}
	}
	return out
}

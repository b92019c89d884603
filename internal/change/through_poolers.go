package change

import (
	"fmt"
	"slices"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// withoutPoolers is the refusal where clients would get to the poolers of a cluster that has none.
func withoutPoolers(m *model.Model, o policyset.Options) []v1alpha1.Refusal {
	has := slices.ContainsFunc(m.Inventory().Poolers, func(p *cnpgv1.Pooler) bool {
		return p.Namespace == o.Cluster.Namespace && p.Spec.Cluster.Name == o.Cluster.Name
	})
	if has || !o.ThroughPoolers || !o.LetsClientsIn() || m.Cluster(o.Cluster) == nil {
		return nil
	}
	return []v1alpha1.Refusal{{
		Reason: v1alpha1.RefusalNoPooler,
		Message: fmt.Sprintf("cluster %q has no Pooler, so that nobody whom the flags let in could connect: leave out %s, or make the Pooler first",
			o.Cluster.Name, policyset.FlagThroughPoolers),
	}}
}

package assess_test

import (
	"slices"
	"testing"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// Policies of a cluster that is gone are pointed out, and only where all clusters were looked at: the
// clusters of other namespaces, and others than those that were named, are not in the inventory.
func TestOrphansAreFoundWhereAllClustersWereLookedAt(t *testing.T) {
	inv := &inventory.Inventory{Origin: inventory.Live, Settings: inventory.DefaultSettings()}
	inv.Settings.Agent = true
	alive := &cnpgv1.Cluster{}
	alive.Namespace, alive.Name = "shop", "alive"
	inv.Clusters = []*cnpgv1.Cluster{alive}
	for _, owner := range []struct{ namespace, cluster string }{{"other", "elsewhere"}, {"shop", "alive"}, {"shop", "gone"}} {
		p := &ciliumv2.CiliumNetworkPolicy{}
		p.Namespace, p.Name = owner.namespace, owner.cluster+"-default-deny"
		p.Labels = map[string]string{
			policyset.LabelManagedBy: policyset.FieldManager, policyset.LabelCluster: owner.cluster, policyset.LabelPolicy: string(policyset.DefaultDeny),
		}
		inv.Policies = append(inv.Policies, inventory.Policy{
			PolicyReference: v1alpha1.PolicyReference{Kind: v1alpha1.CiliumNetworkPolicy, Namespace: p.Namespace, Name: p.Name}, Object: p, Labels: p.Labels,
		})
	}
	for name, tc := range map[string]struct {
		options model.Options
		want    []string
	}{
		"all namespaces": {model.Options{}, []string{
			"kubectl cnpg-netpol unlock elsewhere -n other", "kubectl cnpg-netpol unlock gone -n shop",
		}},
		"one namespace":  {model.Options{Namespace: "shop"}, []string{"kubectl cnpg-netpol unlock gone -n shop"}},
		"named clusters": {model.Options{Namespace: "shop", Names: []string{"alive"}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := model.New(inv, tc.options)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range assess.Evaluate(m).Findings {
				if f.Code == v1alpha1.OrphanedPolicy {
					got = append(got, f.Remedy.String())
				}
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

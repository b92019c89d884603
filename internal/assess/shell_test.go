package assess_test

import (
	"strings"
	"testing"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// A name from a manifest does nothing in the shell that a remedy is copied to.
func TestRemediesQuoteNames(t *testing.T) {
	const name, namespace = "a;reboot", "$(id)"
	inv := &inventory.Inventory{Origin: inventory.Live, Settings: inventory.DefaultSettings()}
	inv.Clusters = []*cnpgv1.Cluster{{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: cnpgv1.ClusterSpec{Instances: 1}}}
	inv.Pods = []inventory.Pod{{
		Namespace: namespace, Name: "pod", Phase: "Running", ServiceAccount: name,
		Labels:   map[string]string{cnpg.ClusterLabel: name, cnpg.PodRoleLabel: "instance"},
		Workload: inventory.Workload{Kind: "cluster", Name: name},
	}}
	inv.Policies = []inventory.Policy{{
		PolicyReference: v1alpha1.PolicyReference{Kind: v1alpha1.CiliumNetworkPolicy, Namespace: namespace, Name: name},
		Object:          &ciliumv2.CiliumNetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}},
		IgnoredFields:   []string{"spec.x"},
	}}
	m, err := model.New(inv, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	commands := 0
	for _, f := range assess.Evaluate(m).Items[0].Findings {
		for _, word := range []string{name, namespace} {
			commands += strings.Count(f.Remedy.String(), word)
			if strings.Count(f.Remedy.String(), word) != strings.Count(f.Remedy.String(), "'"+word+"'") {
				t.Errorf("%s: %s", f.Code, f.Remedy)
			}
		}
	}
	if commands == 0 {
		t.Error("no command names the cluster")
	}
}

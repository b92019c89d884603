package observe_test

import (
	"testing"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe"
)

// A replica names the hosts and the Secrets of the cluster that it follows; itself is nobody's client.
func TestReferencesOfClusters(t *testing.T) {
	cluster := func(namespace, name string, external ...cnpgv1.ExternalCluster) *cnpgv1.Cluster {
		c := &cnpgv1.Cluster{Spec: cnpgv1.ClusterSpec{ExternalClusters: external}}
		c.Namespace, c.Name = namespace, name
		return c
	}
	secret := func(name string) *corev1.SecretKeySelector {
		return &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: name}}
	}
	host := func(name string) map[string]string { return map[string]string{"host": name} }
	inv := &inventory.Inventory{Clusters: []*cnpgv1.Cluster{
		cluster("shop", "db", cnpgv1.ExternalCluster{ConnectionParameters: host("db-rw")}),
		cluster("shop", "replica", cnpgv1.ExternalCluster{ConnectionParameters: host("db-rw, db-r.shop.svc"), SSLKey: secret("db-replication"), SSLRootCert: secret("db-ca")}),
		cluster("away", "copy", cnpgv1.ExternalCluster{ConnectionParameters: host("db-ro.shop"), Password: secret("db-app")}),
		cluster("away", "stranger", cnpgv1.ExternalCluster{ConnectionParameters: host("db-rw")}),
	}}
	var got []string
	for _, r := range observe.NamesOf(inv, types.NamespacedName{Namespace: "shop", Name: "db"}).OfClusters(inv.Clusters) {
		got = append(got, r.Namespace+"/"+r.Workload.String()+" "+r.To)
	}
	if diff := cmp.Diff([]string{
		"shop/cluster/replica host db-rw", "shop/cluster/replica host db-r.shop.svc", "shop/cluster/replica Secret db-replication", "shop/cluster/replica Secret db-ca",
		"away/cluster/copy host db-ro.shop",
	}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

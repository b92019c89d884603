package observe_test

import (
	"fmt"
	"testing"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe"
)

// Who scrapes refers to what a monitor selects: each target once, by its own port, and nobody without a monitor.
func TestOfMonitors(t *testing.T) {
	inv := &inventory.Inventory{
		Clusters: []*cnpgv1.Cluster{{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "db"}}, {ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "other"}}},
		Poolers:  []*cnpgv1.Pooler{{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "pool"}, Spec: cnpgv1.PoolerSpec{Cluster: cnpgv1.LocalObjectReference{Name: "db"}}}},
	}
	for _, name := range []string{"prometheus-0", "prometheus-1"} {
		inv.Pods = append(inv.Pods, inventory.Pod{
			Namespace: "monitoring", Name: name, Labels: map[string]string{"app.kubernetes.io/name": "prometheus"}, Workload: inventory.Workload{Kind: "statefulset", Name: "prometheus"},
		})
	}
	monitor := func(name string, selects map[string]string) inventory.Monitor {
		m := inventory.Monitor{Kind: "PodMonitor", ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}}
		m.Spec.Selector.MatchLabels = selects
		return m
	}
	references := func(cluster string) (out []string) {
		for _, r := range observe.OfMonitors(inv, types.NamespacedName{Namespace: "shop", Name: cluster}) {
			out = append(out, fmt.Sprintf("%s/%s: %s for %s %s:%d", r.Namespace, r.Workload, r.To, r.Cluster.Name, r.Pooler, r.Port))
		}
		return out
	}
	if got := references("db"); got != nil {
		t.Errorf("without a monitor: %q", got)
	}
	inv.Monitors = []inventory.Monitor{monitor("db", map[string]string{"cnpg.io/cluster": "db"}), monitor("pool", map[string]string{"cnpg.io/poolerName": "pool"})}
	if diff := cmp.Diff([]string{
		"monitoring/statefulset/prometheus: PodMonitor shop/db for db :9187",
		"monitoring/statefulset/prometheus: PodMonitor shop/db for db pool:9127",
	}, references("db")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got := references("other"); got != nil {
		t.Errorf("of another cluster: %q", got)
	}
	if got := references("gone"); got != nil {
		t.Errorf("of no cluster: %q", got)
	}
}

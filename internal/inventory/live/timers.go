package live

import (
	"context"
	"slices"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/timer"
)

// timed tells whether a policy of a wanted namespace ends by itself: nobody else has to know about timers.
func (c *collector) timed() bool {
	return slices.ContainsFunc(c.policies[ciliumSlot], func(p inventory.Policy) bool {
		object, ok := p.Object.(*ciliumv2.CiliumNetworkPolicy)
		if !ok || !policyset.IsOurs(p.Labels) || c.options.Namespace != "" && c.options.Namespace != p.Namespace {
			return false
		}
		_, timed := policyset.TimerOf(object)
		return timed
	})
}

// timers reads the Jobs with which policies end, and the server's clock.
func (c *collector) timers() resource {
	return resource{
		name: "jobs.batch", scope: ownNamespace, advisory: true,
		reset: func() { c.setTimers(nil, false) },
		page: func(ctx context.Context, namespace string, o metav1.ListOptions) (int, string, error) {
			o.LabelSelector = timer.LabelPurpose + "," + policyset.LabelManagedBy + "=" + policyset.FieldManager
			list, err := c.clients.Kubernetes.BatchV1().Jobs(namespace).List(ctx, o)
			if err != nil {
				return 0, "", err
			}
			found := c.inv.Timers
			for i := range list.Items {
				found = append(found, timer.Read(&list.Items[i]))
			}
			c.setTimers(found, list.Continue == "")
			return len(list.Items), list.Continue, nil
		},
	}
}

func (c *collector) setTimers(found []inventory.Timer, all bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inv.Timers, c.inv.AllTimers = found, all
	if c.clients.Now != nil && all {
		c.inv.Now = c.clients.Now()
	}
}

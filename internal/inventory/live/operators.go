package live

import (
	"context"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

const operatorSelector = inventory.OperatorLabel + "=" + inventory.OperatorLabelValue

func fromDeployment(d *appsv1.Deployment) (inventory.Operator, bool) {
	account := d.Spec.Template.Spec.ServiceAccountName
	if account == "" {
		account = "default"
	}
	var images []string
	for i := range d.Spec.Template.Spec.Containers {
		images = append(images, d.Spec.Template.Spec.Containers[i].Image)
	}
	return inventory.OperatorFromDeployment(d.Namespace, d.Name, d.Labels, d.Spec.Template.Labels, account, images...)
}

// deployments reads the Deployments that may be the operator's, by label.
func (c *collector) deployments() resource {
	return resource{
		name:  "deployments.apps",
		reset: func() { c.inv.Operators = nil },
		page: func(ctx context.Context, namespace string, o metav1.ListOptions) (int, string, error) {
			o.LabelSelector = operatorSelector
			list, err := c.clients.Kubernetes.AppsV1().Deployments(namespace).List(ctx, o)
			if err != nil {
				return 0, "", err
			}
			for i := range list.Items {
				if operator, ok := fromDeployment(&list.Items[i]); ok {
					c.inv.Operators = append(c.inv.Operators, operator)
				}
			}
			return len(list.Items), list.Continue, nil
		},
	}
}

// knowsOperators takes the operators from what has been read; false when they are not in there.
func (c *collector) knowsOperators() bool {
	if len(c.inv.Operators) > 0 {
		c.inv.Operators = inventory.UniqueOperators(c.inv.Operators)
	} else {
		c.inv.Operators = inventory.OperatorsFromPods(c.inv.Pods)
	}
	return len(c.inv.Operators) > 0
}

// findOperators falls back to the pods' label, and then to the Service behind the operator's
// webhook, when no Deployment was found. What is missing then stays recorded.
func (c *collector) findOperators(ctx context.Context) error {
	if c.knowsOperators() {
		return nil
	}
	var found []types.NamespacedName
	r := resource{
		name: "mutatingwebhookconfigurations.admissionregistration.k8s.io", scope: clusterScoped,
		reset: func() { found = nil },
	}
	r.page = func(ctx context.Context, _ string, o metav1.ListOptions) (int, string, error) {
		list, err := c.clients.Kubernetes.AdmissionregistrationV1().MutatingWebhookConfigurations().List(ctx, o)
		if err != nil {
			return 0, "", err
		}
		for i := range list.Items {
			var names []string
			for _, w := range list.Items[i].Webhooks {
				names = append(names, w.Name)
			}
			if !inventory.IsOperatorWebhook(list.Items[i].Name, names) {
				continue
			}
			for _, w := range list.Items[i].Webhooks {
				if s := w.ClientConfig.Service; s != nil {
					found = append(found, types.NamespacedName{Namespace: s.Namespace, Name: s.Name})
				}
			}
		}
		return len(list.Items), list.Continue, nil
	}
	if err := c.read(ctx, r); err != nil {
		return err
	}
	// A configuration has several webhooks, all with the same Service.
	for _, s := range slices.Compact(found) {
		selector, err := c.selector(ctx, s)
		if err != nil {
			return err
		}
		c.inv.Operators = append(c.inv.Operators, inventory.OperatorsFromService(s.Namespace, selector, c.inv.Pods)...)
	}
	c.inv.Operators = inventory.UniqueOperators(c.inv.Operators)
	return nil
}

// selector is the selector of a Service, nil when it can't be read: the namespace alone is worth
// something, too.
func (c *collector) selector(ctx context.Context, service types.NamespacedName) (map[string]string, error) {
	s, err := c.clients.Kubernetes.CoreV1().Services(service.Namespace).Get(ctx, service.Name, metav1.GetOptions{})
	if err != nil {
		if c.kindOf(ctx, err) == fatal {
			return nil, c.explain(err)
		}
		return nil, nil
	}
	return s.Spec.Selector, nil
}

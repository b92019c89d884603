package specs

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe"
)

// configMapsAtOnce is the size of a page: a ConfigMap may have a megabyte.
const configMapsAtOnce = 100

// configMaps reads which ConfigMaps name a host of the databases. They come before the specs that refer to them. It
// says what could not be read; empty when all was.
func (r *reader) configMaps(ctx context.Context, namespace string) (problem string) {
	return r.kind(ctx, "ConfigMaps", namespace, func(ctx context.Context, namespace string, o metav1.ListOptions) ([]observe.Spec, string, error) {
		o.Limit = configMapsAtOnce
		list, err := r.client.CoreV1().ConfigMaps(namespace).List(ctx, o)
		if err != nil {
			return nil, "", err
		}
		for i := range list.Items {
			c := &list.Items[i]
			r.names.AddConfigMap(c.Namespace, c.Name, c.Data)
		}
		return nil, list.Continue, nil
	})
}

package live

import (
	"context"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	ciliumscheme "github.com/cilium/cilium/pkg/k8s/client/clientset/versioned/scheme"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// rawList is a list of which no item has been looked at.
type rawList struct {
	Metadata metav1.ListMeta   `json:"metadata"`
	Items    []json.RawMessage `json:"items"`
}

// custom reads a kind of a CustomResourceDefinition, item by item: a typed list of the clientsets would
// fail as a whole when a single item can't be decoded.
func (c *collector) custom(k custom) resource {
	r := resource{
		name: k.GroupResource().String(), scope: k.scope, absent: k.absent, optional: k.optional,
		reset: func() { k.reset(c) },
	}
	take := func(raw []byte) error {
		value, err := k.decode(c.decoder, raw)
		if err == nil {
			k.put(c, value)
		}
		return err
	}
	read := c.readDynamic
	if k.Group == ciliumGroup {
		read = c.readCilium
	}
	r.page = func(ctx context.Context, namespace string, o metav1.ListOptions) (int, string, error) {
		items, next, err := read(ctx, k.GroupVersionResource, namespace, o)
		if err != nil {
			return 0, "", err
		}
		for _, raw := range items {
			c.item(r.name, raw, take)
		}
		return len(items), next, nil
	}
	return r
}

// readCilium reads raw items through Cilium's clientset, which saves a detour through maps.
func (c *collector) readCilium(ctx context.Context, kind schema.GroupVersionResource, namespace string, o metav1.ListOptions) ([]json.RawMessage, string, error) {
	answer := c.clients.Cilium.CiliumV2().RESTClient().Get().
		NamespaceIfScoped(namespace, namespace != "").Resource(kind.Resource).
		VersionedParams(&o, ciliumscheme.ParameterCodec).Do(ctx)
	// Error reads the server's own words, which Raw does not.
	if err := answer.Error(); err != nil {
		return nil, "", err
	}
	body, err := answer.Raw()
	if err != nil {
		return nil, "", err
	}
	var list rawList
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, "", fmt.Errorf("the answer is no list: %w", err)
	}
	return list.Items, list.Metadata.Continue, nil
}

// readDynamic reads a kind through the dynamic client.
func (c *collector) readDynamic(ctx context.Context, kind schema.GroupVersionResource, namespace string, o metav1.ListOptions) ([]json.RawMessage, string, error) {
	list, err := c.clients.Dynamic.Resource(kind).Namespace(namespace).List(ctx, o)
	if err != nil {
		return nil, "", err
	}
	items := make([]json.RawMessage, len(list.Items))
	for i := range list.Items {
		if items[i], err = json.Marshal(list.Items[i].Object); err != nil {
			return nil, "", err
		}
	}
	return items, list.GetContinue(), nil
}

// item hands one object over; one that can't be decoded is missing evidence.
func (c *collector) item(resource string, raw []byte, take func(raw []byte) error) {
	if err := take(raw); err != nil {
		c.missing(inventory.Missing{
			Resource: resource, Reason: inventory.Failed,
			Message: fmt.Sprintf("%s %s can't be decoded", resource, oneLine(err)),
			Remedy:  "correct the object on the server; kubectl get -o yaml shows it",
		})
	}
}

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

// cilium reads a kind of Cilium's as raw items: the typed list of the clientset would fail as a
// whole when a single item can't be decoded.
func (c *collector) cilium(plural string, s scope, item func(raw []byte) error) resource {
	name := plural + ".cilium.io"
	return resource{
		name: name, scope: s, absent: installCilium,
		page: func(ctx context.Context, namespace string, o metav1.ListOptions) (int, string, error) {
			answer := c.clients.Cilium.CiliumV2().RESTClient().Get().
				NamespaceIfScoped(namespace, namespace != "").Resource(plural).
				VersionedParams(&o, ciliumscheme.ParameterCodec).Do(ctx)
			// Error reads the server's own words, which Raw does not.
			if err := answer.Error(); err != nil {
				return 0, "", err
			}
			body, err := answer.Raw()
			if err != nil {
				return 0, "", err
			}
			var list rawList
			if err := json.Unmarshal(body, &list); err != nil {
				return 0, "", fmt.Errorf("the answer is no list: %w", err)
			}
			for _, raw := range list.Items {
				c.item(name, raw, item)
			}
			return len(list.Items), list.Metadata.Continue, nil
		},
	}
}

// dynamic reads a kind through the dynamic client, item by item.
func (c *collector) dynamic(gvr schema.GroupVersionResource, s scope, item func(raw []byte) error) resource {
	name := gvr.GroupResource().String()
	return resource{
		name: name, scope: s,
		page: func(ctx context.Context, namespace string, o metav1.ListOptions) (int, string, error) {
			list, err := c.clients.Dynamic.Resource(gvr).Namespace(namespace).List(ctx, o)
			if err != nil {
				return 0, "", err
			}
			for i := range list.Items {
				raw, err := json.Marshal(list.Items[i].Object)
				if err != nil {
					return 0, "", err
				}
				c.item(name, raw, item)
			}
			return len(list.Items), list.GetContinue(), nil
		},
	}
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

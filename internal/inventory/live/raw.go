package live

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// rawList is a list of which no item has been looked at.
type rawList struct {
	Items []json.RawMessage `json:"items"`
}

// custom reads a kind of a CustomResourceDefinition from the answer's own text. When the items can't be
// decoded all at once, they are decoded one by one: a typed list of a clientset would fail as a whole
// because of a single one.
func (c *collector) custom(k custom) resource {
	r := resource{
		name: k.GroupResource().String(), scope: k.scope, absent: k.absent, optional: k.optional,
		reset: func() { k.reset(c) },
	}
	r.fetch = func(ctx context.Context, namespace string, o metav1.ListOptions) (page, error) {
		body, err := c.readRaw(ctx, k.GroupVersionResource, namespace, o)
		if err != nil {
			return page{}, err
		}
		next, err := continueOf(body)
		return page{next, func() (int, error) { return c.takeRaw(k, body) }}, err
	}
	return r
}

// takeRaw collects the objects of a list.
func (c *collector) takeRaw(k custom, body []byte) (int, error) {
	if k.decodeAll != nil {
		if values, err := k.decodeAll(body); err == nil {
			for _, value := range values {
				k.put(c, value)
			}
			return len(values), nil
		}
	}
	var list rawList
	if err := json.Unmarshal(body, &list); err != nil {
		return 0, notAList(err)
	}
	for _, raw := range list.Items {
		value, err := k.decode(c.decoder, raw)
		if err != nil {
			c.undecodable(k.GroupResource().String(), err)
			continue
		}
		k.put(c, value)
	}
	return len(list.Items), nil
}

// continueOf is the token of the next page. The server writes metadata before the items, which are not
// looked at then.
func continueOf(body []byte) (string, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	if _, err := decoder.Token(); err != nil {
		return "", notAList(err)
	}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return "", notAList(err)
		}
		var metadata metav1.ListMeta
		var into any = &metadata
		if key != "metadata" {
			into = &json.RawMessage{}
		}
		if err := decoder.Decode(into); err != nil {
			return "", notAList(err)
		}
		if key == "metadata" {
			return metadata.Continue, nil
		}
	}
	return "", nil
}

func notAList(err error) error { return fmt.Errorf("the answer is no list: %w", err) }

// readRaw reads a page. Cilium's kinds come through Cilium's clientset.
func (c *collector) readRaw(ctx context.Context, kind schema.GroupVersionResource, namespace string, o metav1.ListOptions) ([]byte, error) {
	request := c.clients.Kubernetes.Discovery().RESTClient().Get().AbsPath("apis", kind.Group, kind.Version)
	if kind.Group == ciliumGroup {
		request = c.clients.Cilium.CiliumV2().RESTClient().Get()
	}
	answer := request.NamespaceIfScoped(namespace, namespace != "").Resource(kind.Resource).
		SpecificallyVersionedParams(&o, metav1.ParameterCodec, metav1.SchemeGroupVersion).SetHeader("Accept", runtime.ContentTypeJSON).Do(ctx)
	// Error reads the server's own words, which Raw does not.
	if err := answer.Error(); err != nil {
		return nil, err
	}
	return answer.Raw()
}

// undecodable records an object that can't be decoded.
func (c *collector) undecodable(resource string, err error) {
	c.missing(inventory.Missing{
		Resource: resource, Reason: inventory.Failed,
		Message: fmt.Sprintf("%s %s can't be decoded", resource, oneLine(err)),
		Remedy:  "correct the object on the server; kubectl get -o yaml shows it",
	})
}

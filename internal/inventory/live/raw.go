package live

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// rawList is a list of which no item has been looked at.
type rawList struct {
	Metadata metav1.ListMeta   `json:"metadata"`
	Items    []json.RawMessage `json:"items"`
}

// custom reads a kind of a CustomResourceDefinition from the answer's own text. When the items can't be
// decoded all at once, they are decoded one by one: a typed list of a clientset would fail as a whole
// because of a single one.
func (c *collector) custom(k custom) resource {
	r := resource{
		name: k.GroupResource().String(), scope: k.scope, absent: k.absent, optional: k.optional, advisory: k.advisory,
		reset: func() { k.reset(c) },
	}
	var text bytes.Buffer // One for all pages: what is decoded keeps nothing of it.
	r.page = func(ctx context.Context, namespace string, o metav1.ListOptions) (int, string, error) {
		if err := c.readRaw(ctx, k.GroupVersionResource, namespace, o, &text); err != nil {
			return 0, "", err
		}
		body := text.Bytes()
		if k.decodeAll != nil {
			if values, next, err := k.decodeAll(c.decoder, body); err == nil {
				for _, value := range values {
					k.put(c, value)
				}
				return len(values), next, nil
			}
		}
		var list rawList
		if err := json.Unmarshal(body, &list); err != nil {
			return 0, "", fmt.Errorf("the answer is no list: %w", err)
		}
		for _, raw := range list.Items {
			value, err := k.decode(c.decoder, raw)
			if err != nil {
				c.undecodable(r, err)
				continue
			}
			k.put(c, value)
		}
		return len(list.Items), list.Metadata.Continue, nil
	}
	return r
}

// readRaw reads a page into the buffer. Cilium's kinds come through Cilium's clientset.
func (c *collector) readRaw(ctx context.Context, kind schema.GroupVersionResource, namespace string, o metav1.ListOptions, into *bytes.Buffer) error {
	request := c.clients.Kubernetes.Discovery().RESTClient().Get().AbsPath("apis", kind.Group, kind.Version)
	if kind.Group == ciliumGroup {
		request = c.clients.Cilium.CiliumV2().RESTClient().Get()
	}
	body, err := request.NamespaceIfScoped(namespace, namespace != "").Resource(kind.Resource).
		SpecificallyVersionedParams(&o, metav1.ParameterCodec, metav1.SchemeGroupVersion).
		SetHeader("Accept", runtime.ContentTypeJSON).Stream(ctx)
	if err != nil {
		return err
	}
	into.Reset()
	_, err = into.ReadFrom(body)
	return errors.Join(err, body.Close())
}

// undecodable records an object that can't be decoded.
func (c *collector) undecodable(r resource, err error) {
	c.lacks(r, inventory.Missing{
		Resource: r.name, Reason: inventory.Failed,
		Message: fmt.Sprintf("%s %s can't be decoded", r.name, oneLine(err)),
		Remedy:  command.Words("correct the object on the server; kubectl get -o yaml shows it"),
	})
}

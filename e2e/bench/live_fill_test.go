package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/bench/fleet"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/integration/standin"
)

// fillers is the number of objects that are written at once.
const fillers = 16

// ownerUID stands for the UID of every owner: the server wants one, and nothing looks at it.
const ownerUID = types.UID("00000000-0000-4000-8000-000000000000")

// fill writes a fleet to a server, with statuses as large as real ones, and Cilium's settings.
func fill(ctx context.Context, config *rest.Config, size fleet.Size) error {
	if err := standin.WriteSettings(ctx, config, nil); err != nil {
		return err
	}
	config = rest.CopyConfig(config)
	config.QPS = -1
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	f := filler{client: client}
	if f.recorded, err = recordedStatuses(); err != nil {
		return err
	}
	// Nothing can be created in a namespace that is not there yet.
	for _, namespaces := range []bool{true, false} {
		group, groupCtx := errgroup.WithContext(ctx)
		group.SetLimit(fillers)
		err := fleet.Each(size, func(o map[string]any) error {
			object := &unstructured.Unstructured{Object: o}
			if (object.GetKind() == "Namespace") != namespaces {
				return nil
			}
			group.Go(func() error {
				if err := f.write(groupCtx, object); err != nil {
					return fmt.Errorf("write %s %s/%s: %w", object.GetKind(), object.GetNamespace(), object.GetName(), err)
				}
				return nil
			})
			return groupCtx.Err()
		})
		if groupErr := group.Wait(); groupErr != nil {
			return groupErr
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// filler writes objects.
type filler struct {
	client dynamic.Interface
	// recorded are statuses by kind.
	recorded map[string]map[string]any
}

// recordedStatuses takes one status of each kind from the recording of a live cluster.
func recordedStatuses() (map[string]map[string]any, error) {
	text, err := os.ReadFile(filepath.Join("..", "..", "internal", "inventory", "testdata", "live-locked.json"))
	if err != nil {
		return nil, err
	}
	var list unstructured.UnstructuredList
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, err
	}
	statuses := map[string]map[string]any{}
	for _, item := range list.Items {
		if status, ok := item.Object["status"].(map[string]any); ok {
			statuses[item.GetKind()] = status
		}
	}
	return statuses, nil
}

// status is the recorded status of the kind with what the fleet says on top.
func (f filler) status(o *unstructured.Unstructured) map[string]any {
	status := maps.Clone(f.recorded[o.GetKind()])
	if own, ok := o.Object["status"].(map[string]any); ok {
		if status == nil {
			return own
		}
		maps.Copy(status, own)
	}
	return status
}

// write creates one object, and its status where that is a subresource.
func (f filler) write(ctx context.Context, o *unstructured.Unstructured) error {
	owners := o.GetOwnerReferences()
	for i := range owners {
		owners[i].UID = ownerUID
	}
	if len(owners) > 0 {
		o.SetOwnerReferences(owners)
	}
	status := f.status(o)
	if status != nil {
		o.Object["status"] = status
	}
	resource, _ := meta.UnsafeGuessKindToResource(o.GroupVersionKind())
	client := f.client.Resource(resource).Namespace(o.GetNamespace())
	created, err := client.Create(ctx, o, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	switch o.GetKind() {
	case "Pod", "Cluster", "CiliumNetworkPolicy":
		created.Object["status"] = status
		_, err = client.UpdateStatus(ctx, created, metav1.UpdateOptions{})
	}
	return err
}

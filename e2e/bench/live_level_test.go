package bench

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
)

// level makes the server as it was before the last measurement, so that it answers as fast.
func (w *world) level(ctx context.Context) error {
	if err := w.stir(ctx); err != nil {
		return err
	}
	return w.collectGarbage(ctx)
}

// stir changes one object of each kind that has more than one page. Pages come out of the server's
// memory only while it remembers a state of the kind, which it does not when nothing has changed for
// some minutes: it asks etcd then, and takes four times as long. In a cluster of this size something
// always changes.
func (w *world) stir(ctx context.Context) error {
	client, err := dynamic.NewForConfig(w.server.Config())
	if err != nil {
		return err
	}
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"bench/stirred":%q}}}`, time.Now().Format(time.RFC3339Nano))
	for resource, name := range map[schema.GroupVersionResource]string{
		{Version: "v1", Resource: "pods"}:                                      "db-0-1",
		{Group: "cilium.io", Version: "v2", Resource: "ciliumendpoints"}:       "db-0-1",
		{Group: "cilium.io", Version: "v2", Resource: "ciliumnetworkpolicies"}: "db-0-default-deny",
		{Group: "postgresql.cnpg.io", Version: "v1", Resource: "clusters"}:     "db-0",
	} {
		_, err := client.Resource(resource).Namespace("team-00000").Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{})
		if err != nil {
			return fmt.Errorf("change %s %s: %w", resource.Resource, name, err)
		}
	}
	return nil
}

// collectGarbage makes the server do now what it would do during every second measurement: with this
// fleet it collects garbage after about so many requests, which takes as long as to answer them.
func (w *world) collectGarbage(ctx context.Context) error {
	client, err := discovery.NewDiscoveryClientForConfig(w.server.Config())
	if err != nil {
		return err
	}
	return client.RESTClient().Get().AbsPath("/debug/pprof/heap").Param("gc", "1").Do(ctx).Error()
}

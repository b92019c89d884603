package testserver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

// objectKey names one object of a server.
type objectKey struct {
	resource        schema.GroupVersionResource
	namespace, name string
}

// object is one object of a server, under the resource by which it is reached.
type object struct {
	key     objectKey
	content unstructured.Unstructured
}

// volatile are the resources that a server changes by itself, or that record what happened.
func volatile(resource schema.GroupVersionResource) bool {
	switch resource.Resource {
	case "events", "leases", "endpoints", "endpointslices", "componentstatuses":
		return true
	}
	return false
}

// objects lists every object of every resource that can be listed, except the volatile ones, in
// the order of their kind, namespace and name.
func (s *Server) objects(ctx context.Context) ([]object, error) {
	resources, err := s.resources()
	if err != nil {
		return nil, err
	}
	// In parallel, because the first list of each custom resource takes the server a second.
	lists := make([][]object, len(resources))
	failures := make([]error, len(resources))
	var running sync.WaitGroup
	for i, resource := range resources {
		running.Go(func() { lists[i], failures[i] = s.list(ctx, resource) })
	}
	running.Wait()
	if err := errors.Join(failures...); err != nil {
		return nil, err
	}
	objects := slices.Concat(lists...)
	slices.SortFunc(objects, func(a, b object) int { return compareObjects(a.content, b.content) })
	return objects, nil
}

// resources are those that can be listed, except the volatile ones.
func (s *Server) resources() ([]schema.GroupVersionResource, error) {
	lists, err := discovery.ServerPreferredResources(s.discovery)
	if err != nil {
		return nil, fmt.Errorf("discover what the server serves: %w", err)
	}
	var resources []schema.GroupVersionResource
	for _, list := range discovery.FilteredBy(discovery.SupportsAllVerbs{Verbs: []string{"list", "get"}}, lists) {
		groupVersion, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return nil, err
		}
		for _, resource := range list.APIResources {
			if gvr := groupVersion.WithResource(resource.Name); !volatile(gvr) {
				resources = append(resources, gvr)
			}
		}
	}
	return resources, nil
}

func (s *Server) list(ctx context.Context, resource schema.GroupVersionResource) ([]object, error) {
	found, err := s.dynamic.Resource(resource).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", resource.GroupResource(), err)
	}
	objects := make([]object, 0, len(found.Items))
	for _, item := range found.Items {
		objects = append(objects, object{objectKey{resource, item.GetNamespace(), item.GetName()}, item})
	}
	return objects, nil
}

// versions are the resource versions of objects.
func versions(objects []object) map[objectKey]string {
	result := make(map[objectKey]string, len(objects))
	for _, o := range objects {
		result[o.key] = o.content.GetResourceVersion()
	}
	return result
}

// settle waits until the server has stopped to write by itself, and returns what is there then.
func (s *Server) settle(ctx context.Context) (map[objectKey]string, error) {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	var before map[objectKey]string
	for {
		objects, err := s.objects(ctx)
		now := versions(objects)
		if err == nil && maps.Equal(before, now) {
			return now, nil
		}
		before = now
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("the server keeps changing its own objects: %w", errors.Join(err, ctx.Err()))
		case <-time.After(300 * time.Millisecond):
		}
	}
}

package testserver

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Reset deletes everything that was not there after the start. It fails when something that was
// there has changed: such a server is of no further use.
func (s *Server) Reset(ctx context.Context) error {
	objects, err := s.objects(ctx)
	if err != nil {
		return err
	}
	// Namespaces go last, because nothing can be finalized in one that is gone.
	for _, namespaces := range []bool{false, true} {
		for _, o := range objects {
			_, virgin := s.virgin[o.key]
			if virgin || isNamespace(o) != namespaces {
				continue
			}
			if err := s.remove(ctx, o); err != nil {
				return fmt.Errorf("delete %s %s/%s: %w", o.key.resource.Resource, o.key.namespace, o.key.name, err)
			}
		}
	}
	objects, err = s.objects(ctx)
	if err != nil {
		return err
	}
	now := versions(objects)
	for key, version := range s.virgin {
		if now[key] != version {
			return fmt.Errorf("%s %s/%s was changed or deleted", key.resource.Resource, key.namespace, key.name)
		}
	}
	for key := range now {
		if _, virgin := s.virgin[key]; !virgin {
			return fmt.Errorf("%s %s/%s cannot be removed", key.resource.Resource, key.namespace, key.name)
		}
	}
	return nil
}

func isNamespace(o object) bool {
	return o.key.resource == corev1.SchemeGroupVersion.WithResource("namespaces")
}

// remove deletes one object and takes its finalizers away, as the controllers would that are not here.
func (s *Server) remove(ctx context.Context, o object) error {
	client := s.dynamic.Resource(o.key.resource).Namespace(o.key.namespace)
	if len(o.content.GetFinalizers()) > 0 {
		patch := []byte(`{"metadata":{"finalizers":null}}`)
		if _, err := client.Patch(ctx, o.key.name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	now := int64(0)
	background := metav1.DeletePropagationBackground
	err := client.Delete(ctx, o.key.name, metav1.DeleteOptions{GracePeriodSeconds: &now, PropagationPolicy: &background})
	if !isNamespace(o) {
		return ignoreNotFound(err)
	}
	// A namespace that was deleted before answers with a conflict.
	if err != nil && !apierrors.IsConflict(err) {
		return ignoreNotFound(err)
	}
	return s.finalizeNamespace(ctx, o.key.name)
}

// finalizeNamespace does what the namespace controller does when a namespace is empty.
func (s *Server) finalizeNamespace(ctx context.Context, name string) error {
	client := s.dynamic.Resource(corev1.SchemeGroupVersion.WithResource("namespaces"))
	namespace, err := client.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	spec, ok := namespace.Object["spec"].(map[string]any)
	if !ok {
		spec = map[string]any{}
		namespace.Object["spec"] = spec
	}
	spec["finalizers"] = []any{}
	_, err = client.Update(ctx, namespace, metav1.UpdateOptions{}, "finalize")
	return ignoreNotFound(err)
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

package standin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
)

// Load creates the objects of a manifest (YAML or JSON, Lists too) together with their status, which
// kubectl apply would drop: the state of a live cluster, recorded or written by hand. What the
// server assigns (UID, resource version, times) is new. An object that is there already keeps its
// content and gets the status.
func Load(ctx context.Context, config *rest.Config, manifest []byte) error {
	objects, err := decode(manifest)
	if err != nil {
		return err
	}
	found, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return err
	}
	groups, err := restmapper.GetAPIGroupResources(found)
	if err != nil {
		return err
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	mapper := restmapper.NewDiscoveryRESTMapper(groups)
	// Namespaces first, whatever the order of the manifest.
	for _, namespaces := range []bool{true, false} {
		for _, o := range objects {
			if (o.GetKind() == "Namespace") != namespaces {
				continue
			}
			if err := load(ctx, client, mapper, o); err != nil {
				return fmt.Errorf("load %s %s/%s: %w", o.GetKind(), o.GetNamespace(), o.GetName(), err)
			}
		}
	}
	return nil
}

func decode(manifest []byte) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifest), 4096)
	for document := 1; ; document++ {
		o := &unstructured.Unstructured{}
		err := decoder.Decode(&o.Object)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("document %d: %w", document, err)
		}
		switch {
		case len(o.Object) == 0:
		case o.IsList():
			list, err := o.ToList()
			if err != nil {
				return nil, fmt.Errorf("document %d: %w", document, err)
			}
			for i := range list.Items {
				objects = append(objects, &list.Items[i])
			}
		default:
			objects = append(objects, o)
		}
	}
}

func load(ctx context.Context, client dynamic.Interface, mapper meta.RESTMapper, o *unstructured.Unstructured) error {
	kind := o.GroupVersionKind()
	mapping, err := mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return err
	}
	resource := client.Resource(mapping.Resource).Namespace(o.GetNamespace())
	status, hasStatus := o.Object["status"]
	for _, field := range []string{"uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink"} {
		unstructured.RemoveNestedField(o.Object, "metadata", field)
	}
	created, err := resource.Create(ctx, o, metav1.CreateOptions{FieldManager: "load"})
	if apierrors.IsAlreadyExists(err) {
		created, err = resource.Get(ctx, o.GetName(), metav1.GetOptions{})
	}
	if err != nil || !hasStatus {
		return err
	}
	created.Object["status"] = status
	_, err = resource.UpdateStatus(ctx, created, metav1.UpdateOptions{FieldManager: "load"})
	// A kind without the subresource has taken the status with the object.
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

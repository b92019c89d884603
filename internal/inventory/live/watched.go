package live

import (
	"context"
	"reflect"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
)

// watched is one kind that is watched.
type watched struct {
	resource
	list func(ctx context.Context, namespace string, o metav1.ListOptions) (runtime.Object, error)
	open func(ctx context.Context, namespace string, o metav1.ListOptions) (watch.Interface, error)
	// decode takes what matters of an object; the rest is forgotten.
	decode func(runtime.Object) (any, error)
	// put adds what decode has made of an object to what is collected.
	put func(c *collector, value any)
	// elsewhere is true for kinds that Inventory looks for by other means when they can't be watched.
	elsewhere bool
	// own is the namespace of the wanted clusters.
	own string
	// server is its address, for messages.
	server string
	// timeout bounds a list; 0 does not. patience bounds the wait for the beginning of a stream, and
	// the time without one.
	timeout, patience time.Duration

	store   cache.Store
	control cache.Controller
	notify  func()

	watchedState
}

// item is what is known of one object.
type item struct {
	metav1.ObjectMeta
	// value is what decode has made of it; problem is why it could not.
	value   any
	problem error
}

// prepare makes the informer. example is an object of the kind.
func (k *watched) prepare(example runtime.Object, notify func()) {
	k.notify = notify
	k.store, k.control = cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: &cache.ListWatch{ListWithContextFunc: k.tryList, WatchFuncWithContext: k.tryWatch},
		ObjectType:    example,
		Transform:     k.transform,
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    func(any) { notify() },
			DeleteFunc: func(any) { notify() },
			UpdateFunc: func(was, is any) {
				if !sameItem(was, is) {
					notify()
				}
			},
		},
	})
}

// sameItem tells whether nothing has changed of what is known of an object: kubelets and operators
// write a status every few seconds.
func sameItem(a, b any) bool {
	was, ok := a.(*item)
	is, both := b.(*item)
	return ok && both && was.problem == nil && is.problem == nil && reflect.DeepEqual(was.value, is.value)
}

// transform turns an object into an item. It may get an item, and what the informer puts in place of
// an object of which it has missed the end.
func (k *watched) transform(object any) (any, error) {
	o, ok := object.(runtime.Object)
	if !ok {
		return object, nil
	}
	known, err := meta.Accessor(o)
	if err != nil {
		return nil, err
	}
	one := &item{ObjectMeta: metav1.ObjectMeta{Namespace: known.GetNamespace(), Name: known.GetName(), ResourceVersion: known.GetResourceVersion()}}
	one.value, one.problem = k.decode(o)
	return one, nil
}

// items are the objects that are there.
func (k *watched) items() []*item {
	objects := k.store.List()
	items := make([]*item, 0, len(objects))
	for _, object := range objects {
		if one, ok := object.(*item); ok {
			items = append(items, one)
		}
	}
	return items
}

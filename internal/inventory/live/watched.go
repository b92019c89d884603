package live

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
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
	// timeout bounds the wait for an answer; 0 does not.
	timeout time.Duration

	store   cache.Store
	control cache.Controller
	notify  func()

	mu sync.Mutex
	// failure is why the kind can't be read or watched now, refused why not in all namespaces.
	failure, refused error
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

func (k *watched) tryList(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
	ctx, done := within(ctx, k.timeout)
	defer done()
	list, err := k.list(ctx, k.namespace(), o)
	if k.narrow(err) {
		list, err = k.list(ctx, k.namespace(), o)
	}
	k.note(err)
	return list, err
}

// tryWatch notes a failure only when the server does not answer, or not to us. When it does not let us
// watch, the informer lists again every now and then, which is as good.
func (k *watched) tryWatch(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
	events, err := k.openInTime(ctx, o)
	if k.narrow(err) {
		events, err = k.openInTime(ctx, o)
	}
	var answer apierrors.APIStatus
	if err == nil || !errors.As(err, &answer) || apierrors.IsUnauthorized(err) {
		k.note(err)
	}
	return events, err
}

// openInTime bounds the wait for the beginning of an answer, which then lasts as long as ctx.
func (k *watched) openInTime(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
	if k.timeout == 0 {
		return k.open(ctx, k.namespace(), o)
	}
	ctx, giveUp := context.WithCancelCause(ctx)
	late := time.AfterFunc(k.timeout, func() {
		giveUp(fmt.Errorf("no answer within %s: %w", k.timeout, context.DeadlineExceeded))
	})
	events, err := k.open(ctx, k.namespace(), o)
	if !late.Stop() && err != nil {
		err = context.Cause(ctx)
	}
	return events, err
}

// narrow limits the kind to its own namespace after all namespaces were forbidden; false when that
// can't help.
func (k *watched) narrow(err error) bool {
	if !apierrors.IsForbidden(err) || k.scope != allNamespaces || k.own == "" {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.refused != nil {
		return false
	}
	k.refused = err
	return true
}

// narrowed is why all namespaces can't be read; nil when they can.
func (k *watched) narrowed() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.refused
}

// namespace is where the kind is read; empty for everywhere.
func (k *watched) namespace() string {
	if k.scope == ownNamespace || k.narrowed() != nil {
		return k.own
	}
	return ""
}

// note keeps an error, or that there is none any more.
func (k *watched) note(err error) {
	k.mu.Lock()
	changed := (err == nil) != (k.failure == nil)
	k.failure = err
	k.mu.Unlock()
	if changed {
		k.notify()
	}
}

// state is whether the kind has ever been read, and what is wrong now.
func (k *watched) state() (read bool, failure error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.control.HasSynced(), k.failure
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

package live

import (
	"context"
	"errors"
	"net/url"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
)

// widenAfter is how long a stream lasts that is limited to one namespace, until all of them are tried
// again.
const widenAfter = time.Minute

// tryList tries all namespaces first, whatever the last answer was: a permission may have come, and a
// refusal may have been a hiccup. Further pages are of the same list.
func (k *watched) tryList(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
	ctx, done := within(ctx, k.timeout)
	defer done()
	if o.Continue != "" {
		list, err := k.list(ctx, k.namespace(), o)
		k.note(err)
		return list, err
	}
	list, err := k.list(ctx, k.widest(), o)
	var refused error
	if k.canNarrow(err) {
		refused = err
		if list, err = k.list(ctx, k.own, o); apierrors.IsForbidden(err) {
			refused, err = nil, refused
		}
	}
	k.narrow(refused)
	k.note(err)
	return list, err
}

// tryWatch notes a failure only when the server does not answer, or not to us. When it does not let us
// watch, the informer lists again every now and then, which is as good.
func (k *watched) tryWatch(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
	stream, err := k.openStream(ctx, o)
	var answer apierrors.APIStatus
	if err != nil {
		if !errors.As(err, &answer) || apierrors.IsUnauthorized(err) {
			k.note(err)
		}
		return nil, err
	}
	return k.passOn(stream, o.SendInitialEvents != nil && *o.SendInitialEvents), nil
}

// openStream opens a stream that goes on from what is known, or with SendInitialEvents one that
// begins with everything. The latter is for all namespaces: where that is forbidden, the informer
// lists instead, and what the list could read is watched.
func (k *watched) openStream(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
	if k.narrowed() == nil || o.SendInitialEvents != nil && *o.SendInitialEvents {
		return k.openInTime(ctx, k.widest(), o)
	}
	all, err := k.openInTime(ctx, k.widest(), o)
	if err == nil {
		// What the others hold is not known: begin anew, with all of them.
		all.Stop()
		return nil, apierrors.NewResourceExpired(k.name + " can be read in all namespaces now")
	}
	seconds := int64(widenAfter / time.Second)
	o.TimeoutSeconds = &seconds
	return k.openInTime(ctx, k.own, o)
}

// openInTime bounds the wait for the beginning of an answer, which then lasts as long as ctx.
func (k *watched) openInTime(ctx context.Context, namespace string, o metav1.ListOptions) (watch.Interface, error) {
	ctx, giveUp := context.WithCancelCause(ctx)
	late := time.AfterFunc(k.patience, func() { giveUp(k.silence()) })
	stream, err := k.open(ctx, namespace, o)
	inTime := late.Stop()
	if err != nil {
		if !inTime {
			err = context.Cause(ctx)
		}
		giveUp(nil)
		return nil, err
	}
	return cancelledStream{stream, func() { giveUp(nil) }}, nil
}

// cancelledStream ends its context when it is stopped.
type cancelledStream struct {
	watch.Interface
	cancel func()
}

// Stop implements watch.Interface.
func (s cancelledStream) Stop() {
	s.Interface.Stop()
	s.cancel()
}

// silence is the error of a server that does not answer.
func (k *watched) silence() error {
	return &url.Error{Op: "Watch", URL: k.server, Err: context.DeadlineExceeded}
}

// passOn passes a stream on, and notes its beginning and its end. One that begins with everything has
// begun when that has come. The end is noted before the informer learns of it, and opens the next one.
func (k *watched) passOn(stream watch.Interface, everything bool) watch.Interface {
	k.opened(!everything)
	events := make(chan watch.Event)
	passed := watch.NewProxyWatcher(events)
	go func() {
		defer close(events)
		defer k.ended()
		defer stream.Stop()
		for {
			select {
			case <-passed.StopChan():
				return
			case event, more := <-stream.ResultChan():
				if !more {
					return
				}
				if everything && event.Type == watch.Bookmark {
					everything = false
					k.complete()
				}
				select {
				case <-passed.StopChan():
					return
				case events <- event:
				}
			}
		}
	}()
	return passed
}

// canNarrow tells whether the kind's own namespace may help after all of them were refused.
func (k *watched) canNarrow(err error) bool {
	return apierrors.IsForbidden(err) && k.scope == allNamespaces && k.own != ""
}

// widest is where the kind should be read; empty for everywhere.
func (k *watched) widest() string {
	if k.scope == ownNamespace {
		return k.own
	}
	return ""
}

// namespace is where the kind is read; empty for everywhere.
func (k *watched) namespace() string {
	if k.narrowed() != nil {
		return k.own
	}
	return k.widest()
}

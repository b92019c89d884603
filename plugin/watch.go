package plugin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/tools/cache"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// watchPause gathers the changes of one action (a lockdown, a rollout) into one redraw.
const watchPause = 300 * time.Millisecond

// watchedKinds are the kinds whose changes can change a report.
func watchedKinds() []schema.GroupVersionResource {
	return []schema.GroupVersionResource{
		corev1.SchemeGroupVersion.WithResource("namespaces"),
		corev1.SchemeGroupVersion.WithResource("pods"),
		networkingv1.SchemeGroupVersion.WithResource("networkpolicies"),
		ciliumv2.SchemeGroupVersion.WithResource("ciliumnetworkpolicies"),
		ciliumv2.SchemeGroupVersion.WithResource("ciliumclusterwidenetworkpolicies"),
		ciliumv2.SchemeGroupVersion.WithResource("ciliumendpoints"),
		cnpgv1.SchemeGroupVersion.WithResource("clusters"),
		cnpgv1.SchemeGroupVersion.WithResource("poolers"),
	}
}

// runWatch shows the status whenever something has changed, until the context ends.
func (o *statusOptions) runWatch(ctx context.Context) error {
	changed, err := o.changes(ctx)
	if err != nil {
		return err
	}
	var shown []byte
	for {
		list, problem := o.evaluate(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // Being interrupted is how watching ends.
		}
		if list == nil {
			return problem
		}
		var screen bytes.Buffer
		_, width := terminal.Detect(o.Out)
		printed := report.Print(&screen, *list, report.Options{Format: o.output, Colors: o.colors(o.Out), Width: width})
		if err := errors.Join(printed, o.redraw(shown, screen.Bytes())); err != nil {
			return err
		}
		if problem != nil {
			printError(o.ErrOut, "kubectl cnpg-netpol status", problem)
		}
		shown = screen.Bytes()
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

// redraw shows a screen that differs from the last one: over it on a terminal, below it elsewhere.
func (o *statusOptions) redraw(last, next []byte) error {
	if bytes.Equal(last, next) {
		return nil
	}
	const clearScreen = "\x1b[H\x1b[2J"
	if isatty, _ := terminal.Detect(o.Out); isatty && (o.output == report.Table || o.output == report.Wide) {
		if _, err := fmt.Fprintf(o.Out, "%s%s  (Ctrl-C ends)\n\n", clearScreen, time.Now().Format(time.TimeOnly)); err != nil {
			return err
		}
	} else if last != nil && o.output == report.YAML {
		if _, err := fmt.Fprintln(o.Out, "---"); err != nil {
			return err
		}
	}
	_, err := o.Out.Write(next)
	return err
}

// changes signals after something has changed, at most once for each watchPause. It watches names
// and versions only: what changed is read by the next collection.
func (o *statusOptions) changes(ctx context.Context) (<-chan struct{}, error) {
	config, err := o.restConfig()
	if err != nil {
		return nil, err
	}
	client, err := metadata.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	events := make(chan struct{}, 1)
	notify := func() {
		select {
		case events <- struct{}{}:
		default:
		}
	}
	factory := metadatainformer.NewFilteredSharedInformerFactory(client, 0, metav1.NamespaceAll, nil)
	for _, kind := range watchedKinds() {
		informer := factory.ForResource(kind).Informer()
		// A kind that is missing or forbidden is in the report; watching goes on without it.
		if err := informer.SetWatchErrorHandlerWithContext(func(context.Context, *cache.Reflector, error) {}); err != nil {
			return nil, err
		}
		if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: func(any) { notify() },
			UpdateFunc: func(old, updated any) {
				if resourceVersion(old) != resourceVersion(updated) {
					notify()
				}
			},
			DeleteFunc: func(any) { notify() },
		}); err != nil {
			return nil, err
		}
	}
	factory.Start(ctx.Done())
	return settle(ctx, events), nil
}

func resourceVersion(object any) string {
	if m, ok := object.(metav1.Object); ok {
		return m.GetResourceVersion()
	}
	return ""
}

// settle waits after an event until watchPause is over, and signals once.
func settle(ctx context.Context, events <-chan struct{}) <-chan struct{} {
	settled := make(chan struct{})
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-events:
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(watchPause):
			}
			select {
			case <-events: // Those that came meanwhile belong to this signal.
			default:
			}
			select {
			case <-ctx.Done():
				return
			case settled <- struct{}{}:
			}
		}
	}()
	return settled
}

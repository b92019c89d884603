// Package specs reads the specs of workloads from an API server, for what they refer to, and the ConfigMaps from
// which they have it. It reads no Secret, and keeps nothing but what package observe makes of a spec.
package specs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe"
)

const (
	pageSize = 500
	// podsAtOnce and podsAtMost bound the requests for pods that nobody owns: they are read one by one.
	podsAtOnce = 8
	podsAtMost = 100
)

// Source is what the coverage calls the specs.
const Source = "specs of workloads"

// reader gathers the evidence of several kinds at once.
type reader struct {
	client kubernetes.Interface
	names  observe.Names

	mu       sync.Mutex
	evidence observe.Evidence
	// problems are what could not be read, in words.
	problems []string
}

// Read reads all namespaces, and where that is forbidden, the one of the databases. What can't be read is in
// the coverage. The error is that of a ctx that is done.
func Read(ctx context.Context, client kubernetes.Interface, names observe.Names, inv *inventory.Inventory, namespace string) (observe.Evidence, error) {
	r := &reader{client: client, names: names}
	lacksConfigMaps := r.configMaps(ctx, namespace)
	group, groupCtx := errgroup.WithContext(ctx)
	for kind, page := range r.kinds() {
		group.Go(func() error {
			if problem := r.kind(groupCtx, kind, namespace, page); problem != "" {
				r.problem(problem)
			}
			return nil
		})
	}
	group.Go(func() error {
		r.bare(groupCtx, inv)
		return nil
	})
	_ = group.Wait() // None of them fails: what can't be read is a problem of the coverage.
	if err := ctx.Err(); err != nil {
		return observe.Evidence{}, context.Cause(ctx)
	}
	coverage := observe.Coverage{Kind: v1alpha1.EvidenceReferences, Source: Source}
	if len(r.problems) > 0 {
		slices.Sort(r.problems)
		coverage.Missing = strings.Join(r.problems, "; ")
		coverage.Remedy = command.Words("The role that lets one read them:").Run(command.Plugin("rbac", "view"))
	}
	r.evidence.Coverage = []observe.Coverage{coverage}
	if lacksConfigMaps != "" {
		// Specs that name a database themselves are seen all the same.
		r.evidence.Coverage = append(r.evidence.Coverage, observe.Coverage{
			Kind: v1alpha1.EvidenceReferences, Missing: lacksConfigMaps,
			Remedy: command.Words("The role that lets one read them:").Run(command.Plugin("rbac", "observe")),
		})
	}
	return r.evidence, nil
}

// page lists one page of a kind.
type page func(ctx context.Context, namespace string, o metav1.ListOptions) (found []observe.Spec, more string, err error)

// kind reads all pages of a kind, and says what could not be read; empty when all was.
func (r *reader) kind(ctx context.Context, kind, namespace string, list page) (problem string) {
	err := r.pages(ctx, metav1.NamespaceAll, list)
	if apierrors.IsForbidden(err) {
		if err = r.pages(ctx, namespace, list); err == nil {
			return fmt.Sprintf("%s of namespace %q alone may be read", kind, namespace)
		}
	}
	if err != nil {
		return fmt.Sprintf("%s can't be read: %s", kind, why(err))
	}
	return ""
}

// why is an error in short: the server's messages about permissions name user, kind and place.
func why(err error) string {
	if apierrors.IsForbidden(err) {
		return "that is forbidden"
	}
	return err.Error()
}

func (r *reader) pages(ctx context.Context, namespace string, list page) error {
	o := metav1.ListOptions{Limit: pageSize}
	for {
		found, more, err := list(ctx, namespace, o)
		if err != nil {
			return err
		}
		for _, s := range found {
			r.add(s)
		}
		if more == "" {
			return nil
		}
		o.Continue = more
	}
}

func (r *reader) add(s observe.Spec) {
	e := r.names.Evidence(s)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.evidence = r.evidence.Add(e)
}

func (r *reader) problem(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problems = append(r.problems, text)
}

// bare reads the pods that nobody owns.
func (r *reader) bare(ctx context.Context, inv *inventory.Inventory) {
	var pods []*inventory.Pod
	for i := range inv.Pods {
		if p := &inv.Pods[i]; p.Workload == (inventory.Workload{Kind: "pod", Name: p.Name}) && !p.Expected {
			pods = append(pods, p)
		}
	}
	if len(pods) > podsAtMost {
		r.problem(fmt.Sprintf("of the %d pods that no workload owns, %d were read", len(pods), podsAtMost))
		pods = pods[:podsAtMost]
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(podsAtOnce)
	for _, p := range pods {
		group.Go(func() error {
			pod, err := r.client.CoreV1().Pods(p.Namespace).Get(groupCtx, p.Name, metav1.GetOptions{})
			if apierrors.IsNotFound(err) {
				return nil // It is gone.
			}
			if err != nil {
				return err
			}
			r.add(observe.Spec{Namespace: p.Namespace, Workload: p.Workload, Template: &corev1.PodTemplateSpec{ObjectMeta: pod.ObjectMeta, Spec: pod.Spec}})
			return nil
		})
	}
	if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		r.problem("pods that no workload owns can't be read: " + why(err))
	}
}

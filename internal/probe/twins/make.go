package twins

import (
	"context"
	"errors"
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/ptr"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/probe"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/timer"
)

// made is what there is because of a run.
type made struct {
	timers []inventory.Timer
	owners []*corev1.ConfigMap
	// twins are by the position of their client in the plan.
	twins map[int]twin
}

// twin is one that was made, or the reason for which there is none.
type twin struct {
	name  string
	unfit string
}

// make makes the twins, and before them, in each namespace, what they belong to: first the timer with which all of it ends.
func (r Runner) make(ctx context.Context, plan probe.Plan) *made {
	out := &made{twins: map[int]twin{}}
	name := observe.ProbePrefix + r.Suffix
	for _, namespace := range plan.Namespaces() {
		r.waiting(fmt.Sprintf("making probes in namespace %q", namespace))
		services, err := r.Kubernetes.CoreV1().Services(namespace).List(ctx, metav1.ListOptions{})
		var owner *corev1.ConfigMap
		if err != nil {
			err = fmt.Errorf("whether a Service would send traffic to its twin is not known: %w", err)
		} else {
			owner, err = r.own(ctx, plan.Cluster, namespace, name, out)
		}
		for i, c := range plan.Clients {
			if !c.NeedsTwin() || c.Pod.Namespace != namespace {
				continue
			}
			if err != nil {
				out.twins[i] = twin{unfit: fmt.Sprintf("it gets no twin: %v", err)}
				continue
			}
			if service := probe.Exposed(c, services.Items); service != "" {
				out.twins[i] = twin{unfit: fmt.Sprintf("it gets no twin: the Service %q sends traffic to pods of its labels that are not ready (publishNotReadyAddresses)", service)}
				continue
			}
			out.twins[i] = r.double(ctx, c, plan.Cluster, owner, fmt.Sprintf("%s-%d", name, i))
		}
	}
	return out
}

// own makes what the twins of a namespace belong to.
func (r Runner) own(ctx context.Context, cluster types.NamespacedName, namespace, name string, out *made) (*corev1.ConfigMap, error) {
	running, begun, err := r.Timers.Begin(ctx, timer.Spec{
		Name: name, Cluster: types.NamespacedName{Namespace: namespace, Name: cluster.Name}, Purpose: timer.Probe, For: timerFor, Image: r.Image,
	})
	if begun {
		out.timers = append(out.timers, running)
	}
	if err != nil {
		return nil, err
	}
	owner, err := r.Kubernetes.CoreV1().ConfigMaps(namespace).Create(ctx, probe.Owner(namespace, name, metav1.OwnerReference{
		APIVersion: batchv1.SchemeGroupVersion.String(), Kind: "Job", Name: running.Name, UID: running.UID,
		Controller: ptr.To(false), BlockOwnerDeletion: ptr.To(false),
	}, cluster), metav1.CreateOptions{FieldManager: policyset.FieldManager})
	if err != nil {
		return nil, err
	}
	out.owners = append(out.owners, owner)
	return owner, nil
}

// double makes the twin of a client.
func (r Runner) double(ctx context.Context, c probe.Client, cluster types.NamespacedName, owner *corev1.ConfigMap, name string) twin {
	pod, err := probe.Twin(c, cluster, owner, name, r.Image)
	if err == nil {
		_, err = r.Kubernetes.CoreV1().Pods(c.Pod.Namespace).Create(ctx, pod, metav1.CreateOptions{FieldManager: policyset.FieldManager})
	}
	if err != nil {
		return twin{name: name, unfit: fmt.Sprintf("it gets no twin: %v", err)}
	}
	return twin{name: name}
}

// remove deletes everything that was made, and waits until it is gone. It goes on when the caller has given up.
func (r Runner) remove(ctx context.Context, m *made) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.Pace.Gone)
	defer cancel()
	var errs []error
	background := metav1.DeletePropagationBackground
	left := map[types.NamespacedName]bool{}
	for _, owner := range m.owners {
		key := types.NamespacedName{Namespace: owner.Namespace, Name: owner.Name}
		for _, t := range m.twins {
			if t.name == "" {
				continue
			}
			pod := types.NamespacedName{Namespace: owner.Namespace, Name: t.name}
			err := r.Kubernetes.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{})
			if err == nil {
				left[pod] = true
			}
		}
		if err := r.Kubernetes.CoreV1().ConfigMaps(key.Namespace).Delete(ctx, key.Name, metav1.DeleteOptions{PropagationPolicy: &background}); err != nil && !apierrors.IsNotFound(err) {
			errs = append(errs, err)
		}
	}
	for _, running := range m.timers {
		errs = append(errs, r.Timers.Discard(ctx, running))
	}
	err := wait.PollUntilContextCancel(ctx, r.Pace.Poll, true, func(ctx context.Context) (bool, error) {
		for pod := range left {
			if _, err := r.Kubernetes.CoreV1().Pods(pod.Namespace).Get(ctx, pod.Name, metav1.GetOptions{}); apierrors.IsNotFound(err) {
				delete(left, pod)
			}
		}
		return len(left) == 0, nil
	})
	if err := errors.Join(append(errs, err)...); err != nil {
		return fmt.Errorf("what was made for the probes could not be removed, and ends by itself within %s: %w", timerFor, err)
	}
	return nil
}

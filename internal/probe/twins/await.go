package twins

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/probe"
)

// await waits until each twin runs, and until the agent has given it its client's identity: before, it would be somebody
// else who connects.
func (r Runner) await(ctx context.Context, plan probe.Plan, m *made) {
	limited, cancel := context.WithTimeout(ctx, r.Pace.Start)
	defer cancel()
	for i, c := range plan.Clients {
		t, made := m.twins[i]
		if !made || t.unfit != "" {
			continue
		}
		missing := "it was not looked at"
		err := wait.PollUntilContextCancel(limited, r.Pace.Poll, true, func(ctx context.Context) (bool, error) {
			var err error
			missing, err = r.lacks(ctx, c, t.name)
			return missing == "", err
		})
		switch {
		case err != nil && !wait.Interrupted(err):
			t.unfit = fmt.Sprintf("its twin can't be used: %v", err)
		case err != nil:
			t.unfit = fmt.Sprintf("its twin can't be used after %s: %s", r.Pace.Start.Round(time.Second), missing)
		}
		m.twins[i] = t
	}
}

// lacks is what a twin still waits for; empty when it is its client's twin in every respect. The error means that it will never be.
func (r Runner) lacks(ctx context.Context, c probe.Client, name string) (string, error) {
	pod, err := r.Kubernetes.CoreV1().Pods(c.Pod.Namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err), apierrors.IsForbidden(err):
		return "", err
	case err != nil:
		return err.Error(), nil //nolint:nilerr // Another attempt may get an answer.
	}
	if waits, err := starting(pod); waits != "" || err != nil {
		return waits, err
	}
	endpoint, err := r.Endpoints.CiliumEndpoints(c.Pod.Namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsForbidden(err):
		return "", err
	case err != nil:
		return fmt.Sprintf("its CiliumEndpoint can't be read: %v", err), nil
	case endpoint.Status.Identity == nil || endpoint.Status.Identity.ID == 0:
		return "Cilium has not given it an identity", nil
	case endpoint.Status.Identity.ID != c.Endpoint.IdentityID:
		return fmt.Sprintf("Cilium has given it the identity %d, and its client has %d", endpoint.Status.Identity.ID, c.Endpoint.IdentityID), nil
	}
	if waits := (inventory.Endpoint{IdentityID: endpoint.Status.Identity.ID, State: endpoint.Status.State}).Unsettled(); waits != "" {
		return fmt.Sprintf("its endpoint is not ready (%s)", waits), nil
	}
	return "", nil
}

// starting is why the container does not run yet; empty when it does.
func starting(pod *corev1.Pod) (string, error) {
	if pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded {
		return "", fmt.Errorf("the pod has ended: %s", said(pod.Status.Reason, pod.Status.Message))
	}
	if pod.Status.Phase == corev1.PodRunning {
		return "", nil
	}
	for _, s := range pod.Status.ContainerStatuses {
		switch {
		case s.State.Terminated != nil:
			return "", fmt.Errorf("its container has ended: %s", said(s.State.Terminated.Reason, s.State.Terminated.Message))
		case s.State.Waiting != nil && (strings.HasPrefix(s.State.Waiting.Reason, "Err") || strings.HasSuffix(s.State.Waiting.Reason, "Error")):
			return "", fmt.Errorf("its container does not start: %s (--probe-image names another image)", said(s.State.Waiting.Reason, s.State.Waiting.Message))
		}
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
			return "it is not scheduled: " + said(condition.Reason, condition.Message), nil
		}
	}
	return "its container does not run yet", nil
}

func said(reason, message string) string {
	return strings.TrimSuffix(strings.TrimSpace(reason+": "+strings.Join(strings.Fields(message), " ")), ":")
}

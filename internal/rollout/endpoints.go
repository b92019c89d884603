package rollout

import (
	"context"
	"fmt"
	"maps"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Unsettled is what a Runner does not know about the clusters' pods when its time is over: the policies are
// accepted, and may not be in force there.
type Unsettled struct {
	// Pods are those whose endpoint is not ready, with the agent's word on it.
	Pods map[types.NamespacedName]string
	// Unseen says why the endpoints could not be read; nil when they could.
	Unseen error
}

// settle waits until the agents are done with the clusters' pods. It is no failure when they are not within the
// time: what was applied is right, and takes effect there when they are.
func (r Runner) settle(ctx context.Context, plan change.Plan) error {
	if !r.Wait || r.DryRun || r.Endpoints == nil {
		return nil
	}
	clusters := map[types.NamespacedName]bool{}
	for _, s := range plan.Steps {
		for _, c := range s.Clusters {
			clusters[c] = true
		}
	}
	var last Unsettled
	told := false
	err := wait.PollUntilContextTimeout(ctx, r.Pace.Poll, r.Timeout, true, func(ctx context.Context) (bool, error) {
		var now Unsettled
		if now.Pods, now.Unseen = r.unsettled(ctx, slices.Collect(maps.Keys(clusters))); now.Unseen != nil {
			if len(last.Pods) == 0 {
				last = now // What was seen before still says more.
			}
			return !noAnswer(now.Unseen), nil
		}
		last = now
		if len(now.Pods) > 0 && !told && r.Settling != nil {
			told = true
			r.Settling(names(now.Pods))
		}
		return len(now.Pods) == 0, nil
	})
	if ctx.Err() != nil {
		return fmt.Errorf("waiting for Cilium: %w", context.Cause(ctx))
	}
	if err != nil && !wait.Interrupted(err) {
		return err
	}
	if r.Unsettled != nil && (len(last.Pods) > 0 || last.Unseen != nil) {
		r.Unsettled(last)
	}
	return nil
}

// unsettled are the pods of the clusters whose endpoint is not ready. An endpoint has its pod's labels
// (pkg/endpointmanager/endpointsynchronizer.go of Cilium).
func (r Runner) unsettled(ctx context.Context, clusters []types.NamespacedName) (map[types.NamespacedName]string, error) {
	out := map[types.NamespacedName]string{}
	for _, c := range clusters {
		list, err := r.Endpoints.CiliumEndpoints(c.Namespace).List(ctx, metav1.ListOptions{
			LabelSelector: labels.Set{cnpg.ClusterLabel: c.Name}.String(),
		})
		if apierrors.IsNotFound(err) {
			continue // Agents that write none (disable-endpoint-crd).
		}
		if err != nil {
			return nil, err
		}
		for i := range list.Items {
			e := &list.Items[i]
			endpoint := inventory.Endpoint{State: e.Status.State}
			if e.Status.Identity != nil {
				endpoint.IdentityID, endpoint.IdentityLabels = e.Status.Identity.ID, e.Status.Identity.Labels
			}
			if why := endpoint.Unsettled(); why != "" {
				out[types.NamespacedName{Namespace: e.Namespace, Name: e.Name}] = why
			}
		}
	}
	return out, nil
}

func names(pods map[types.NamespacedName]string) []string {
	var out []string
	for pod := range pods {
		out = append(out, pod.Name)
	}
	slices.Sort(out)
	return out
}

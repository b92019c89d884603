package rollout

import (
	"cmp"
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
	selected := podsOf(plan)
	var last Unsettled
	told := false
	err := wait.PollUntilContextTimeout(ctx, r.Pace.Poll, r.Timeout, true, func(ctx context.Context) (bool, error) {
		var now Unsettled
		if now.Pods, now.Unseen = r.unsettled(ctx, selected); now.Unseen != nil {
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

// selection are pods of a namespace by a selector.
type selection struct{ namespace, selector string }

// podsOf are the pods that a plan is about: those of its clusters, and those that the sets of operators select.
func podsOf(plan change.Plan) []selection {
	found := map[selection]bool{}
	for _, s := range plan.Steps {
		for _, c := range s.Clusters {
			if !change.IsOperator(c) {
				found[selection{c.Namespace, labels.Set{cnpg.ClusterLabel: c.Name}.String()}] = true
				continue
			}
			if p := cmp.Or(s.After, s.Before); p.Spec != nil && p.Spec.EndpointSelector.LabelSelector != nil {
				found[selection{c.Namespace, labels.Set(p.Spec.EndpointSelector.MatchLabels).String()}] = true
			}
		}
	}
	return slices.Collect(maps.Keys(found))
}

// unsettled are the selected pods whose endpoint is not ready. An endpoint has its pod's labels
// (pkg/endpointmanager/endpointsynchronizer.go of Cilium).
func (r Runner) unsettled(ctx context.Context, selected []selection) (map[types.NamespacedName]string, error) {
	out := map[types.NamespacedName]string{}
	for _, s := range selected {
		list, err := r.Endpoints.CiliumEndpoints(s.namespace).List(ctx, metav1.ListOptions{LabelSelector: s.selector})
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

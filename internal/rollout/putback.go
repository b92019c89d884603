package rollout

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	ciliumclient "github.com/cilium/cilium/pkg/k8s/client/clientset/versioned/typed/cilium.io/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/retry"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// lateFor is how long the server may take to do what it was asked for after the connection is gone.
const lateFor = 2 * time.Second

// deleteIfMade removes a policy that the plan wanted to create, if the server has created it: without an
// answer, that is not known, and the server may be at it still.
func (r Runner) deleteIfMade(ctx context.Context, client ciliumclient.CiliumNetworkPolicyInterface, c Change) error {
	var made *ciliumv2.CiliumNetworkPolicy
	err := wait.PollUntilContextTimeout(ctx, pollInterval, lateFor, true, func(ctx context.Context) (bool, error) {
		now, err := client.Get(ctx, c.Policy.Name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			return false, nil
		case err != nil:
			return false, err
		}
		made = now
		return true, nil
	})
	switch {
	case made == nil && ctx.Err() == nil && wait.Interrupted(err):
		return nil
	case err != nil:
		return err
	case !isMade(made, c.Desired.Object):
		return errors.New("somebody else was faster: a policy of that name is there, and is not ours to remove")
	}
	return r.delete(ctx, client, made)
}

// isMade tells whether a policy is the one that was asked for. An admission webhook may have added
// labels.
func isMade(made, desired *ciliumv2.CiliumNetworkPolicy) bool {
	for key, value := range desired.Labels {
		if made.Labels[key] != value {
			return false
		}
	}
	return true
}

// recreate brings a deleted policy back.
func recreate(ctx context.Context, client ciliumclient.CiliumNetworkPolicyInterface, lost *ciliumv2.CiliumNetworkPolicy) error {
	content, err := policyset.Unstructured(policyset.Policy{Object: WithoutServerFields(lost)})
	if err != nil {
		return err
	}
	body, err := json.Marshal(content)
	if err != nil {
		return err
	}
	_, err = client.Patch(ctx, lost.Name, types.ApplyPatchType, body, metav1.PatchOptions{FieldManager: policyset.FieldManager})
	return err
}

// restore writes the former content over a policy that was updated.
func restore(ctx context.Context, client ciliumclient.CiliumNetworkPolicyInterface, former *ciliumv2.CiliumNetworkPolicy) error {
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		now, err := client.Get(ctx, former.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		now.Labels, now.Annotations = former.Labels, former.Annotations
		now.Spec, now.Specs = former.Spec.DeepCopy(), slices.Clone(former.Specs)
		_, err = client.Update(ctx, now, metav1.UpdateOptions{FieldManager: policyset.FieldManager})
		return err
	})
}

// WithoutServerFields is the policy as somebody once applied it.
func WithoutServerFields(p *ciliumv2.CiliumNetworkPolicy) *ciliumv2.CiliumNetworkPolicy {
	out := &ciliumv2.CiliumNetworkPolicy{TypeMeta: p.TypeMeta, Spec: p.Spec.DeepCopy(), Specs: slices.Clone(p.Specs)}
	out.APIVersion, out.Kind = ciliumv2.SchemeGroupVersion.String(), ciliumv2.CNPKindDefinition
	out.Name, out.Namespace = p.Name, p.Namespace
	out.Labels, out.Annotations = p.Labels, p.Annotations
	return out
}

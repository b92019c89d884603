package standin

import (
	"context"
	"errors"
	"fmt"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"github.com/cilium/cilium/pkg/k8s/client/clientset/versioned"
)

// Validator does what Cilium's operator does with policies: it watches them and writes the
// condition Valid. Policies can be named that it treats differently, for tests of what the plugin
// does then.
type Validator struct {
	client versioned.Interface

	mu sync.Mutex
	// rejected holds the message for each policy name to reject, ignored the names to leave alone.
	rejected map[string]string
	ignored  map[string]bool
	stores   []cache.Store
	stop     func()
}

// NewValidator returns a Validator for a server, not running yet.
func NewValidator(config *rest.Config) (*Validator, error) {
	client, err := versioned.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return &Validator{client: client, rejected: map[string]string{}, ignored: map[string]bool{}}, nil
}

// Start begins to watch, and returns when it has seen every policy that is there. It does nothing
// when it runs already.
func (v *Validator) Start(ctx context.Context) error {
	v.mu.Lock()
	if v.stop != nil {
		v.mu.Unlock()
		return nil
	}
	// What runs in the background ends with Stop, not with the caller's step.
	watching, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	var synced []cache.InformerSynced
	v.stores = nil
	for _, informer := range v.informers() {
		if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    func(policy any) { v.validate(watching, policy) },
			UpdateFunc: func(_, policy any) { v.validate(watching, policy) },
		}); err != nil {
			cancel()
			v.mu.Unlock()
			return err
		}
		v.stores = append(v.stores, informer.GetStore())
		synced = append(synced, informer.HasSynced)
		running.Go(func() { informer.Run(watching.Done()) })
	}
	v.stop = func() { cancel(); running.Wait() }
	v.mu.Unlock()
	if !cache.WaitForCacheSync(ctx.Done(), synced...) {
		return fmt.Errorf("watch Cilium's policies: %w", ctx.Err())
	}
	return nil
}

func (v *Validator) informers() []cache.SharedIndexInformer {
	namespaced := v.client.CiliumV2().CiliumNetworkPolicies(metav1.NamespaceAll)
	clusterwide := v.client.CiliumV2().CiliumClusterwideNetworkPolicies()
	return []cache.SharedIndexInformer{
		cache.NewSharedIndexInformer(&cache.ListWatch{
			ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
				return namespaced.List(ctx, o)
			},
			WatchFuncWithContext: namespaced.Watch,
		}, &ciliumv2.CiliumNetworkPolicy{}, 0, nil),
		cache.NewSharedIndexInformer(&cache.ListWatch{
			ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
				return clusterwide.List(ctx, o)
			},
			WatchFuncWithContext: clusterwide.Watch,
		}, &ciliumv2.CiliumClusterwideNetworkPolicy{}, 0, nil),
	}
}

// Stop ends the watch. When it returns, nothing more is written. Start may follow.
func (v *Validator) Stop() {
	v.mu.Lock()
	stop := v.stop
	v.stop = nil
	v.mu.Unlock()
	if stop != nil {
		stop()
	}
}

// Reject makes every policy of that name invalid from now on, with the message as the reason, whatever it says.
func (v *Validator) Reject(ctx context.Context, name, message string) {
	v.mu.Lock()
	v.rejected[name] = message
	stores := v.stores
	v.mu.Unlock()
	for _, store := range stores {
		for _, policy := range store.List() {
			v.validate(ctx, policy)
		}
	}
}

// Ignore leaves every policy of that name without a condition from now on.
func (v *Validator) Ignore(name string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.ignored[name] = true
}

// verdict says whether to write a condition for a policy of that name, and of what.
func (v *Validator) verdict(name string, found error) (write bool, problem error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if message, ok := v.rejected[name]; ok {
		found = errors.New(message)
	}
	return !v.ignored[name], found
}

// validate writes the condition of one policy. A conflict or a policy that is gone needs nothing:
// the next event of the watch brings the state that counts.
func (v *Validator) validate(ctx context.Context, seen any) {
	switch policy := seen.(type) {
	case *ciliumv2.CiliumNetworkPolicy:
		policy = policy.DeepCopy()
		write, problem := v.verdict(policy.Name, sanitize(policy.Spec, policy.Specs))
		conditions, changed := withCondition(policy.Status.Conditions, problem)
		if policy.Status.Conditions = conditions; write && changed {
			_, _ = v.client.CiliumV2().CiliumNetworkPolicies(policy.Namespace).UpdateStatus(ctx, policy, metav1.UpdateOptions{})
		}
	case *ciliumv2.CiliumClusterwideNetworkPolicy:
		policy = policy.DeepCopy()
		write, problem := v.verdict(policy.Name, sanitize(policy.Spec, policy.Specs))
		conditions, changed := withCondition(policy.Status.Conditions, problem)
		if policy.Status.Conditions = conditions; write && changed {
			_, _ = v.client.CiliumV2().CiliumClusterwideNetworkPolicies().UpdateStatus(ctx, policy, metav1.UpdateOptions{})
		}
	}
}

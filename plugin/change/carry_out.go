package change

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/live"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/rollout"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// carryOut makes the changes and prints what was done.
func (o *changeOptions) carryOut(ctx context.Context, w world, p change.Proposal, verify func(context.Context) error) error {
	clients, err := o.source.Clients()
	if err != nil {
		return err
	}
	progress := o.source.Progress()
	defer progress.Stop()
	timers := timersOf(clients, o.timeout)
	if len(o.timers) > 0 {
		progress.Update("waiting for the timer")
	}
	done := o.source.Changing()
	defer done()
	if err := errors.Join(p.Plan.CheckModelled(w.inv.Policies), o.checkServed(clients, p.Plan)); err != nil {
		return fmt.Errorf("nothing was changed: %w", err)
	}
	if o.dryRun == dryRunNone {
		if err := rollout.CheckPermissions(ctx, clients.Kubernetes.AuthorizationV1(), p.Plan); err != nil {
			return fmt.Errorf("nothing was changed: %w", err)
		}
	}
	plan, begun, made, err := o.begin(ctx, timers, p)
	if err != nil {
		o.abandon(ctx, timers.Discard, made)
		return fmt.Errorf("nothing was changed: %w", err)
	}
	record := o.recorded(ctx, clients, plan, w.inv.Policies, p.Clusters())
	out := &kit.Remembering{Writer: o.Out}
	printer := o.printer(out)
	var printed error
	runner := rollout.Runner{
		Client: clients.Cilium.CiliumV2(), DryRun: o.dryRun == dryRunServer, Wait: o.wait, Timeout: o.timeout, Verify: verify,
		Done: func(c change.Step, object *ciliumv2.CiliumNetworkPolicy) {
			progress.Stop()
			printed = errors.Join(printed, printer(c, object))
		},
		Waiting: func(policies []string) {
			progress.Update("waiting for Cilium to accept %s", strings.Join(policies, ", "))
		},
	}
	if o.settle {
		runner.Endpoints = clients.Cilium.CiliumV2()
		runner.Settling = func(pods []string) {
			progress.Update("waiting for Cilium to enforce the policies at %s", strings.Join(pods, ", "))
		}
		runner.Unsettled = o.addUnsettled
	}
	journal, err := runner.Run(ctx, plan)
	switch {
	case err != nil && len(journal.Steps) == 0:
		o.abandon(ctx, timers.Discard, made)
		o.closeRecord(ctx, record, false)
	case err == nil && o.dryRun == dryRunNone:
		o.closeRecord(ctx, record, true)
		err = o.restart(ctx, timers, begun)
		o.abandon(ctx, timers.End, plan.Released())
	}
	o.now = clients.Now()
	if printed = cmp.Or(printed, out.Err); printed != nil {
		o.lost = kit.LostOutput{Err: fmt.Errorf("what was done could not be printed: %w", printed)}
	}
	if err != nil {
		o.left = len(journal.Steps) > 0
		err, o.lost = errors.Join(err, o.lost), nil
	}
	return err
}

// checkServed looks at the server's kinds once for all clusters of a run: their description takes megabytes.
func (o *changeOptions) checkServed(clients live.Clients, plan change.Plan) error {
	if o.served {
		return nil
	}
	o.served = true
	return rollout.CheckServed(clients.Kubernetes.Discovery().OpenAPIV3(), plan)
}

// verify reads everything again and compares it with what was promised. The result has the postures that were
// seen then.
func (o *changeOptions) verify(ctx context.Context, namespace string, p change.Proposal) (change.Proposal, error) {
	w, err := look(ctx, &o.source, namespace)
	if err != nil {
		return p, fmt.Errorf("verification: %w", err)
	}
	return p.Observed(w.model), change.Join(p.Verify(w.model))
}

// inForce says what is not known about the pods: nothing is wrong, and nobody may rely on it yet.
func (o *changeOptions) inForce() error {
	if err := o.unsettled.Unseen; err != nil {
		fmt.Fprintf(o.ErrOut, "Whether the pods' endpoints are ready was not seen: %s\n", terminal.Escape(err.Error()))
	}
	errs := []error{o.lost}
	for _, pod := range slices.SortedFunc(maps.Keys(o.unsettled.Pods), compareKeys) {
		errs = append(errs, fmt.Errorf("the policies are applied and stay; whether they are in force at pod %q is not known after %s: its endpoint is not ready (%s); 'kubectl get ciliumendpoints %s -n %s' tells when it is",
			pod.Name, o.timeout, o.unsettled.Pods[pod], pod.Name, pod.Namespace))
	}
	return errors.Join(errs...)
}

// addUnsettled keeps what is not known about the pods of one more change.
func (o *changeOptions) addUnsettled(u rollout.Unsettled) {
	if o.unsettled.Pods == nil {
		o.unsettled.Pods = map[types.NamespacedName]string{}
	}
	maps.Copy(o.unsettled.Pods, u.Pods)
	o.unsettled.Unseen = cmp.Or(o.unsettled.Unseen, u.Unseen)
}

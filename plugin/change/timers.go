package change

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/live"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/rollout"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/timer"
)

// maxTimed is the longest time for which anything is timed: what lasts longer is no trial, and no visit.
const maxTimed = 30 * 24 * time.Hour

// noUID stands for that of a Job which a dry run does not make.
const noUID = "00000000-0000-0000-0000-000000000000"

// timersOf talk to the server of the clients.
func timersOf(clients live.Clients, timeout time.Duration) rollout.Timers {
	return rollout.Timers{Jobs: clients.Kubernetes.BatchV1(), Policies: clients.Cilium.CiliumV2(), Now: clients.Now, Timeout: timeout}
}

// runningTimer is a timer that was begun.
type runningTimer struct {
	timer.Spec
	now inventory.Timer
}

// begin makes the timers that the change ends with, and completes the plan by them. It returns those that run, and of them
// those that were not there before.
func (o *changeOptions) begin(ctx context.Context, timers rollout.Timers, p change.Proposal) (plan change.Plan, begun []runningTimer, made []inventory.Timer, err error) {
	plan = p.Plan
	uids := map[types.NamespacedName]types.UID{}
	for _, s := range o.timers {
		if !slices.Contains(p.Clusters(), s.Cluster) {
			continue
		}
		key := types.NamespacedName{Namespace: s.Cluster.Namespace, Name: s.Name}
		if o.dryRun == dryRunServer {
			if err := timers.Check(ctx, s); err != nil {
				return plan, nil, nil, err
			}
			uids[key] = noUID
			continue
		}
		// What has to be waited for does not count: when all is done, the time begins anew.
		until := s
		until.For += o.timeout
		running, isNew, err := timers.Begin(ctx, until)
		if err != nil {
			return plan, nil, made, err
		}
		if isNew {
			made = append(made, running)
		}
		uids[key] = running.UID
		begun = append(begun, runningTimer{s, running})
	}
	return plan.WithTimers(uids), begun, made, nil
}

// restart begins the time of timers anew.
func (o *changeOptions) restart(ctx context.Context, timers rollout.Timers, begun []runningTimer) error {
	var errs []error
	for _, running := range begun {
		moved, err := timers.Restart(ctx, running.now, running.For)
		switch {
		case errors.Is(err, rollout.ErrTimerEnded):
			errs = append(errs, fmt.Errorf("the time was over before everything was done: run the command again with a longer one"))
		case err != nil:
			// It ends all the same, at another time.
			fmt.Fprintf(o.ErrOut, "The time does not begin anew: %s\n", terminal.Escape(err.Error()))
			o.running = append(o.running, running)
		default:
			o.running = append(o.running, runningTimer{running.Spec, moved})
		}
	}
	return errors.Join(errs...)
}

// abandon removes timers that end nothing. What can't be removed ends by itself.
func (o *changeOptions) abandon(ctx context.Context, end func(context.Context, inventory.Timer) error, list []inventory.Timer) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollout.DefaultPace().RollBack)
	defer cancel()
	for _, t := range list {
		if err := end(ctx, t); err != nil {
			fmt.Fprintf(o.ErrOut, "The Job %s, which ends nothing any more, is left behind until it ends by itself: %s\n",
				terminal.Escape(t.Name), terminal.Escape(err.Error()))
		}
	}
}

// deadline is when a timer ends and how long that is from now on, in words.
func deadline(t inventory.Timer, now time.Time) string {
	until, known := t.Deadline()
	if !known {
		return "some time"
	}
	text := until.UTC().Format("2006-01-02 15:04:05 UTC")
	if !now.IsZero() {
		text += fmt.Sprintf(" (%s from now)", max(until.Sub(now), 0).Round(time.Second))
	}
	return text
}

// checkDuration says what is wrong with the value of a flag that times something.
func checkDuration(flag string, d time.Duration) error {
	switch {
	case d < time.Second:
		return fmt.Errorf("%s %s: must be a second or more", flag, d)
	case d > maxTimed:
		return fmt.Errorf("%s %s: must be %s or less", flag, d, maxTimed)
	}
	return nil
}

// imageOf is the image that the pods of a cluster run; empty when it is not known.
func imageOf(m *model.Model, key types.NamespacedName) string {
	c := m.Cluster(key)
	if c == nil {
		return ""
	}
	return cmp.Or(c.Object.Status.Image, c.Object.Spec.ImageName)
}

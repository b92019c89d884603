package change

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/clients"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/timer"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// lockdownOptions are what lockdown needs besides what every change does.
type lockdownOptions struct {
	changeOptions
	flags kit.SetFlags
	// set is what the flags say.
	set   policyset.Options
	force bool
	// confirmWithin is after how long the lockdown ends unless it is confirmed; 0 for good.
	confirmWithin time.Duration
	// undo leads back instead.
	undo bool
	// rehearse leaves out default deny, so that nobody is cut off.
	rehearse bool
	// evidence is who really uses the clusters.
	evidence *kit.Evidence
	// probes prove the change, where a flag asks for it, and unproven is what is not known then.
	probes   *kit.Probes
	unproven error
}

func newLockdownOptions(globals *kit.Globals) *lockdownOptions {
	o := &lockdownOptions{changeOptions: newChangeOptions(globals, "lockdown"), flags: kit.NewSetFlags()}
	o.settle = true
	o.evidence = kit.NewGlance(&o.source)
	o.probes = kit.NewProbes(&o.source)
	o.proving = o.prove
	return o
}

// validate finds what the flags of lockdown alone have wrong.
func (o *lockdownOptions) validate() error {
	errs := []error{o.changeOptions.validate()}
	if o.confirmWithin != 0 {
		if err := checkDuration("--confirm-within", o.confirmWithin); err != nil {
			errs = append(errs, kit.UsageError{Err: err})
		}
		if o.output == formatYAML || o.output == formatJSON {
			errs = append(errs, kit.UsageErrorf("--confirm-within is about what is there, and printed policies are for good: leave out -o %s", o.output))
		}
	}
	errs = append(errs, o.probes.Validate())
	if o.probes.Wanted && (!o.wait || o.dryRun != dryRunNone) {
		errs = append(errs, kit.UsageErrorf("--prove connects when the policies are in force: it goes neither with --dry-run nor with --wait=false"))
	}
	return errors.Join(append(errs, o.validateRehearsal())...)
}

// complete takes the arguments, and reads the flags of the policy set.
func (o *lockdownOptions) complete(args []string) error {
	o.changeOptions.complete(args)
	var err error
	o.set, err = o.flags.Parse()
	return errors.Join(err, o.evidence.Complete(time.Now()))
}

func (o *lockdownOptions) run(ctx context.Context) error {
	namespace, named, err := o.targets()
	if err != nil {
		return err
	}
	w, err := look(ctx, &o.source, namespace)
	if err != nil {
		return err
	}
	keys, err := o.found(w.inv, named)
	if err != nil {
		return err
	}
	rehearsed := rehearsedOf(w.model, keys)
	var options []policyset.Options
	for _, key := range keys {
		one := assess.Surrounded(w.model, o.set, key)
		one.InForce = (o.rehearse || o.confirmWithin > 0) && one.Egress && change.LockedForGood(w.model, key)
		if o.rehearse {
			one.RehearsedSince = begun(w, key, rehearsed)
		}
		if o.confirmWithin > 0 {
			one.Timer = timer.LockdownName(key.Name)
			o.timers = append(o.timers, timer.Spec{
				Name: one.Timer, Cluster: key, Purpose: timer.Lockdown, For: o.confirmWithin, Image: imageOf(w.model, key),
			})
		}
		options = append(options, one)
	}
	if len(rehearsed) > 0 && !o.rehearse {
		o.evidence.Insist()
	}
	var questions map[types.NamespacedName]clients.Question
	if o.evidence.Wanted() && (!o.rehearse || !o.evidence.Quiet()) {
		if w, questions, err = observed(ctx, &o.source, o.evidence, w, namespace, keys); err != nil {
			return err
		}
	}
	p, err := o.propose(w, options)
	if err != nil {
		return err
	}
	if o.confirmWithin > 0 {
		if p, err = p.OnTrial(w.model, o.confirmWithin.String()); err != nil {
			return kit.AnswerNo(errors.Join(err, errors.New("nothing was changed")))
		}
	}
	if err := observedChanges(w, p, options, questions); err != nil {
		return err
	}
	if !o.rehearse {
		p = endRehearsals(p, rehearsed, questions)
	}
	o.logged = &change.Record{Verb: o.verb, Flags: policyset.Flags(o.set)}
	if o.confirmWithin > 0 {
		o.logged.Flags = append(o.logged.Flags, "--confirm-within="+o.confirmWithin.String())
	}
	if o.rehearse {
		o.logged.Flags = append(o.logged.Flags, "--rehearse")
	}
	if o.force {
		o.logged.Flags = append(o.logged.Flags, "--force")
	}
	return o.proceed(ctx, w, p, options)
}

// propose is the proposal of a lockdown, or of its rehearsal.
func (o *lockdownOptions) propose(w world, options []policyset.Options) (change.Proposal, error) {
	if o.rehearse {
		return o.proposeRehearsal(w, options)
	}
	return change.ProposeLockdown(w.model, options)
}

// proceed goes from the preview to the end: print, refuse, ask, apply, verify.
func (o *lockdownOptions) proceed(ctx context.Context, w world, p change.Proposal, options []policyset.Options) error {
	if o.dryRun != dryRunClient || o.output == formatNone {
		if err := o.show(p); err != nil {
			return err
		}
	}
	if len(p.Refusals) > 0 && !o.force {
		return kit.AnswerNo(refusal(p.Refusals))
	}
	if o.dryRun == dryRunClient {
		return o.printPlan(p)
	}
	if len(p.Plan.Changing()) == 0 && len(o.timers) == 0 {
		return o.leave(ctx, w, p)
	}
	if o.dryRun == dryRunNone {
		if err := o.confirm(); err != nil {
			return err
		}
		if err := o.confirmCutOff(p); err != nil {
			return err
		}
	}
	results := o.carryOutEach(ctx, w, p, o.wait)
	switch {
	case o.dryRun != dryRunNone:
	case o.rehearse:
		o.summarizeEach(results, func(p change.Proposal) { o.untilLockdown(p, options) })
		o.untilWhen(rehearsalWord, options)
	default:
		o.summarizeEach(results, o.summarize)
		o.untilWhen(lockdownWord, options)
	}
	return errors.Join(failed(results), o.inForce(), o.unproven)
}

// leave is for a set that is there already. It may be there since a moment ago, by somebody who did
// not wait: that Cilium accepts it is waited for here as well.
func (o *lockdownOptions) leave(ctx context.Context, w world, p change.Proposal) error {
	if o.dryRun == dryRunNone {
		fmt.Fprintln(o.ErrOut, "Nothing to change.")
	}
	return errors.Join(failed(o.carryOutEach(ctx, w, p, false)), o.inForce(), o.unproven)
}

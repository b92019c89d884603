package status

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// runContexts asks each context and prints one result. A context that fails is a line of it.
func (o *options) runContexts(ctx context.Context) error {
	names := kit.Unique(o.contexts.names)
	if o.contexts.all {
		var err error
		if names, err = o.source.ContextNames(); err != nil {
			return err
		}
		if len(names) == 0 {
			return errors.New("the kubeconfig has no contexts: set KUBECONFIG or use --kubeconfig")
		}
	}
	answers := o.askContexts(ctx, names)
	if err := ctx.Err(); err != nil {
		return err
	}
	list, problem := merge(names, answers)
	for i, name := range names {
		for line := range strings.Lines(answers[i].commentary) {
			fmt.Fprintf(o.ErrOut, "%s: %s", terminal.Escape(name), line)
		}
	}
	if err := o.print(o.Out, list, names...); err != nil {
		return err
	}
	return errors.Join(problem, o.tripped(list))
}

// lockedBuffer takes what several requests of a context write at once.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// contextAnswer is what one context says.
type contextAnswer struct {
	list       *v1alpha1.IsolationReportList
	err        error
	commentary string
}

// askContexts returns an answer for each name.
func (o *options) askContexts(ctx context.Context, names []string) []contextAnswer {
	progress := o.source.Progress()
	defer progress.Stop()
	progress.Update("reading %d contexts", len(names))
	answers := make([]contextAnswer, len(names))
	var done atomic.Int32
	var group errgroup.Group
	group.SetLimit(contextsAtOnce)
	for i, name := range names {
		group.Go(func() error {
			var commentary lockedBuffer
			one := *o
			one.source.Globals, one.ErrOut = o.source.ForContext(name, &commentary), &commentary
			answers[i].list, answers[i].err = one.evaluate(ctx)
			answers[i].commentary = commentary.String()
			progress.Update("read %d of %d contexts", done.Add(1), len(names))
			return nil
		})
	}
	_ = group.Wait() // A context that fails is an answer.
	return answers
}

// merge joins the answers in the order of the names. The error has what is wrong with each.
func merge(names []string, answers []contextAnswer) (v1alpha1.IsolationReportList, error) {
	list := v1alpha1.IsolationReportList{Items: []v1alpha1.IsolationReport{}}
	var errs []error
	for i, name := range names {
		answer := answers[i]
		problem := answer.err
		if answer.list != nil {
			told, unknown := unknownPostures(*answer.list)
			problem = errors.Join(without(problem, told), unknown)
			for _, r := range answer.list.Items {
				r.Metadata.Context = name
				list.Items = append(list.Items, r)
			}
			for _, f := range answer.list.Findings {
				f.Message = fmt.Sprintf("context %q: %s", name, f.Message)
				list.Findings = append(list.Findings, f)
			}
		}
		if answer.err != nil {
			problems := kit.ContextError{Context: name, Err: answer.err}.Problems()
			list.Errors = append(list.Errors, v1alpha1.ContextError{Context: name, Message: strings.Join(problems, "; ")})
		}
		if problem != nil {
			errs = append(errs, kit.ContextError{Context: name, Err: problem})
		}
	}
	return list, errors.Join(errs...)
}

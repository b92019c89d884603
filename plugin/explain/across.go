package explain

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/pflag"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// validateContexts finds flags that don't go with a source in another Kubernetes cluster.
func (o *options) validateContexts(flags *pflag.FlagSet) error {
	if !flags.Changed("contexts") {
		return nil
	}
	var errs []error
	if len(o.contexts) != 2 || strings.TrimSpace(o.contexts[0]) == "" || strings.TrimSpace(o.contexts[1]) == "" {
		errs = append(errs, kit.UsageErrorf("--contexts names two contexts: that of the source, and that of the cluster"))
	}
	for _, other := range []struct {
		given bool
		name  string
	}{
		{o.source.Offline(), "--filename"}, {flags.Changed("to"), "--to"}, {o.whyNot, "--why-not"}, {o.probes.Wanted, "--probe"},
		{o.output.Format == report.Mermaid, "-o mermaid"},
		{*o.source.Config.Context != "", "--context"}, {*o.source.Config.ClusterName != "", "--cluster"}, {*o.source.Config.APIServer != "", "--server"},
	} {
		if other.given {
			errs = append(errs, kit.UsageErrorf("--contexts can't be combined with %s", other.name))
		}
	}
	return errors.Join(errs...)
}

// explainAcross asks about a source in one Kubernetes cluster and a database in another one of the same mesh.
func (o *options) explainAcross(ctx context.Context) (*v1alpha1.Explanation, error) {
	of := func(name string) *kit.Source {
		one := o.source
		one.Globals = o.source.ForContext(name, o.ErrOut)
		return &one
	}
	there, here := of(o.contexts[0]), of(o.contexts[1])
	namespace, err := here.ScopeOf()
	if err != nil {
		return nil, kit.ContextError{Context: o.contexts[1], Err: err}
	}
	near, problem := here.Collect(ctx, namespace, []string{o.name})
	if near == nil || here.Blind(near) {
		return nil, kit.ContextError{Context: o.contexts[1], Err: problem}
	}
	key, err := here.Cluster(near, namespace, o.name)
	if err != nil {
		return nil, kit.ContextError{Context: o.contexts[1], Err: errors.Join(problem, err)}
	}
	from := o.from.In(key.Namespace)
	far, note, err := collectFar(ctx, there, from)
	if err != nil {
		return nil, kit.ContextError{Context: o.contexts[0], Err: err}
	}
	q, err := explain.AskAcross(far, near, model.Options{Namespace: key.Namespace, Names: []string{key.Name}, OperatorNamespace: o.source.OperatorNamespace}, key, from, o.query)
	if errors.Is(err, explain.ErrUnknownSource) {
		err = kit.ContextError{Context: o.contexts[0], Err: err}
	}
	if err != nil {
		return nil, errors.Join(problem, err)
	}
	e, err := q.Explain()
	if err != nil {
		return nil, errors.Join(problem, err)
	}
	if note != "" {
		e.Notes = append(e.Notes, note)
	}
	e.Source.Context, e.Metadata.Context = o.contexts[0], o.contexts[1]
	return &e, problem
}

// collectFar reads the Kubernetes cluster of a source, in which there need be no database.
func collectFar(ctx context.Context, there *kit.Source, from explain.Source) (far *inventory.Inventory, note string, err error) {
	if far, err = there.Collect(ctx, from.Namespace(), nil); far == nil {
		return nil, "", err
	}
	note, err = there.AddTemplate(ctx, far, from)
	return far, note, err
}

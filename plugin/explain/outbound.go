package explain

import (
	"context"
	"errors"
	"slices"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/probe"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/propose"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// completeOutbound takes the cluster from the arguments, and the other ends from the flags. All that is wrong
// with them is reported.
func (o *options) completeOutbound(flags *pflag.FlagSet, args []string) error {
	var errs []error
	add := func(err error) {
		if err != nil {
			errs = append(errs, kit.UsageError{Err: err})
		}
	}
	for _, flag := range []string{"labels", "source-namespace", "source-service-account"} {
		if flags.Changed(flag) {
			errs = append(errs, kit.UsageErrorf("--%s describes who connects to the cluster, and with --to the cluster connects: leave one of them out", flag))
		}
	}
	if flags.Changed("pooler") {
		errs = append(errs, kit.UsageErrorf("--pooler asks who can connect to a pooler: with --to, a pooler that connects is --from pooler/%s", o.query.Pooler))
	}
	switch {
	case len(args) == 0:
		errs = append(errs, kit.UsageErrorf("the cluster is missing: explain CLUSTER --to TARGET"))
	case len(args) > 1:
		errs = append(errs, kit.UsageErrorf("with --to, explain takes the cluster alone: %s is too much", quotedWords(args[1:])))
	default:
		o.name = args[0]
	}
	port := ""
	if flags.Changed("port") {
		port = o.query.Port
	}
	var err error
	o.outbound = true
	o.target, err = explain.ParseTarget(o.asked.to, port)
	add(err)
	o.sender, err = explain.ParseSender(o.asked.from)
	add(err)
	return errors.Join(errs...)
}

// explainOutbound asks whether the cluster can reach the target, and for a change that lets it when one is wanted.
func (o *options) explainOutbound(ctx context.Context, inv *inventory.Inventory, key types.NamespacedName) (*v1alpha1.Explanation, error) {
	at := slices.IndexFunc(inv.Clusters, func(c *cnpgv1.Cluster) bool { return c.Namespace == key.Namespace && c.Name == key.Name })
	destination, err := explain.Find(inv, inv.Clusters[at], o.target, o.sender)
	if err != nil {
		return nil, err
	}
	m, err := model.New(inv, model.Options{
		Namespace: key.Namespace, Names: []string{key.Name}, OperatorNamespace: o.source.OperatorNamespace, Extra: destination.Extra(),
	})
	if err != nil {
		return nil, err
	}
	question, err := explain.AskOutbound(m, key, destination)
	if err != nil {
		return nil, err
	}
	e := question.Explain()
	if o.probes.Wanted {
		if err := o.try(ctx, m, probe.OfOutbound(question), &e); err != nil {
			return &e, err
		}
	}
	if !o.whyNot || e.Verdict != v1alpha1.VerdictDenied {
		return &e, nil
	}
	change, err := propose.ForOutbound(question)
	e.Change = &change
	return &e, err
}

// completeTarget completes what a target begins with.
func (o *options) completeTarget(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return explain.TargetForms(), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// completeSender completes pooler/ and the roles of jobs.
func (o *options) completeSender(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return explain.SenderForms(), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

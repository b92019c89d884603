package change

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// unlockOptions are what unlock needs besides what every change does.
type unlockOptions struct {
	changeOptions
	force bool
}

func newUnlockOptions(globals *kit.Globals) *unlockOptions {
	return &unlockOptions{changeOptions: newChangeOptions(globals, "unlock")}
}

// NewUnlockCommand returns the command unlock.
func NewUnlockCommand(globals *kit.Globals) *cobra.Command {
	return newUnlockOptions(globals).command()
}

func (o *unlockOptions) command() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "unlock [NAMESPACE/]CLUSTER... | --operator",
		GroupID: kit.GroupChange,
		Annotations: map[string]string{
			kit.ExitNoAnnotation: "declined, or refused because a connection that is needed would be denied",
		},
		Short: "Remove the policies that lockdown manages for a CloudNativePG cluster",
		Long: kit.Long(`
			Removes exactly the policies that lockdown manages for the cluster: default deny first, so that
			nothing is denied on the way. Policies of others stay as they are. It works when the cluster
			itself is gone already. Where a default deny stays that other clusters of the namespace need
			(--scope namespace), it refuses to take away what the cluster needs under it.

			With --operator, it is what lockdown manages for the operator that is removed; when the operator
			is gone, --operator-namespace says where it was.
		`),
		Example: kit.Examples(`
			# See what it would remove, then do it
			kubectl cnpg-netpol unlock shop-db -n shop --dry-run=client
			kubectl cnpg-netpol unlock shop-db -n shop

			# The operator
			kubectl cnpg-netpol unlock --operator
		`),
		Args:              o.needsClusters,
		ValidArgsFunction: o.completeLocked,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.complete(args)
			err := o.validate()
			if o.operator {
				err = errors.Join(err, validateOperator(&o.source, o.names))
			}
			if err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	o.source.AddOperatorFlag(cmd)
	o.addFlags(cmd)
	cmd.Flags().BoolVar(&o.force, "force", false, "Go on although a required connection would be denied")
	operatorFlag(cmd, &o.operator, "Unlock the operator of all clusters instead")
	return cmd
}

// completeLocked completes the names of clusters, and of those that are gone and have left policies.
func (o *unlockOptions) completeLocked(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if strings.Contains(typed, "/") {
		return o.source.CompleteSeveral(cmd, args, typed)
	}
	names, directive := o.source.CompleteClusters(cmd, args, typed)
	ctx, cancel := kit.CompletionContext(cmd)
	defer cancel()
	namespace, err := o.source.ScopeOf()
	if err != nil {
		return names, directive
	}
	clients, err := o.source.Clients()
	if err != nil {
		return names, directive
	}
	policies, err := clients.Cilium.CiliumV2().CiliumNetworkPolicies(namespace).List(ctx, metav1.ListOptions{
		LabelSelector: policyset.LabelManagedBy + "=" + policyset.FieldManager, Limit: kit.CompletionLimit,
	})
	if err != nil {
		return names, directive
	}
	for i := range policies.Items {
		labels := policies.Items[i].Labels
		users := policyset.Users(labels)
		if len(users) == 0 {
			users = []string{labels[policyset.LabelCluster]}
		}
		names = append(names, users...)
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return name == "" || slices.Contains(args, name) }), directive
}

func (o *unlockOptions) run(ctx context.Context) error {
	w, clusters, err := o.lookAt(ctx)
	if err != nil {
		return err
	}
	if err := unseenPolicies(w.inv, clusters); err != nil {
		return err
	}
	p, err := change.ProposeUnlock(w.model, clusters)
	if err != nil {
		return err
	}
	// A name that neither a cluster nor a policy has is a mistake.
	var unknown []error
	for i, cluster := range clusters {
		if len(p.Previews[i].Policies) == 0 {
			unknown = append(unknown, o.unknownName(w.inv, cluster))
		}
	}
	if err := errors.Join(unknown...); err != nil {
		return err
	}
	if len(p.Plan.Steps) == 0 {
		fmt.Fprintf(o.ErrOut, "Nothing to remove: no policy is managed by lockdown for %s.\n", terminal.Escape(o.namesOf(p)))
		return nil
	}
	if err := o.show(p); err != nil {
		return err
	}
	if len(p.Refusals) > 0 && !o.force {
		return kit.AnswerNo(refusal(p.Refusals))
	}
	switch o.dryRun {
	case dryRunClient:
		return o.printPlan(p)
	case dryRunNone:
		if err := o.confirm(); err != nil {
			return err
		}
	case dryRunServer:
	}
	o.logged = &change.Record{Verb: o.verb}
	results := o.carryOutEach(ctx, w, p, true)
	if o.dryRun == dryRunNone {
		o.summarizeEach(results, o.summarize)
	}
	return errors.Join(failed(results), o.lost)
}

// summarize says on stderr how each cluster stands now; nothing of one that is gone.
func (o *unlockOptions) summarize(p change.Proposal) {
	for _, preview := range p.Previews {
		if o.operator {
			fmt.Fprintf(o.ErrOut, "No policy is managed any more for %s.\n", o.called(preview.Metadata))
		}
		if after := preview.Posture.After; after != "" {
			fmt.Fprintf(o.ErrOut, "Cluster %s is %s.\n", o.called(preview.Metadata), after)
		}
	}
}

// unseenPolicies is an error when the policies of the clusters' namespaces could not be read: what is not seen
// must not be taken for removed.
func unseenPolicies(inv *inventory.Inventory, clusters []types.NamespacedName) error {
	var errs []error
	for _, m := range inv.Missing {
		covers := func(c types.NamespacedName) bool { return m.Covers(c.Namespace) }
		if m.Plural() == "ciliumnetworkpolicies" && slices.ContainsFunc(clusters, covers) {
			errs = append(errs, fmt.Errorf("%s: %s", m.Message, m.Remedy))
		}
	}
	return errors.Join(errs...)
}

// quoted lists the names of clusters.
func quoted(names []string) string {
	noun := "cluster "
	if len(names) > 1 {
		noun = "clusters "
	}
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = strconv.Quote(name)
	}
	return noun + strings.Join(list, ", ")
}

func (o *unlockOptions) printPlan(p change.Proposal) error {
	return o.printSteps(p, func(s change.Step) *ciliumv2.CiliumNetworkPolicy { return s.Before })
}

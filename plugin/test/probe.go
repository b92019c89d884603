package test

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/expect"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/probe"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// probe asks the data path about the expectations of connections to clusters and of clusters, and adds to the results what it says.
func (o *options) probe(ctx context.Context, inv *inventory.Inventory, asked []expect.Asked, results *v1alpha1.TestReport) error {
	questions, err := expect.Ask(inv, asked, o.source.OperatorNamespace)
	if err != nil {
		return err
	}
	plans, models := map[int]probe.Plan{}, map[int]*model.Model{}
	byCluster := map[types.NamespacedName][]int{}
	for i, q := range questions.Inbound {
		plans[i], models[i] = probe.OfQuestion(q), q.Model
	}
	for i, q := range questions.Outbound {
		plans[i], models[i] = probe.OfOutbound(q), q.Model
	}
	for _, i := range slices.Sorted(maps.Keys(plans)) {
		byCluster[plans[i].Cluster] = append(byCluster[plans[i].Cluster], i)
	}
	for _, positions := range byCluster {
		all := make([]probe.Plan, len(positions))
		for k, i := range positions {
			all[k] = plans[i]
		}
		probes, err := o.probes.Try(ctx, models[positions[0]], probe.Merge(all...))
		if probes == nil && err != nil {
			return err
		}
		if err != nil {
			fmt.Fprintln(o.ErrOut, terminal.Escape(err.Error()))
		}
		for _, i := range positions {
			own := plans[i].Of(probes)
			expect.AddProbes(results, i, own, probe.Findings(own))
		}
	}
	return nil
}

package test

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/expect"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report"
)

// runInit writes what holds today as expectations.
func (o *options) runInit(ctx context.Context) error {
	namespace, err := o.source.ScopeOf()
	if err != nil {
		return err
	}
	inv, problem := o.source.Collect(ctx, namespace, o.arguments)
	if inv == nil || o.source.Blind(inv) {
		return problem
	}
	var clusters []types.NamespacedName
	if len(o.arguments) > 0 {
		clusters, err = o.source.Clusters(inv, namespace, o.arguments)
	} else {
		for _, c := range inv.Clusters {
			if namespace == "" || c.Namespace == namespace {
				clusters = append(clusters, types.NamespacedName{Namespace: c.Namespace, Name: c.Name})
			}
		}
		if len(clusters) == 0 {
			err = errors.New("there is no CloudNativePG cluster to write expectations about: name one, or its namespace with -n")
		}
	}
	if err != nil {
		return errors.Join(problem, err)
	}
	drafts, err := expect.Drafts(inv, clusters, o.source.OperatorNamespace)
	if err != nil {
		return errors.Join(problem, err)
	}
	if err := report.PrintExpectations(o.Out, drafts); err != nil {
		return fmt.Errorf("write the expectations: %w", err)
	}
	return problem
}

package change

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// operatorFlag adds --operator.
func operatorFlag(cmd *cobra.Command, given *bool, usage string) {
	cmd.Flags().BoolVar(given, strings.TrimPrefix(policyset.FlagOperator, "--"), false, usage)
}

// validateOperator finds what can't be said about the operator, which is in one namespace and no cluster.
func validateOperator(source *kit.Source, names []string) error {
	var errs []error
	if len(names) > 0 {
		errs = append(errs, kit.UsageErrorf("--operator is about the operator of all clusters: leave out %s", strings.Join(names, " ")))
	}
	if source.AllNamespaces {
		errs = append(errs, kit.UsageErrorf("--operator is about one operator: leave out --all-namespaces"))
	}
	if *source.Config.Namespace != "" {
		errs = append(errs, kit.UsageErrorf("the operator is where --operator-namespace says, or where it is found: leave out --namespace"))
	}
	return errors.Join(errs...)
}

// lookAt reads the world, and finds what is to be changed in it: clusters that were named, or the operator.
func (o *changeOptions) lookAt(ctx context.Context) (world, []types.NamespacedName, error) {
	if o.operator {
		w, namespace, err := lookAtOperator(ctx, &o.source)
		return w, []types.NamespacedName{assess.OperatorKey(namespace)}, err
	}
	namespace, clusters, err := o.targets()
	if err != nil {
		return world{}, nil, err
	}
	w, err := look(ctx, &o.source, namespace)
	return w, clusters, err
}

// lookAtOperator reads the world with all clusters, which an operator looks after, and finds out where it is.
func lookAtOperator(ctx context.Context, source *kit.Source) (world, string, error) {
	if _, err := source.ScopeOf(); err != nil {
		return world{}, "", err
	}
	w, err := look(ctx, source, "")
	if err != nil {
		return w, "", err
	}
	namespace, err := operatorNamespace(w.model, source.OperatorNamespace)
	return w, namespace, err
}

// operatorNamespace is where the operator is that is meant: the namespace that was named, or the only one in which an operator
// was seen or was locked down.
func operatorNamespace(m *model.Model, named string) (string, error) {
	if named != "" {
		return named, nil
	}
	found := assess.OperatorSets(m)
	for _, op := range assess.Operators(m) {
		found = append(found, op.Namespace)
	}
	slices.Sort(found)
	found = slices.Compact(found)
	switch len(found) {
	case 0:
		return "", fmt.Errorf("no CloudNativePG operator was seen: name its namespace with %s", policyset.FlagOperatorNamespace)
	case 1:
		return found[0], nil
	}
	return "", kit.UsageErrorf("operators are in the namespaces %s: say which one with %s", strings.Join(found, ", "), policyset.FlagOperatorNamespace)
}

// validateForOperator finds flags of lockdown that are about clusters.
func (o *lockdownOptions) validateForOperator() error {
	if !o.operator {
		return nil
	}
	errs := []error{validateOperator(&o.source, o.names)}
	if len(o.set.OperatorNamespaces) > 1 {
		errs = append(errs, kit.UsageErrorf("--operator is about one operator: name one namespace with --operator-namespace"))
	}
	if err := o.set.CheckForOperator(); err != nil {
		errs = append(errs, kit.UsageError{Err: err})
	}
	for _, flag := range []struct {
		name, why string
		given     bool
	}{
		{"--rehearse", "nobody here looks for who uses the operator; --dry-run=client shows who would lose access", o.rehearse},
		{"--confirm-within", "confirm is about clusters; 'lockdown --operator --undo' leads back, and needs nothing that the set restricts", o.confirmWithin != 0},
		{"--prove", "it tries connections of clusters; 'lockdown CLUSTER --prove' tries those of the operator to its instances, under its set too", o.probes.Wanted},
		{"--evidence and --flows", "they say who uses a database", o.evidence.Given()},
	} {
		if flag.given {
			errs = append(errs, kit.UsageErrorf("%s does not go with --operator: %s", flag.name, flag.why))
		}
	}
	return errors.Join(errs...)
}

// runOperator locks the operator down.
func (o *lockdownOptions) runOperator(ctx context.Context) error {
	w, namespace, err := lookAtOperator(ctx, &o.source)
	if err != nil {
		return err
	}
	if err := unseenPolicies(w.inv, []types.NamespacedName{assess.OperatorKey(namespace)}); err != nil {
		return err
	}
	set, err := assess.ForOperator(w.model, o.set, namespace)
	if err != nil {
		return kit.AnswerNo(errors.Join(err, errors.New("nothing was changed")))
	}
	p, err := change.ProposeLockdown(w.model, []policyset.Options{set})
	if err != nil {
		return err
	}
	o.logged = &change.Record{Verb: o.verb, Flags: policyset.Flags(set)}
	if o.force {
		o.logged.Flags = append(o.logged.Flags, "--force")
	}
	return o.proceed(ctx, w, p, nil)
}

// scopeOfUnit is the namespace that has to be read to look after a change; empty for all.
func scopeOfUnit(p change.Proposal) string {
	if key := p.Clusters()[0]; !change.IsOperator(key) {
		return key.Namespace
	}
	return ""
}

// operatorLockedWith are the options that the operator was locked down with, or those that were given when it is not.
func operatorLockedWith(m *model.Model, namespace string, given policyset.Options) (policyset.Options, error) {
	recorded, err := policyset.FromLive(assess.OperatorKey(namespace), assess.ManagedForOperator(m, namespace))
	switch {
	case errors.Is(err, policyset.ErrNotLocked):
		return given, nil
	case err != nil:
		return given, fmt.Errorf("the flags that the operator in %q was locked down with can't be read from its policies, so give them: %w", namespace, err)
	}
	return recorded, nil
}

// unknownName is an error where a name is none of a cluster; an operator has none.
func (o *changeOptions) unknownName(inv *inventory.Inventory, key types.NamespacedName) error {
	if change.IsOperator(key) {
		return nil
	}
	return o.source.UnknownNames(inv, key.Namespace, []string{key.Name})
}

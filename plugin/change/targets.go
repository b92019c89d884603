package change

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// needsClusters wants either names or all that there are.
func (o *changeOptions) needsClusters(_ *cobra.Command, args []string) error {
	if o.operator {
		return nil // With all that is wrong, it is said later.
	}
	if o.source.AllNamespaces {
		if len(args) > 0 {
			return kit.UsageErrorf("--all-namespaces means all clusters: leave out %s", strings.Join(args, " "))
		}
		return nil
	}
	if len(args) == 0 {
		return kit.UsageErrorf("a cluster is needed: name one or several, or take all with --all-namespaces")
	}
	return nil
}

// targets are the clusters as they were named, NAME or NAMESPACE/NAME, and the namespace that has to be read for them;
// empty for all.
func (o *changeOptions) targets() (scope string, keys []types.NamespacedName, err error) {
	if scope, err = o.source.ScopeOf(); err != nil {
		return "", nil, err
	}
	var errs []error
	for _, name := range o.names {
		if parts := strings.Split(name, "/"); len(parts) > 2 || slices.Contains(parts, "") {
			errs = append(errs, kit.UsageErrorf("%q is no cluster: write NAME or NAMESPACE/NAME", name))
		}
		key := types.NamespacedName{Namespace: scope, Name: name}
		if namespace, bare, named := strings.Cut(name, "/"); named {
			key = types.NamespacedName{Namespace: namespace, Name: bare}
		}
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	namespaces := map[string]bool{}
	for _, key := range keys {
		namespaces[key.Namespace] = true
	}
	o.several = len(namespaces) > 1 || o.source.AllNamespaces
	switch {
	case len(namespaces) > 1:
		scope = ""
	case len(keys) > 0:
		scope = keys[0].Namespace
	}
	return scope, keys, errors.Join(errs...)
}

// found are the clusters of an inventory that were asked for. All that is wrong with them is reported.
func (o *changeOptions) found(inv *inventory.Inventory, keys []types.NamespacedName) ([]types.NamespacedName, error) {
	var out []types.NamespacedName
	var errs []error
	for _, key := range keys {
		one, err := o.source.Cluster(inv, key.Namespace, key.Name)
		if out, errs = append(out, one), append(errs, err); err == nil && slices.Contains(out[:len(out)-1], one) {
			out = out[:len(out)-1]
		}
	}
	if o.source.AllNamespaces {
		for _, c := range inv.Clusters {
			out = append(out, types.NamespacedName{Namespace: c.Namespace, Name: c.Name})
		}
		slices.SortFunc(out, compareKeys)
		if len(out) == 0 {
			errs = append(errs, errors.New("there is no CloudNativePG cluster in any namespace"))
		}
	}
	return out, errors.Join(errs...)
}

// called is a cluster's name where messages are read, with its namespace where there are several.
func (o *changeOptions) called(m v1alpha1.Metadata) string {
	if m.Name == v1alpha1.OperatorSubject {
		return terminal.Escape("the operator in " + m.Namespace)
	}
	if o.several {
		return terminal.Escape(m.Namespace + "/" + m.Name)
	}
	return terminal.Escape(m.Name)
}

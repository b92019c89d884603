package kit

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// MissingOperator is an error when the server does not know CloudNativePG at all, or the user may
// not see its clusters: there is nothing to report on then.
func MissingOperator(inv *inventory.Inventory) error {
	for _, m := range inv.Missing {
		if m.Plural() == "clusters" && len(inv.Clusters) == 0 {
			return fmt.Errorf("%s: %s", m.Message, m.Remedy)
		}
	}
	return nil
}

// Blind is true when the server has shown no clusters, which MissingOperator reports: nothing is known
// about names then.
func (s *Source) Blind(inv *inventory.Inventory) bool {
	return !s.Offline() && MissingOperator(inv) != nil
}

// named are the clusters of a name; an empty namespace stands for all.
func named(inv *inventory.Inventory, namespace, name string) []types.NamespacedName {
	var found []types.NamespacedName
	for _, c := range inv.Clusters {
		if c.Name == name && (namespace == "" || c.Namespace == namespace) {
			found = append(found, types.NamespacedName{Namespace: c.Namespace, Name: c.Name})
		}
	}
	return found
}

// Cluster is the one cluster of a name.
func (s *Source) Cluster(inv *inventory.Inventory, namespace, name string) (types.NamespacedName, error) {
	found := named(inv, namespace, name)
	switch len(found) {
	case 0:
		return types.NamespacedName{}, s.noCluster(inv, namespace, name)
	case 1:
		return found[0], nil
	}
	var namespaces []string
	for _, key := range found {
		namespaces = append(namespaces, key.Namespace)
	}
	return types.NamespacedName{}, fmt.Errorf("there is a cluster %q in each of the namespaces %s: choose one with -n", name, strings.Join(namespaces, ", "))
}

// Clusters are the clusters of several names. All that is wrong with them is reported.
func (s *Source) Clusters(inv *inventory.Inventory, namespace string, names []string) ([]types.NamespacedName, error) {
	var keys []types.NamespacedName
	var errs []error
	for _, name := range names {
		key, err := s.Cluster(inv, namespace, name)
		keys, errs = append(keys, key), append(errs, err)
	}
	return keys, errors.Join(errs...)
}

// UnknownNames is an error for each name that no cluster has.
func (s *Source) UnknownNames(inv *inventory.Inventory, namespace string, names []string) error {
	if s.Blind(inv) {
		return nil
	}
	var errs []error
	for _, name := range names {
		if len(named(inv, namespace, name)) == 0 {
			errs = append(errs, s.noCluster(inv, namespace, name))
		}
	}
	return errors.Join(errs...)
}

// noCluster says that there is no cluster of a name, and where to look for one.
func (s *Source) noCluster(inv *inventory.Inventory, namespace, name string) error {
	where := "any namespace"
	if namespace != "" {
		where = fmt.Sprintf("namespace %q", namespace)
	}
	if !s.Offline() {
		return fmt.Errorf("no CloudNativePG cluster %q in %s: '%s' lists all", name, where, command.Plugin("status", "-A").InContext(*s.Config.Context))
	}
	if namespace == "" {
		where = "the manifests"
	} else {
		where += " of the manifests"
	}
	var known []string
	for _, c := range inv.Clusters {
		known = append(known, c.Namespace+"/"+c.Name)
	}
	slices.Sort(known)
	if len(known) == 0 {
		return fmt.Errorf("no CloudNativePG cluster %q in %s: they hold no Cluster of %s", name, where, cnpgv1.SchemeGroupVersion.Group)
	}
	return fmt.Errorf("no CloudNativePG cluster %q in %s: they hold %s", name, where, strings.Join(known, ", "))
}

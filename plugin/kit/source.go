package kit

import (
	"context"
	"fmt"
	"slices"
	"strings"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/live"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/manifests"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// Source is where a command gets its inventory from: a cluster, or the manifests of -f.
type Source struct {
	*Globals
	Files             FileFlags
	AllNamespaces     bool
	OperatorNamespace string
	// Spec, when set, is called with each workload, pod and ConfigMap of manifests, see manifests.Options.
	Spec func(kind string, raw []byte, defaultNamespace string)
}

// AddOperatorFlag adds --operator-namespace.
func (s *Source) AddOperatorFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.OperatorNamespace, "operator-namespace", "",
		"Namespace of the CloudNativePG operator, when it can't be detected or there are several")
	_ = cmd.RegisterFlagCompletionFunc("operator-namespace", s.CompleteNamespaces)
}

// validateOperator refuses a name that no namespace can have, as those who make policies of it do.
func (s *Source) validateOperator() error {
	if s.OperatorNamespace == "" {
		return nil
	}
	_, err := policyset.Parse(policyset.FlagValues{
		Scope: string(policyset.ScopeCluster), OperatorNamespaces: []string{s.OperatorNamespace},
	})
	if err != nil {
		return UsageError{Err: err}
	}
	return nil
}

// Offline is true when manifests are evaluated.
func (s *Source) Offline() bool { return s.Files.Given() }

// ScopeOf is the namespace whose clusters are wanted; empty means all.
func (s *Source) ScopeOf() (string, error) {
	if err := s.validateOperator(); err != nil {
		return "", err
	}
	if s.Offline() {
		if name, explicit := s.manifestNamespace(); explicit && !s.AllNamespaces {
			return name, nil
		}
		return "", nil
	}
	return s.scope(s.AllNamespaces)
}

// Clients are made for each collection: they cost nothing, and follow a rotated credential.
func (s *Source) Clients() (live.Clients, error) {
	config, err := s.RESTConfig()
	if err != nil {
		return live.Clients{}, err
	}
	return live.NewClients(config)
}

// Collect reads the inventory. With manifests, there can be an inventory and an error that names
// the documents that could not be read.
func (s *Source) Collect(ctx context.Context, namespace string, names []string) (*inventory.Inventory, error) {
	return s.CollectAround(ctx, namespace, names, nil)
}

// CollectAround reads no more of a cluster than what is in the namespaces, see live.Options.
func (s *Source) CollectAround(ctx context.Context, namespace string, names, around []string) (*inventory.Inventory, error) {
	if s.Offline() {
		fallback, _ := s.manifestNamespace()
		return manifests.Load(ctx, manifests.Options{
			FilenameOptions: s.Files.FilenameOptions, Kustomizations: s.Files.Kustomizations, Stdin: s.In, DefaultNamespace: fallback, Spec: s.Spec,
			Note: func(line string) { fmt.Fprintln(s.ErrOut, terminal.Escape(line)) },
		})
	}
	clients, err := s.Clients()
	if err != nil {
		return nil, err
	}
	progress := s.Progress()
	defer progress.Stop()
	progress.Update("reading the cluster")
	inv, err := live.Collect(ctx, clients, live.Options{
		Namespace: namespace, Names: names, OperatorNamespace: s.OperatorNamespace, Around: around,
		Progress: func(resource string, objects int) { progress.Update("read %d %s", objects, resource) },
	})
	if err != nil {
		return nil, err
	}
	return inv, MissingOperator(inv)
}

// CompleteClusters completes the names of the clusters in the namespace at hand.
func (s *Source) CompleteClusters(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	const silent = cobra.ShellCompDirectiveNoFileComp
	ctx, cancel := CompletionContext(cmd)
	defer cancel()
	namespace, err := s.ScopeOf()
	if err != nil {
		return nil, silent
	}
	found, err := s.clusterNames(ctx, namespace)
	if err != nil {
		return nil, silent
	}
	return slices.DeleteFunc(found, func(name string) bool { return slices.Contains(args, name) }), silent
}

// CompleteSeveral completes the names of clusters where those of other namespaces are allowed, too: what stands before a slash
// is the namespace. Namespaces are offered where no cluster at hand begins with what was typed.
func (s *Source) CompleteSeveral(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	const silent = cobra.ShellCompDirectiveNoFileComp
	namespace, _, named := strings.Cut(typed, "/")
	if !named {
		names, directive := s.CompleteClusters(cmd, args, typed)
		if typed == "" || s.Offline() || slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, typed) }) {
			return names, directive
		}
		namespaces, _ := s.CompleteNamespaces(cmd, args, typed)
		for i := range namespaces {
			namespaces[i] += "/"
		}
		return namespaces, silent | cobra.ShellCompDirectiveNoSpace
	}
	ctx, cancel := CompletionContext(cmd)
	defer cancel()
	found, err := s.clusterNames(ctx, namespace)
	if err != nil || namespace == "" {
		return nil, silent
	}
	for i := range found {
		found[i] = namespace + "/" + found[i]
	}
	return slices.DeleteFunc(found, func(name string) bool { return slices.Contains(args, name) }), silent
}

func (s *Source) clusterNames(ctx context.Context, namespace string) ([]string, error) {
	var names []string
	if s.Offline() {
		inv, err := s.Collect(ctx, namespace, nil)
		if inv == nil {
			return nil, err
		}
		for _, c := range inv.Clusters {
			if namespace == "" || c.Namespace == namespace {
				names = append(names, c.Name)
			}
		}
		return names, nil
	}
	clients, err := s.Clients()
	if err != nil {
		return nil, err
	}
	list, err := clients.Dynamic.Resource(cnpgv1.SchemeGroupVersion.WithResource("clusters")).
		Namespace(namespace).List(ctx, metav1.ListOptions{Limit: CompletionLimit})
	if err != nil {
		return nil, err
	}
	for i := range list.Items {
		names = append(names, list.Items[i].GetName())
	}
	return names, nil
}

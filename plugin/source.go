package plugin

import (
	"context"
	"slices"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/resource"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/live"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/manifests"
)

// source is where a command gets its inventory from: a cluster, or the manifests of -f.
type source struct {
	*rootOptions
	files             resource.FilenameOptions
	allNamespaces     bool
	operatorNamespace string
}

// addFileFlags adds -f and -R.
func (s *source) addFileFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringSliceVarP(&s.files.Filenames, "filename", "f", nil,
		"Manifests to evaluate instead of a cluster: files, directories, or - for stdin")
	flags.BoolVarP(&s.files.Recursive, "recursive", "R", false, "Look into the subdirectories of -f as well")
	_ = cmd.MarkFlagFilename("filename", "yaml", "yml", "json")
}

func (s *source) addOperatorFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.operatorNamespace, "operator-namespace", "",
		"Namespace of the CloudNativePG operator, when it can't be detected or there are several")
	_ = cmd.RegisterFlagCompletionFunc("operator-namespace", s.completeNamespaces)
}

// offline is true when manifests are evaluated.
func (s *source) offline() bool { return len(s.files.Filenames) > 0 }

// scopeOf is the namespace whose clusters are wanted; empty means all.
func (s *source) scopeOf() (string, error) {
	if s.offline() {
		if name, explicit := s.manifestNamespace(); explicit && !s.allNamespaces {
			return name, nil
		}
		return "", nil
	}
	return s.scope(s.allNamespaces)
}

// clients are made for each collection: they cost nothing, and follow a rotated credential.
func (s *source) clients() (live.Clients, error) {
	config, err := s.restConfig()
	if err != nil {
		return live.Clients{}, err
	}
	return live.NewClients(config)
}

// collect reads the inventory. With manifests, there can be an inventory and an error that names
// the documents that could not be read.
func (s *source) collect(ctx context.Context, namespace string, names []string) (*inventory.Inventory, error) {
	return s.collectAround(ctx, namespace, names, nil)
}

// collectAround reads no more of a cluster than what is in the namespaces, see live.Options.
func (s *source) collectAround(ctx context.Context, namespace string, names, around []string) (*inventory.Inventory, error) {
	if s.offline() {
		fallback, _ := s.manifestNamespace()
		return manifests.Load(ctx, manifests.Options{FilenameOptions: s.files, Stdin: s.In, DefaultNamespace: fallback})
	}
	clients, err := s.clients()
	if err != nil {
		return nil, err
	}
	progress := s.progress()
	defer progress.Stop()
	progress.Update("reading the cluster")
	inv, err := live.Collect(ctx, clients, live.Options{
		Namespace: namespace, Names: names, OperatorNamespace: s.operatorNamespace, Around: around,
		Progress: func(resource string, objects int) { progress.Update("read %d %s", objects, resource) },
	})
	if err != nil {
		return nil, err
	}
	return inv, missingOperator(inv)
}

// completeClusters completes the names of the clusters in the namespace at hand.
func (s *source) completeClusters(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	const silent = cobra.ShellCompDirectiveNoFileComp
	ctx, cancel := completionContext(cmd)
	defer cancel()
	namespace, err := s.scopeOf()
	if err != nil {
		return nil, silent
	}
	found, err := s.clusterNames(ctx, namespace)
	if err != nil {
		return nil, silent
	}
	return slices.DeleteFunc(found, func(name string) bool { return slices.Contains(args, name) }), silent
}

func (s *source) clusterNames(ctx context.Context, namespace string) ([]string, error) {
	var names []string
	if s.offline() {
		inv, err := s.collect(ctx, namespace, nil)
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
	clients, err := s.clients()
	if err != nil {
		return nil, err
	}
	list, err := clients.Dynamic.Resource(cnpgv1.SchemeGroupVersion.WithResource("clusters")).
		Namespace(namespace).List(ctx, metav1.ListOptions{Limit: completionLimit})
	if err != nil {
		return nil, err
	}
	for i := range list.Items {
		names = append(names, list.Items[i].GetName())
	}
	return names, nil
}

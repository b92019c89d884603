package testserver

import (
	"context"
	"path/filepath"
)

// crdFiles returns the definitions of the custom resources, from the modules whose versions the
// plugin is built against.
func crdFiles(ctx context.Context, o Options) ([]string, error) {
	var files []string
	add := func(module, folder string, names ...string) error {
		dir, err := ModuleDir(ctx, module)
		if err != nil {
			return err
		}
		for _, name := range names {
			files = append(files, filepath.Join(dir, filepath.FromSlash(folder), name+".yaml"))
		}
		return nil
	}
	if !o.WithoutCilium {
		if err := add("github.com/cilium/cilium", "pkg/k8s/apis/cilium.io/client/crds/v2",
			"ciliumnetworkpolicies", "ciliumclusterwidenetworkpolicies", "ciliumcidrgroups",
			"ciliumendpoints", "ciliumidentities", "ciliumnodes"); err != nil {
			return nil, err
		}
	}
	if !o.WithoutCNPG {
		if err := add("github.com/cloudnative-pg/cloudnative-pg", "config/crd/bases",
			"postgresql.cnpg.io_clusters", "postgresql.cnpg.io_poolers"); err != nil {
			return nil, err
		}
	}
	if o.WithClusterNetworkPolicy {
		if err := add("sigs.k8s.io/network-policy-api", "config/crd/standard",
			"policy.networking.k8s.io_clusternetworkpolicies"); err != nil {
			return nil, err
		}
	}
	return files, nil
}

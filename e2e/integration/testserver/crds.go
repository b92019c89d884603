package testserver

import (
	"context"
	"os"
	"path/filepath"
)

// crdFiles returns the definitions of the custom resources, from the modules of the versions that are asked for, or
// else of those that the plugin is built against.
func crdFiles(ctx context.Context, o Options) ([]string, error) {
	var files []string
	add := func(module, version, folder string, names ...string) error {
		dir, err := versionDir(ctx, module, version)
		if err != nil {
			return err
		}
		for _, name := range names {
			// Versions before the plugin's have some kinds only as v2alpha1, in the folder of that name, or not at all.
			file := filepath.Join(dir, filepath.FromSlash(folder), name+".yaml")
			if _, err := os.Stat(file); version == "" || err == nil {
				files = append(files, file)
			}
		}
		return nil
	}
	if !o.WithoutCilium {
		if err := add("github.com/cilium/cilium", o.Cilium, "pkg/k8s/apis/cilium.io/client/crds/v2",
			"ciliumnetworkpolicies", "ciliumclusterwidenetworkpolicies", "ciliumcidrgroups",
			"ciliumendpoints", "ciliumidentities", "ciliumnodes"); err != nil {
			return nil, err
		}
	}
	if !o.WithoutCNPG {
		if err := add("github.com/cloudnative-pg/cloudnative-pg", o.CNPG, "config/crd/bases",
			"postgresql.cnpg.io_clusters", "postgresql.cnpg.io_poolers"); err != nil {
			return nil, err
		}
	}
	if o.WithClusterNetworkPolicy {
		if err := add("sigs.k8s.io/network-policy-api", "", "config/crd/standard",
			"policy.networking.k8s.io_clusternetworkpolicies"); err != nil {
			return nil, err
		}
	}
	return files, nil
}

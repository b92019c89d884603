package bench

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/resource"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/manifests"
)

// apps is the number of applications of the repository, each with a base and a stage of seven manifests in all.
const apps = 214

// others is the number of its files that are nobody's manifests, every fifth of which is YAML.
const others = 8500

// writeRepository makes a monorepo of 10,000 files, 1,500 of which are manifests, with a database in each application.
func writeRepository(b *testing.B) string {
	b.Helper()
	root := b.TempDir()
	write := func(name, content string) {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	for i := range apps {
		app := fmt.Sprintf("apps/team-%d/app-%d/", i%20, i)
		write(app+"base/kustomization.yaml", "resources: [deployment.yaml, service.yaml, cluster.yaml, policy.yaml]\n")
		write(app+"base/deployment.yaml", `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, role: backend}}
    spec:
      containers:
      - {name: web, image: web, env: [{name: PGHOST, value: db-rw}], resources: {requests: {cpu: 100m, memory: 64Mi}}}
`)
		write(app+"base/service.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n")
		write(app+"base/cluster.yaml", `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: db}
spec: {instances: 3, storage: {size: 10Gi}, postgresql: {parameters: {max_connections: "200"}}}
`)
		write(app+"base/policy.yaml", `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: db}
spec:
  endpointSelector: {matchLabels: {cnpg.io/cluster: db}}
  ingress:
  - fromEndpoints: [{matchLabels: {cnpg.io/cluster: db}}, {matchLabels: {"k8s:io.kubernetes.pod.namespace": cnpg-system}}]
  - fromEndpoints: [{matchLabels: {role: backend}}]
    toPorts: [{ports: [{port: "5432", protocol: TCP}]}]
`)
		write(app+"prod/kustomization.yaml", fmt.Sprintf("namespace: app-%d\nresources: [../base, namespace.yaml]\npatches: [{patch: '[{\"op\": \"replace\", \"path\": \"/spec/instances\", \"value\": 2}]', target: {kind: Cluster}}]\n", i))
		write(app+"prod/namespace.yaml", fmt.Sprintf("apiVersion: v1\nkind: Namespace\nmetadata: {name: app-%d}\n", i))
	}
	write("operator/operator.yaml", `apiVersion: apps/v1
kind: Deployment
metadata: {name: cnpg-controller-manager, namespace: cnpg-system, labels: {app.kubernetes.io/name: cloudnative-pg}}
spec:
  selector: {matchLabels: {app.kubernetes.io/name: cloudnative-pg}}
  template:
    metadata: {labels: {app.kubernetes.io/name: cloudnative-pg}}
    spec: {containers: [{name: manager, image: cloudnative-pg}]}
`)
	for i := range others {
		name := fmt.Sprintf("src/package-%d/%d", i%100, i)
		switch i % 5 {
		case 0:
			write(name+".yaml", "image: {repository: web, tag: \"1\"}\nreplicas: 2\nsettings: [a, b, c]\n"+fmt.Sprintf("key%d: value\n", i))
		case 1:
			write(name+".json", `{"compilerOptions":{"strict":true},"include":["src"]}`)
		default:
			write(name+".md", strings.Repeat("Text of nobody's interest.\n", 40))
		}
	}
	return root
}

// BenchmarkRepository is what status -R reads of such a repository, and RepositoryPlain what kustomize and a YAML
// parser take alone for the same: each kustomization that no other one includes is built, and every other file that
// is YAML or JSON is parsed.
func BenchmarkRepository(b *testing.B) {
	root := writeRepository(b)
	b.ResetTimer()
	for b.Loop() {
		inv, err := manifests.Load(b.Context(), manifests.Options{FilenameOptions: resource.FilenameOptions{Filenames: []string{root}, Recursive: true}})
		if err != nil {
			b.Fatal(err)
		}
		if len(inv.Clusters) != apps {
			b.Fatalf("%d clusters", len(inv.Clusters))
		}
	}
}

// BenchmarkRepositoryPlain: see BenchmarkRepository.
func BenchmarkRepositoryPlain(b *testing.B) {
	root := writeRepository(b)
	b.ResetTimer()
	for b.Loop() {
		files := filesys.MakeFsOnDisk()
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && entry.Name() == "base":
				return filepath.SkipDir
			case entry.IsDir() && entry.Name() == "prod":
				built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, path)
				if err != nil {
					return err
				}
				if _, err := built.AsYaml(); err != nil {
					return err
				}
				return filepath.SkipDir
			case entry.IsDir() || filepath.Ext(path) != ".yaml" && filepath.Ext(path) != ".json":
				return nil
			}
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			var object any
			return yaml.Unmarshal(content, &object)
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

package lab

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/releaseutil"
	"sigs.k8s.io/yaml"
)

// CiliumNamespace is where Cilium is installed.
const CiliumNamespace = "kube-system"

// ciliumValues are what a kind cluster without kube-proxy needs. Tests that count milliseconds do
// not need more than one operator; Hubble with its relay tells who connects.
const ciliumValues = `
k8sServiceHost: %s-control-plane
k8sServicePort: 6443
kubeProxyReplacement: true
ipam: {mode: kubernetes}
operator: {replicas: 1}
hubble:
  enabled: true
  relay: {enabled: true}
  tls: {auto: {method: helm}}
`

// installCilium renders the chart, applies it, and waits until pods have a network.
func (l *Lab) installCilium(ctx context.Context) error {
	manifest, err := l.renderCilium(ctx)
	if err != nil {
		return err
	}
	if err := l.Apply(ctx, manifest); err != nil {
		return err
	}
	if err := l.available(ctx, CiliumNamespace, "deployment/cilium-operator", "daemonset/cilium"); err != nil {
		return err
	}
	return l.run(ctx, nil, "wait", "--for=condition=Ready", "node", "--all", "--timeout=10m")
}

// awaitHubble waits until flows can be asked for. The relay finds the agents by name, and so needs cluster DNS.
func (l *Lab) awaitHubble(ctx context.Context) error {
	return l.available(ctx, CiliumNamespace, "deployment/hubble-relay")
}

func (l *Lab) renderCilium(ctx context.Context) ([]byte, error) {
	c, err := l.loadChart(ctx)
	if err != nil {
		return nil, err
	}
	values, err := chartutil.ReadValues(fmt.Appendf(nil, ciliumValues, l.Sources.Name))
	if err != nil {
		return nil, err
	}
	if l.Sources.CiliumValues != "" {
		more, err := chartutil.ReadValuesFile(l.Sources.CiliumValues)
		if err != nil {
			return nil, err
		}
		values = chartutil.CoalesceTables(more, values)
	}
	capabilities, err := l.capabilities(ctx)
	if err != nil {
		return nil, err
	}
	release := chartutil.ReleaseOptions{Name: "cilium", Namespace: CiliumNamespace, Revision: 1, IsInstall: true}
	toRender, err := chartutil.ToRenderValues(c, values, release, capabilities)
	if err != nil {
		return nil, err
	}
	files, err := engine.Render(c, toRender)
	if err != nil {
		return nil, err
	}
	for name := range files {
		if !strings.HasSuffix(name, ".yaml") {
			delete(files, name)
		}
	}
	_, manifests, err := releaseutil.SortManifests(files, capabilities.APIVersions, releaseutil.InstallOrder)
	if err != nil {
		return nil, err
	}
	var all bytes.Buffer
	for _, m := range manifests {
		fmt.Fprintf(&all, "---\n%s\n", m.Content)
	}
	return all.Bytes(), nil
}

func (l *Lab) loadChart(ctx context.Context) (*chart.Chart, error) {
	if info, err := os.Stat(l.Sources.CiliumChart); err == nil && info.IsDir() {
		return loader.LoadDir(l.Sources.CiliumChart)
	}
	archive, err := fetch(ctx, l.Sources.CiliumChart)
	if err != nil {
		return nil, err
	}
	return loader.LoadArchive(bytes.NewReader(archive))
}

// capabilities are what charts ask about: the server's version.
func (l *Lab) capabilities(ctx context.Context) (*chartutil.Capabilities, error) {
	out, err := l.Kubectl(ctx, nil, "version", "-o", "json")
	if err != nil {
		return nil, err
	}
	var versions struct {
		Server struct {
			GitVersion string `json:"gitVersion"`
		} `json:"serverVersion"`
	}
	if err := yaml.Unmarshal(out, &versions); err != nil {
		return nil, err
	}
	version, err := chartutil.ParseKubeVersion(versions.Server.GitVersion)
	if err != nil {
		return nil, err
	}
	capabilities := chartutil.DefaultCapabilities.Copy()
	capabilities.KubeVersion = *version
	return capabilities, nil
}

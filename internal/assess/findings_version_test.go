package assess_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// Of another version of the agents is said what it means for this cluster, and nothing where it means nothing. What nobody here can
// read is never safe, and never called open either.
func TestEngineVersion(t *testing.T) {
	const requires = `{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: p, namespace: shop}, spec: {endpointSelector: {}, ingress: [{fromRequires: [{matchLabels: {team: a}}]}]}}`
	const block = `{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: shop}, spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}}`
	const elsewhere = `{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: other}, spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}}`
	const tiers = `{apiVersion: policy.networking.k8s.io/v1alpha2, kind: ClusterNetworkPolicy, metadata: {name: p}, spec: {tier: Admin, priority: 1, subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}]}]}}`
	for name, test := range map[string]struct {
		version, config, policy string
		posture                 v1alpha1.Posture
		says                    string
	}{
		"nothing that differs":        {"1.19.4", "", "", v1alpha1.PostureOpen, ""},
		"requires, enforced":          {"1.18.6", "", requires, v1alpha1.PostureUnknown, "what CiliumNetworkPolicy/shop/p"},
		"requires, refused":           {"1.19.4", "", requires, v1alpha1.PostureOpen, ""},
		"requires, who knows":         {"", "", requires, v1alpha1.PostureUnknown, "which version runs is not known"},
		"a block":                     {"1.19.4", "", block, v1alpha1.PostureUnknown, "lets in all pods of a NetworkPolicy's namespace"},
		"a block, without the option": {"1.18.6", "", block, v1alpha1.PostureBroken, ""},
		"a block, the same version":   {"1.20.2", "", block, v1alpha1.PostureBroken, ""},
		"a block, elsewhere":          {"1.19.4", "", elsewhere, v1alpha1.PostureOpen, ""},
		"tiers":                       {"1.19.4", "enable-k8s-cluster-network-policy: 'true'", tiers, v1alpha1.PostureOpen, "does not know ClusterNetworkPolicy, and enforces none of the 1"},
		"always":                      {"1.19.4", "enable-policy: always", "", "", "lets in the local host at pods that no policy selects"},
		"always, the same version":    {"1.20.2", "enable-policy: always", "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			image := "cilium:v" + test.version
			if test.version == "" {
				image = "cilium"
			}
			files := `{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: cilium, namespace: kube-system, labels: {k8s-app: cilium}}, spec: {template: {metadata: {labels: {k8s-app: cilium}}, spec: {hostNetwork: true, containers: [{name: cilium-agent, image: "` + image + `"}]}}}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: cilium-config, namespace: kube-system}, data: {` + test.config + `}}
---
` + test.policy
			name := filepath.Join(t.TempDir(), "cilium.yaml")
			if err := os.WriteFile(name, []byte(files), 0o600); err != nil {
				t.Fatal(err)
			}
			inv := fixture.Load(t, name, "../clients/testdata/shop.yaml")
			m, err := model.New(inv, model.Options{Namespace: "shop"})
			if err != nil {
				t.Fatal(err)
			}
			r := assess.Report(m, m.Cluster(fixture.Orders()))
			if test.posture != "" && r.Posture != test.posture {
				t.Errorf("posture %s", r.Posture)
			}
			var said []string
			for _, f := range r.Findings {
				misleading := []v1alpha1.FindingCode{v1alpha1.PolicyInvalid, v1alpha1.PolicyIgnoredField, v1alpha1.NoDefaultDeny}
				if f.Code == v1alpha1.EngineVersion {
					said = append(said, f.Message)
				} else if r.Posture == v1alpha1.PostureUnknown && slices.Contains(misleading, f.Code) {
					t.Errorf("%s: %s", f.Code, f.Message)
				}
			}
			if text := strings.Join(said, "; "); (text == "") != (test.says == "") || !strings.Contains(text, test.says) {
				t.Errorf("said %q", text)
			}
			if r.CiliumVersion != test.version {
				t.Errorf("version %q", r.CiliumVersion)
			}
		})
	}
}

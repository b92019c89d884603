package inventory_test

import (
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

func TestAgentVersionOf(t *testing.T) {
	for image, want := range map[string]string{
		"example.org/cilium/cilium:v1.18.6":                      "1.18.6",
		"example.org/cilium/cilium:v1.18.6@sha256:" + "0123abcd": "1.18.6",
		"example.org:5000/cilium:1.20.2":                         "1.20.2",
		"cilium:v1.19.0-rc.1":                                    "1.19.0-rc.1",
		"example.org:5000/cilium":                                "",
		"example.org/cilium@sha256:0123abcd":                     "",
		"example.org/cilium:latest":                              "",
		"example.org/cilium:stable-1.19":                         "",
		"":                                                       "",
	} {
		v := inventory.AgentVersionOf(image)
		if v.String() != want || v.Known() != (want != "") {
			t.Errorf("%q: %q", image, v)
		}
	}
	v := inventory.AgentVersionOf("cilium:v1.19.4")
	if !v.Before(1, 20) || v.Before(1, 19) || v.Before(1, 18) || !v.Before(2, 0) || (inventory.AgentVersion{}).Before(1, 20) {
		t.Error("versions are not in order")
	}
}

// What is absent has the default of the agent's version; of one that is not known, that of the engine.
func TestDefaultsOfVersions(t *testing.T) {
	for image, local := range map[string]bool{"cilium:v1.18.6": false, "cilium:v1.19.4": true, "cilium:v1.20.2": true, "cilium:latest": true} {
		for value, want := range map[string]bool{"": local, "true": true, "false": false} {
			data := map[string]string{"enable-k8s-cluster-network-policy": "true"}
			if value != "" {
				data["policy-default-local-cluster"] = value
			}
			s, problems := inventory.SettingsFromConfigMap("kube-system", "cilium-config", data, inventory.AgentVersionOf(image))
			if s.DefaultLocalCluster != want || len(problems) > 0 {
				t.Errorf("%s, %q: %t, %v", image, value, s.DefaultLocalCluster, problems)
			}
			if want := image == "cilium:v1.20.2" || image == "cilium:latest"; s.ClusterNetworkPolicy != want {
				t.Errorf("%s: ClusterNetworkPolicy %t", image, s.ClusterNetworkPolicy)
			}
		}
	}
}

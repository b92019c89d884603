package standin

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
)

// TestIdentityLabelsAreTheAgents compares the labels of every pod of a live cluster (Cilium v1.20.2,
// testdata/recorded.json) with those that the agent wrote there.
func TestIdentityLabelsAreTheAgents(t *testing.T) {
	if err := ConfigureCilium(); err != nil {
		t.Fatal(err)
	}
	namespaces, pods, endpoints := recorded(t)
	if len(endpoints) == 0 {
		t.Fatal("the recording has no endpoint")
	}
	for _, endpoint := range endpoints {
		t.Run(endpoint.Namespace+"/"+endpoint.Name, func(t *testing.T) {
			pod, ok := pods[endpoint.Namespace+"/"+endpoint.Name]
			if !ok {
				t.Fatal("the recording has no pod for the endpoint")
			}
			identity, ports, err := identityLabels(&pod, namespaces[pod.Namespace])
			if err != nil {
				t.Fatal(err)
			}
			got := identity.GetModel()
			slices.Sort(got)
			if want := endpoint.Status.Identity.Labels; !slices.Equal(got, want) {
				t.Errorf("labels\n%q, the agent wrote\n%q", got, want)
			}
			gotPorts, wantPorts := text(t, ports), text(t, endpoint.Status.NamedPorts)
			if gotPorts != wantPorts {
				t.Errorf("named ports %s, the agent wrote %s", gotPorts, wantPorts)
			}
		})
	}
}

func recorded(t *testing.T) (map[string]*corev1.Namespace, map[string]corev1.Pod, []ciliumv2.CiliumEndpoint) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", "recorded.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list struct{ Items []json.RawMessage }
	decode := func(from []byte, to any) {
		if err := json.Unmarshal(from, to); err != nil {
			t.Fatal(err)
		}
	}
	decode(content, &list)
	namespaces, pods := map[string]*corev1.Namespace{}, map[string]corev1.Pod{}
	var endpoints []ciliumv2.CiliumEndpoint
	for _, item := range list.Items {
		var kind metav1.TypeMeta
		decode(item, &kind)
		switch kind.Kind {
		case "Namespace":
			var namespace corev1.Namespace
			decode(item, &namespace)
			namespaces[namespace.Name] = &namespace
		case "Pod":
			var pod corev1.Pod
			decode(item, &pod)
			pods[pod.Namespace+"/"+pod.Name] = pod
		case "CiliumEndpoint":
			var endpoint ciliumv2.CiliumEndpoint
			decode(item, &endpoint)
			endpoints = append(endpoints, endpoint)
		}
	}
	return namespaces, pods, endpoints
}

func text(t *testing.T, value any) string {
	t.Helper()
	content, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

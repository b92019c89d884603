package probe_test

import (
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/golden"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/probe"
)

func web(labels ...string) probe.Client {
	return probe.Client{
		Name: "deployment/web", Pod: types.NamespacedName{Namespace: "shop", Name: "web-1"}, ServiceAccount: "shop",
		Connections: []probe.Connection{{To: "pod/pg-1"}},
		Endpoint: inventory.Endpoint{IdentityID: 7, IdentityLabels: append([]string{
			"k8s:app=web", "k8s:io.kubernetes.pod.namespace=shop", "k8s:io.cilium.k8s.policy.cluster=default",
			"k8s:io.cilium.k8s.policy.serviceaccount=shop", "k8s:io.cilium.k8s.namespace.labels.team=a",
		}, labels...), NamedPorts: []inventory.NamedPort{{Name: "http", Port: 8080, Protocol: "TCP"}}},
	}
}

// A twin has its client's identity and nothing that somebody could take for the client: the golden file is what a reviewer reads.
func TestTwin(t *testing.T) {
	cluster := types.NamespacedName{Namespace: "db", Name: "pg"}
	owner := probe.Owner("shop", "cnpg-netpol-twin-x", metav1.OwnerReference{APIVersion: "batch/v1", Kind: "Job", Name: "cnpg-netpol-twin-x", UID: "job"}, cluster)
	owner.UID = "owner"
	pod, err := probe.Twin(web("gen:io.cilium.k8s.named-ports=http.TCP.8080"), cluster, owner, "cnpg-netpol-twin-x-0", "postgresql:18")
	if err != nil {
		t.Fatal(err)
	}
	var text []byte
	for _, object := range []any{owner, pod} {
		one, err := yaml.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		text = append(append(text, "---\n"...), one...)
	}
	golden.Compare(t, filepath.Join("testdata", "twin.yaml"), text)
	if _, err := probe.Twin(web("container:a=b"), cluster, owner, "x", "y"); err == nil || !strings.Contains(err.Error(), `the label "container:a=b", which no pod can be given`) {
		t.Errorf("another source's label: %v", err)
	}
}

// A Service that sends traffic to what is not ready would send it to a twin.
func TestExposed(t *testing.T) {
	service := func(namespace string, publish bool, selector map[string]string) corev1.Service {
		return corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "any"}, Spec: corev1.ServiceSpec{PublishNotReadyAddresses: publish, Selector: selector}}
	}
	app := map[string]string{"app": "web"}
	for name, tc := range map[string]struct {
		service corev1.Service
		want    string
	}{
		"selects it":                  {service("shop", true, app), "any"},
		"sends to what is ready":      {service("shop", false, app), ""},
		"selects others":              {service("shop", true, map[string]string{"app": "api"}), ""},
		"by a label that no twin has": {service("shop", true, map[string]string{"app": "web", "pod-template-hash": "x"}), ""},
		"of another namespace":        {service("db", true, app), ""},
		"without a selector, by hand": {service("shop", true, nil), ""},
	} {
		if got := probe.Exposed(web(), []corev1.Service{tc.service}); got != tc.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

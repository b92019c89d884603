package egress_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/egress"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// plane is a Kubernetes cluster as a distribution makes it, as far as DNS and the API server go.
type plane struct {
	pods []inventory.Pod
	// dns is the Service in front of DNS, as namespace/name and what it selects.
	dns string
	// endpoints are those of default/kubernetes; the node of all pods is 192.168.7.10.
	endpoints string
	port      int32
}

func podIn(namespace, name string, hostNetwork bool, labels ...string) inventory.Pod {
	p := inventory.Pod{Namespace: namespace, Name: name, HostNetwork: hostNetwork, HostIP: "192.168.7.10", Labels: map[string]string{}}
	for _, label := range labels {
		key, value, _ := strings.Cut(label, "=")
		p.Labels[key] = value
	}
	return p
}

// planes are rebuilt from what the distributions install; control-planes.md has a row for each.
func planes() map[string]plane {
	coreDNS := podIn("kube-system", "coredns-1", false, "k8s-app=kube-dns")
	const dns = "kube-system/kube-dns k8s-app=kube-dns"
	return map[string]plane{
		"kubeadm, kind, k3s, Talos": {[]inventory.Pod{coreDNS}, dns, "192.168.7.10", 6443},
		"RKE2": {[]inventory.Pod{podIn("kube-system", "rke2-coredns-1", false, "k8s-app=kube-dns", "app.kubernetes.io/name=rke2-coredns")},
			"kube-system/rke2-coredns-rke2-coredns k8s-app=kube-dns", "192.168.7.10", 6443},
		"k0s": {[]inventory.Pod{coreDNS, podIn("kube-system", "konnectivity-agent-1", false, "k8s-app=konnectivity-agent")}, dns, "192.168.7.2", 6443},
		"EKS": {[]inventory.Pod{podIn("kube-system", "coredns-1", false, "k8s-app=kube-dns", "eks.amazonaws.com/component=coredns")}, dns, "10.0.9.9", 443},
		"GKE": {[]inventory.Pod{coreDNS, podIn("kube-system", "konnectivity-agent-1", false, "k8s-app=konnectivity-agent")}, dns, "172.16.0.2", 443},
		"AKS": {[]inventory.Pod{coreDNS, podIn("kube-system", "konnectivity-agent-1", false, "app=konnectivity-agent")}, dns, "20.1.2.3", 443},
		"OpenShift": {[]inventory.Pod{podIn("openshift-dns", "dns-default-1", false, "dns.operator.openshift.io/daemonset-dns=default")},
			"openshift-dns/dns-default dns.operator.openshift.io/daemonset-dns=default", "192.168.7.10", 6443},
		"node-local-dns on the node's network": {[]inventory.Pod{coreDNS, podIn("kube-system", "node-local-dns-1", true, "k8s-app=node-local-dns")}, dns, "192.168.7.10", 6443},
		"node-local-dns by Cilium's redirect":  {[]inventory.Pod{coreDNS, podIn("kube-system", "node-local-dns-1", false, "k8s-app=node-local-dns")}, dns, "192.168.7.10", 6443},
		"nothing may be read":                  {nil, "", "", 0},
	}
}

// Each row of the page is what is recognised of a Kubernetes cluster of that kind, word for word.
func TestControlPlanes(t *testing.T) {
	page, err := os.ReadFile("../../plugin/docs/control-planes.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range planes() {
		s := scene{&inventory.Inventory{Origin: inventory.Live, Clusters: []*cnpgv1.Cluster{cluster(t, "shop", "pg", "{instances: 2}")}, Pods: p.pods}}
		if p.dns != "" {
			place, selector, _ := strings.Cut(p.dns, " ")
			namespace, service0, _ := strings.Cut(place, "/")
			key, value, _ := strings.Cut(selector, "=")
			port := map[bool]int{true: 5353, false: 53}[namespace == "openshift-dns"]
			s.inv.Services = []*corev1.Service{service(t, namespace, service0,
				fmt.Sprintf("{selector: {%q: %q}, clusterIP: 10.96.0.10, ports: [{name: dns, port: 53, protocol: UDP, targetPort: %d}]}", key, value, port))}
		}
		if p.port != 0 {
			s.inv.EndpointSlices = []*discoveryv1.EndpointSlice{{Ports: []discoveryv1.EndpointPort{{Port: &p.port}}, Endpoints: []discoveryv1.Endpoint{{Addresses: []string{p.endpoints}}}}}
			s.inv.EndpointSlices[0].Namespace, s.inv.EndpointSlices[0].Labels = "default", map[string]string{discoveryv1.LabelServiceName: "kubernetes"}
		}
		d := egress.New(s.inv)
		texts := func(peers []egress.Peer, which string) string {
			var out []string
			for _, peer := range peers {
				if text := s.peer(peer); !slices.Contains(out, text) {
					out = append(out, text)
				}
			}
			glue := " and "
			if which != "" {
				glue = " or "
			}
			return strings.Join(out, glue)
		}
		row := fmt.Sprintf("| %s | %s | %s |", name, texts(d.Resolvers()), texts(d.FromAPIServer()))
		if !strings.Contains(string(page), row+"\n") {
			t.Errorf("control-planes.md has no row\n%s", row)
		}
	}
	if rows := strings.Count(string(page), "\n| ") - 2; rows != len(planes()) {
		t.Errorf("control-planes.md has %d rows, and there are %d kinds", rows, len(planes()))
	}
}

package engine

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	k8sUtils "github.com/cilium/cilium/pkg/k8s/utils"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/labelsfilter"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/google/go-cmp/cmp"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// What is worked out once for a namespace, and once for pods that are alike, is what the agent works out for each pod.
func TestIdentitiesOfPodsAreTheAgents(t *testing.T) {
	namespaces := map[string]map[string]string{
		"a": {corev1.LabelMetadataName: "a", "team": "x", "zone": "1", "controller-uid": "1"},
		"b": {corev1.LabelMetadataName: "b", "team": "y"},
		"c": nil,
	}
	pods := []inventory.Pod{{Namespace: "gone"}}
	for _, namespace := range []string{"a", "b", "c"} {
		for _, own := range []map[string]string{
			nil, {"app": "x"}, {"app": "y"}, {"app": "x", "pod-template-hash": "1"}, {"app": "x", "pod-template-hash": "2"},
			{"app": "xapp", "z": "1"}, {"io.cilium.k8s.namespace.labels.team": "forged", "io.kubernetes.pod.namespace": "forged", "zz": "1"},
		} {
			for _, account := range []string{"", "one", "two"} {
				for _, ports := range [][]inventory.NamedPort{nil, {{Name: "web", Port: 80}}, {{Name: "web", Port: 81}}} {
					pods = append(pods, inventory.Pod{Namespace: namespace, Name: fmt.Sprint(len(pods)), Labels: own, ServiceAccount: account, NamedPorts: ports})
				}
			}
		}
	}
	settings := inventory.DefaultSettings()
	ids, err := NewIdentities(settings)
	if err != nil {
		t.Fatal(err)
	}
	found, err := ids.Pods(pods, namespaces)
	if err != nil {
		t.Fatal(err)
	}
	byWord := map[string]*Identity{}
	for i := range pods {
		pod := &pods[i]
		var want labels.Labels
		if err := withAgent(&settings, func() {
			sanitized := k8sUtils.SanitizePodLabels(maps.Clone(pod.Labels), &metav1.ObjectMeta{Name: pod.Namespace, Labels: namespaces[pod.Namespace]}, pod.ServiceAccount, settings.ClusterName)
			want, _ = labelsfilter.Filter(labels.Map2Labels(sanitized, labels.LabelSourceK8s))
		}); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want.LabelArray().GetModel(), found[i].Labels()); d != "" {
			t.Errorf("%+v: (-want +got)\n%s", pod, d)
		}
		if found[i].Namespace() != pod.Namespace {
			t.Errorf("%+v is in %q", pod, found[i].Namespace())
		}
		word := fmt.Sprint(want.LabelArray().GetModel(), pod.NamedPorts)
		if other := byWord[word]; other != nil && other != found[i] {
			t.Errorf("%s are two", word)
		}
		byWord[word] = found[i]
		if endpoint := ids.Endpoint(inventory.Endpoint{IdentityLabels: want.GetModel(), NamedPorts: pod.NamedPorts}); endpoint != found[i] {
			t.Errorf("the endpoint of %s is another", word)
		}
	}
	other, err := ids.Pods(pods[1:2], map[string]map[string]string{"a": {"team": "z"}})
	if err != nil || slices.Equal(other[0].Labels(), found[1].Labels()) {
		t.Errorf("labels of a namespace that have changed: %v, %v", other, err)
	}
	different := map[*Identity]bool{}
	for _, i := range byWord {
		different[i] = true
	}
	if len(different) != len(byWord) {
		t.Errorf("%d identities for %d different pods", len(different), len(byWord))
	}
}

package engine

import (
	k8sConst "github.com/cilium/cilium/pkg/k8s/apis/cilium.io"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/policy/api"
)

// hintNamespaces tells the engine's selector cache where to look. The cache has an index by
// namespace, which it uses for the key k8s:io.kubernetes.pod.namespace and not for the key without a
// source that everybody writes; then it tries every identity of the fleet on every such selector.
//
// The same requirement is added once more with the source. That changes nothing in what is
// selected: only Kubernetes gives identities a label of this key (k8sUtils.SanitizePodLabels), and the
// agents' own identities have it from there.
func hintNamespaces(rule *api.Rule) {
	for i := range rule.Ingress {
		hint(rule.Ingress[i].FromEndpoints)
	}
	for i := range rule.IngressDeny {
		hint(rule.IngressDeny[i].FromEndpoints)
	}
	for i := range rule.Egress {
		hint(rule.Egress[i].ToEndpoints)
	}
	for i := range rule.EgressDeny {
		hint(rule.EgressDeny[i].ToEndpoints)
	}
}

func hint(selectors api.EndpointSelectorSlice) {
	const (
		written = labels.LabelSourceAnyKeyPrefix + k8sConst.PodNamespaceLabel
		indexed = labels.LabelSourceK8sKeyPrefix + k8sConst.PodNamespaceLabel
	)
	for i := range selectors {
		if selectors[i].LabelSelector == nil {
			continue
		}
		if namespace, ok := selectors[i].MatchLabels[written]; ok && !selectors[i].HasKey(indexed) {
			selectors[i].AddMatch(indexed, namespace)
		}
	}
}

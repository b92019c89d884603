package probe

import (
	"fmt"
	"slices"
	"strings"

	ciliumio "github.com/cilium/cilium/pkg/k8s/apis/cilium.io"
	"github.com/cilium/cilium/pkg/labels"
	corev1 "k8s.io/api/core/v1"
	k8slabels "k8s.io/apimachinery/pkg/labels"
)

// labelsOf are the labels that give a twin the client's identity: those that Cilium has taken from the pod. Which ones it
// takes is a setting of the agent, so that the identity says it, and not the pod.
func labelsOf(c Client) (map[string]string, error) {
	out := map[string]string{}
	for _, text := range c.Endpoint.IdentityLabels {
		label := labels.ParseLabel(text)
		switch {
		case label.Source == labels.LabelSourceGenerated && ciliumio.IsNamedPortsIdentityLabelName(label.Key):
			continue // From the ports with names, which a twin has, too.
		case label.Source != labels.LabelSourceK8s:
			return nil, fmt.Errorf("its identity has the label %q, which no pod can be given", text)
		case strings.HasPrefix(label.Key, ciliumio.PodNamespaceMetaLabels),
			slices.Contains([]string{ciliumio.PodNamespaceLabel, ciliumio.PolicyLabelCluster, ciliumio.PolicyLabelServiceAccount}, label.Key):
			continue // Cilium's own, from where the pod is and how it runs.
		}
		out[label.Key] = label.Value
	}
	return out, nil
}

// Exposed names a Service that would send traffic to a pod that is not ready; empty when there is none. Such a client gets no
// twin.
func Exposed(c Client, services []corev1.Service) string {
	own, err := labelsOf(c)
	if err != nil {
		return ""
	}
	for i := range services {
		s := &services[i]
		if s.Namespace == c.Pod.Namespace && s.Spec.PublishNotReadyAddresses && len(s.Spec.Selector) > 0 &&
			k8slabels.SelectorFromSet(s.Spec.Selector).Matches(k8slabels.Set(own)) {
			return s.Name
		}
	}
	return ""
}

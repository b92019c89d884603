package standin

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// usualSettings is the part of cilium-config that has to do with policies, as Cilium's chart
// v1.20.2 writes it without values.
func usualSettings() map[string]string {
	return map[string]string{
		"cluster-id":                       "0",
		"cluster-name":                     clusterName,
		"enable-ipv4":                      "true",
		"enable-ipv6":                      "false",
		"enable-host-firewall":             "false",
		"enable-k8s-networkpolicy":         "true",
		"enable-l7-proxy":                  "true",
		"enable-node-selector-labels":      "false",
		"enable-non-default-deny-policies": "true",
		"enable-policy":                    "default",
		"identity-allocation-mode":         "crd",
		"policy-cidr-match-mode":           "",
		"policy-default-local-cluster":     "true",
	}
}

// WriteSettings writes the ConfigMap kube-system/cilium-config: Cilium's usual settings with
// changes on top. A value of nil takes the setting away.
func WriteSettings(ctx context.Context, config *rest.Config, changes map[string]*string) error {
	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	data := usualSettings()
	for key, value := range changes {
		if value == nil {
			delete(data, key)
			continue
		}
		data[key] = *value
	}
	_, err = kube.CoreV1().ConfigMaps(metav1.NamespaceSystem).Apply(ctx,
		applycorev1.ConfigMap("cilium-config", metav1.NamespaceSystem).WithData(data),
		metav1.ApplyOptions{FieldManager: "helm", Force: true})
	return err
}

package observe

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	kjson "sigs.k8s.io/json"
)

// configMapUse is a ConfigMap that a spec names, with the keys that it takes; none for all.
type configMapUse struct {
	name string
	keys []string
}

// AddConfigMap looks for hosts of the databases in the data of a ConfigMap, so that specs that name it refer to them.
// Nothing else of it is kept. It must not be called while others use the names.
func (n Names) AddConfigMap(namespace, name string, data map[string]string) {
	for key, value := range data {
		for _, host := range hostsIn(value) {
			if _, ok := n.service(namespace, host); !ok {
				continue
			}
			at := types.NamespacedName{Namespace: namespace, Name: name}
			if n.configMaps[at] == nil {
				n.configMaps[at] = map[string][]string{}
			}
			n.configMaps[at][key] = append(n.configMaps[at][key], host)
		}
	}
}

// AddConfigMapManifest is AddConfigMap for one that was read from a file.
func (n Names) AddConfigMapManifest(raw []byte, defaultNamespace string) error {
	c := corev1.ConfigMap{}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, &c); err != nil {
		return fmt.Errorf("a ConfigMap can't be read: %w", err)
	}
	n.AddConfigMap(namespaceOr(c.Namespace, defaultNamespace), c.Name, c.Data)
	return nil
}

// hostsFrom are the hosts that a spec has from a ConfigMap.
func (n Names) hostsFrom(namespace string, use configMapUse) []string {
	var out []string
	for key, hosts := range n.configMaps[types.NamespacedName{Namespace: namespace, Name: use.name}] {
		if len(use.keys) == 0 || slices.Contains(use.keys, key) {
			out = append(out, hosts...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// configMapsIn are the ConfigMaps in a spec.
func configMapsIn(spec *corev1.PodSpec) []configMapUse {
	var out []configMapUse
	volume := func(name string, items []corev1.KeyToPath) {
		use := configMapUse{name: name}
		for i := range items {
			use.keys = append(use.keys, items[i].Key)
		}
		out = append(out, use)
	}
	for i := range spec.Volumes {
		v := &spec.Volumes[i]
		if v.ConfigMap != nil {
			volume(v.ConfigMap.Name, v.ConfigMap.Items)
		}
		if v.Projected != nil {
			for j := range v.Projected.Sources {
				if c := v.Projected.Sources[j].ConfigMap; c != nil {
					volume(c.Name, c.Items)
				}
			}
		}
	}
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		for i := range c.EnvFrom {
			if from := c.EnvFrom[i].ConfigMapRef; from != nil {
				out = append(out, configMapUse{name: from.Name})
			}
		}
		for i := range c.Env {
			if from := c.Env[i].ValueFrom; from != nil && from.ConfigMapKeyRef != nil {
				out = append(out, configMapUse{from.ConfigMapKeyRef.Name, []string{from.ConfigMapKeyRef.Key}})
			}
		}
	}
	return slices.DeleteFunc(out, func(use configMapUse) bool { return strings.TrimSpace(use.name) == "" })
}

package engine

import (
	"crypto/sha256"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	k8sUtils "github.com/cilium/cilium/pkg/k8s/utils"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/labelsfilter"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// manyLabels are more than people give anything.
const manyLabels = 256

// podKeys make keys of pods.
type podKeys struct {
	// long are the texts of labels and of named ports that several pods may share and that are many, by where they are.
	long map[uintptr]string
}

// of is the same for pods of a namespace that are one identity, as far as it can be told quickly.
func (k *podKeys) of(pod *inventory.Pod) string {
	var key []byte
	part := func(text string) {
		key = append(append(key, text...), 0)
	}
	part(pod.Namespace)
	part(pod.ServiceAccount)
	part(k.labels(pod.Labels))
	part(k.ports(pod.NamedPorts))
	return string(key)
}

// labels is the same for the same labels alone.
func (k *podKeys) labels(labels map[string]string) string {
	if len(labels) <= manyLabels {
		return labelsText(labels)
	}
	return k.shared(reflect.ValueOf(labels).Pointer(), len(labels), func() string { return labelsText(labels) })
}

// ports is the same for the same named ports alone.
func (k *podKeys) ports(ports []inventory.NamedPort) string {
	if len(ports) <= manyLabels {
		return portsKey(ports)
	}
	return k.shared(reflect.ValueOf(ports).Pointer(), len(ports), func() string { return portsKey(ports) })
}

// shared is a digest of a text about n things that are at one place.
func (k *podKeys) shared(at uintptr, n int, text func() string) string {
	key, ok := k.long[at]
	if !ok {
		digest := sha256.Sum256([]byte(text()))
		key = strconv.Itoa(n) + " " + string(digest[:])
		k.long[at] = key
	}
	return key
}

func labelsText(labels map[string]string) string {
	var text []byte
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		text = append(append(append(append(text, name...), 0), labels[name]...), 0)
	}
	return string(text)
}

// given is what the labels of a namespace add.
type given struct {
	by    map[string]string
	array labels.LabelArray
}

// labelsOfNamespace are what a namespace's labels add to the identity of each of its pods. Must be called withAgent.
func (s *Identities) labelsOfNamespace(name string, by map[string]string) labels.LabelArray {
	if len(by) == 0 {
		return nil
	}
	known, ok := s.given[name]
	if !ok || !maps.Equal(known.by, by) {
		all, none := s.labelsOf(&inventory.Pod{Namespace: name}, by, ""), s.labelsOf(&inventory.Pod{Namespace: name}, nil, "")
		for key := range none {
			delete(all, key)
		}
		known = given{by, all.LabelArray()}
		s.given[name] = known
	}
	return known.array
}

// mergeLabels are those of both, in the order of their keys. A pod has none of its namespace: the agent takes such labels from it.
func mergeLabels(a, b labels.LabelArray) labels.LabelArray {
	out := make(labels.LabelArray, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if a[0].Key < b[0].Key {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// labelsOf are the labels of a pod's identity. Must be called withAgent.
func (s *Identities) labelsOf(pod *inventory.Pod, namespaceLabels map[string]string, cluster string) labels.Labels {
	namespace := &metav1.ObjectMeta{Name: pod.Namespace, Labels: namespaceLabels}
	sanitized := k8sUtils.SanitizePodLabels(pod.Labels, namespace, pod.ServiceAccount, cluster)
	lbls := labels.Map2Labels(sanitized, labels.LabelSourceK8s)
	if len(lbls) > manyLabels { // That others have the same keys is not worth remembering them.
		relevant, _ := labelsfilter.Filter(lbls)
		return relevant
	}
	s.learnRelevant(lbls)
	for key := range lbls {
		if relevant, _ := s.knownRelevant(key); !relevant {
			delete(lbls, key)
		}
	}
	return lbls
}

// learnRelevant asks the agent's label filter about keys that it was not asked about: it tries two dozen patterns on each label,
// and looks at source and key alone (labelsfilter.Filter).
func (s *Identities) learnRelevant(lbls labels.Labels) {
	unknown := labels.Labels{}
	for key, label := range lbls {
		if _, known := s.knownRelevant(key); !known {
			unknown[key] = label
		}
	}
	if len(unknown) == 0 {
		return
	}
	passed, _ := labelsfilter.Filter(unknown)
	for key := range unknown {
		_, s.relevant[key] = passed[key]
	}
}

func (s *Identities) knownRelevant(key string) (relevant, known bool) {
	if relevant, known = s.relevant[key]; !known && s.others != nil {
		return s.others.knownRelevant(key)
	}
	return relevant, known
}

// labelsKey is the same for the same labels alone.
func labelsKey(array labels.LabelArray) string {
	key := make([]byte, 0, 48*len(array))
	for i := range array {
		l := &array[i]
		key = append(append(append(key, l.Source...), ':'), l.Key...)
		key = append(append(append(key, '='), l.Value...), ';')
	}
	digest := sha256.Sum256(key) // A fleet has many identities, and their labels are long.
	return string(digest[:])
}

func portsKey(ports []inventory.NamedPort) string {
	if len(ports) == 0 {
		return ""
	}
	parts := make([]string, len(ports))
	for i, p := range ports {
		parts[i] = "|" + p.Name + "/" + string(protocolOrTCP(p.Protocol)) + "/" + strconv.Itoa(int(p.Port))
	}
	slices.Sort(parts)
	return strings.Join(parts, "")
}

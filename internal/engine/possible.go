package engine

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	k8sConst "github.com/cilium/cilium/pkg/k8s/apis/cilium.io"
	slim_metav1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/apis/meta/v1"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/policy/types"
	corev1 "k8s.io/api/core/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Wanted is what a selector asks of pods.
type Wanted struct {
	// Namespace and Cluster are those that the selector names; empty where it names none.
	Namespace, Cluster string
	// Text is what it asks of labels, those of namespace and cluster aside: "app=web,tier".
	Text string
	pod  inventory.Pod
	// namespaceLabels are those that the pod's namespace must have.
	namespaceLabels map[string]string
	keys            []string
}

// Key is the same for selectors that select the same.
func (p Peer) Key() string { return p.selector.Key() }

// Selects tells whether the selector selects an identity.
func (p Peer) Selects(i *Identity) bool { return p.selector.Matches(i.id.LabelArray) }

// IsOfPods tells whether the selector asks for some pods, and not for all.
func (p Peer) IsOfPods() bool {
	selector, ok := p.selector.(*types.LabelSelector)
	return ok && !selector.IsWildcard() && !selector.HasKeyPrefix(labels.LabelSourceReservedKeyPrefix)
}

// Wanted is what the selector asks of pods; false for one that is not about pods, or about all.
func (p Peer) Wanted() (Wanted, bool) {
	selector, ok := p.selector.(*types.LabelSelector)
	if !ok || !p.IsOfPods() {
		return Wanted{}, false
	}
	text, err := json.Marshal(selector)
	var parsed slim_metav1.LabelSelector
	if err != nil || json.Unmarshal(text, &parsed) != nil {
		return Wanted{}, false
	}
	w := Wanted{pod: inventory.Pod{Labels: map[string]string{}, ServiceAccount: "default"}, namespaceLabels: map[string]string{}}
	var words []string
	for _, key := range slices.Sorted(maps.Keys(parsed.MatchLabels)) {
		words = w.add(words, key, parsed.MatchLabels[key], parsed.MatchLabels[key])
	}
	for _, e := range parsed.MatchExpressions {
		plain := plainKey(e.Key)
		switch {
		case e.Operator == slim_metav1.LabelSelectorOpIn && len(e.Values) > 0:
			said := e.Values[0]
			if len(e.Values) > 1 {
				said = "(" + strings.Join(e.Values, "|") + ")"
			}
			words = w.add(words, e.Key, e.Values[0], said)
		case e.Operator == slim_metav1.LabelSelectorOpExists && plain == k8sConst.PodNamespaceLabel:
		case e.Operator == slim_metav1.LabelSelectorOpExists:
			words = w.add(words, e.Key, "any", "")
		case e.Operator == slim_metav1.LabelSelectorOpDoesNotExist:
			words = append(words, "!"+plain)
		case e.Operator == slim_metav1.LabelSelectorOpNotIn:
			words = append(words, plain+"!=("+strings.Join(e.Values, "|")+")")
		}
	}
	w.Text = strings.Join(words, ",")
	return w, true
}

// plainKey is the key of a label as policies have it.
func plainKey(key string) string {
	for _, source := range []string{labels.LabelSourceAnyKeyPrefix, labels.LabelSourceK8sKeyPrefix} {
		if plain, ok := strings.CutPrefix(key, source); ok {
			return plain
		}
	}
	return key
}

// add notes a label that is wanted, with a value that will do, and how to say it.
func (w *Wanted) add(words []string, key, value, said string) []string {
	plain := plainKey(key)
	word := plain
	if said != "" {
		word += "=" + said
	}
	switch namespaceKey, ok := strings.CutPrefix(plain, k8sConst.PodNamespaceMetaLabelsPrefix); {
	case plain == k8sConst.PodNamespaceLabel:
		w.Namespace, w.pod.Namespace = value, value
		if said != value {
			w.Namespace = said
		}
		return words
	case plain == k8sConst.PolicyLabelCluster:
		w.Cluster = value
		return words
	case plain == k8sConst.PolicyLabelServiceAccount:
		w.pod.ServiceAccount = value
	case ok && namespaceKey == corev1.LabelMetadataName:
		w.pod.Namespace = value
		w.namespaceLabels[namespaceKey] = value
	case ok:
		w.namespaceLabels[namespaceKey] = value
	default:
		w.pod.Labels[plain] = value
		w.keys = append(w.keys, plain)
	}
	return append(words, word)
}

// Like adds the identity of a pod as the selector wants it, in a namespace with the labels that are known of
// it; the cluster is this one where neither names another. It is nil when no pod of a kind that agents know
// would be selected; lacking is then the key of the label that agents leave out of identities, if it is that.
// It must not be called while somebody else uses the collection.
func (s *Identities) Like(p Peer, w Wanted, cluster string, namespaces map[string]map[string]string) (id *Identity, lacking string) {
	_ = withAgent(s.settings, func() {
		pod := w.pod
		if pod.Namespace == "" {
			pod.Namespace = "any"
		}
		of := map[string]string{corev1.LabelMetadataName: pod.Namespace}
		maps.Copy(of, namespaces[pod.Namespace])
		maps.Copy(of, w.namespaceLabels)
		lbls := s.labelsOf(&pod, of, cluster)
		if array := lbls.LabelArray(); p.selector.Matches(array) {
			id = s.add(array, nil, cluster != s.settings.ClusterName)
			return
		}
		for _, key := range w.keys {
			if _, ok := lbls[key]; !ok {
				lacking = key
			}
		}
	})
	return id, lacking
}

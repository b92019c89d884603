package standin

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/cilium/cilium/api/v1/models"
	ciliumk8s "github.com/cilium/cilium/pkg/k8s"
	slimcorev1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/core/v1"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/labelsfilter"
)

// identityLabels are the labels of a pod's identity, and its named ports, as Cilium's agent finds them: the
// pod's own, its namespace's, its service account, the cluster's name and its named ports, after
// the agent's label filter.
func identityLabels(pod *corev1.Pod, namespace *corev1.Namespace) (labels.Labels, models.NamedPorts, error) {
	var slim slimcorev1.Pod
	if err := convert(pod, &slim); err != nil {
		return nil, nil, fmt.Errorf("read pod %s/%s as Cilium does: %w", pod.Namespace, pod.Name, err)
	}
	namedPorts, found := ciliumk8s.GetPodMetadata(slog.New(slog.DiscardHandler), namespace, &slim)
	identity, _ := labelsfilter.Filter(labels.Map2Labels(found, labels.LabelSourceK8s))
	identity.MergeLabels(ciliumk8s.NamedPortsIdentityLabels(namedPorts).Labels())
	var ports models.NamedPorts
	for name, port := range namedPorts {
		ports = append(ports, &models.Port{Name: name, Port: port.Port, Protocol: port.Proto.String()})
	}
	slices.SortFunc(ports, func(a, b *models.Port) int { return strings.Compare(a.Name, b.Name) })
	return identity, ports, nil
}

// convert copies an object into another type with the same JSON form.
func convert(from, to any) error {
	text, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, to)
}

package standin

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"github.com/cilium/cilium/pkg/k8s/client/clientset/versioned"
	"github.com/cilium/cilium/pkg/labels"
)

// firstIdentity is above the numbers that Cilium reserves (pkg/identity, MinimalNumericIdentity).
const firstIdentity = 1000

// endpointWriter writes endpoints and the identities that they refer to.
type endpointWriter struct {
	cilium     versioned.Interface
	namespaces map[string]*corev1.Namespace
	// identities are the numbers by the text of their labels.
	identities map[string]int64
	next       int64
}

// writeEndpoints writes the CiliumEndpoint of each running pod that has an address of its own, and
// the CiliumIdentity of each set of labels.
func writeEndpoints(ctx context.Context, kube kubernetes.Interface, cilium versioned.Interface) error {
	w := endpointWriter{cilium: cilium, namespaces: map[string]*corev1.Namespace{}, identities: map[string]int64{}, next: firstIdentity}
	namespaces, err := kube.CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for i := range namespaces.Items {
		w.namespaces[namespaces.Items[i].Name] = &namespaces.Items[i]
	}
	identities, err := cilium.CiliumV2().CiliumIdentities().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, identity := range identities.Items {
		number, err := strconv.ParseInt(identity.Name, 10, 64)
		if err != nil {
			return fmt.Errorf("identity %q is no number: %w", identity.Name, err)
		}
		w.identities[labels.NewLabelsFromModel(labelModel(identity.SecurityLabels)).String()] = number
		w.next = max(w.next, number+1)
	}
	pods, err := kube.CoreV1().Pods(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for i := range pods.Items {
		pod := &pods.Items[i]
		if pod.Spec.HostNetwork || pod.Status.Phase != corev1.PodRunning {
			continue
		}
		if err := w.write(ctx, pod, int64(i+1)); err != nil {
			return fmt.Errorf("write the endpoint of pod %s/%s: %w", pod.Namespace, pod.Name, err)
		}
	}
	return nil
}

func labelModel(security map[string]string) []string {
	var model []string
	for key, value := range security {
		model = append(model, key+"="+value)
	}
	return model
}

// write creates the endpoint of one pod, or brings its labels up to date.
func (w *endpointWriter) write(ctx context.Context, pod *corev1.Pod, id int64) error {
	found, ports, err := identityLabels(pod, w.namespaces[pod.Namespace])
	if err != nil {
		return err
	}
	number, err := w.identity(ctx, pod.Namespace, found)
	if err != nil {
		return err
	}
	model := found.GetModel()
	slices.Sort(model)
	endpoint := &ciliumv2.CiliumEndpoint{
		ObjectMeta: metav1.ObjectMeta{
			Name: pod.Name, Namespace: pod.Namespace, Labels: pod.Labels,
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID}},
		},
		Status: ciliumv2.EndpointStatus{
			ID:             id,
			Identity:       &ciliumv2.EndpointIdentity{ID: number, Labels: model},
			NamedPorts:     ports,
			Networking:     &ciliumv2.EndpointNetworking{Addressing: ciliumv2.AddressPairList{{IPV4: pod.Status.PodIP}}, NodeIP: pod.Status.HostIP},
			ServiceAccount: pod.Spec.ServiceAccountName,
			State:          "ready",
		},
	}
	client := w.cilium.CiliumV2().CiliumEndpoints(pod.Namespace)
	_, err = client.Create(ctx, endpoint, metav1.CreateOptions{})
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	existing, err := client.Get(ctx, pod.Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if existing.Status.Identity != nil && slices.Equal(existing.Status.Identity.Labels, model) {
		return nil
	}
	existing.Labels, existing.Status.Identity = endpoint.Labels, endpoint.Status.Identity
	_, err = client.Update(ctx, existing, metav1.UpdateOptions{})
	return err
}

// identity returns the number for a set of labels, and creates the CiliumIdentity for a new one.
func (w *endpointWriter) identity(ctx context.Context, namespace string, found labels.Labels) (int64, error) {
	if number, ok := w.identities[found.String()]; ok {
		return number, nil
	}
	security := map[string]string{}
	for _, label := range found {
		security[label.Source+":"+label.Key] = label.Value
	}
	number := w.next
	_, err := w.cilium.CiliumV2().CiliumIdentities().Create(ctx, &ciliumv2.CiliumIdentity{
		ObjectMeta: metav1.ObjectMeta{
			Name:   strconv.FormatInt(number, 10),
			Labels: map[string]string{"io.kubernetes.pod.namespace": namespace},
		},
		SecurityLabels: security,
	}, metav1.CreateOptions{})
	if err != nil {
		return 0, err
	}
	w.identities[found.String()] = number
	w.next++
	return number, nil
}

package standin

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/cilium/cilium/pkg/k8s/client/clientset/versioned"
)

const (
	nodeName = "node-1"
	nodeIP   = "172.18.0.2"
)

// PodOptions say how RunPods treats pods.
type PodOptions struct {
	// WithoutEndpoints leaves the pods unknown to Cilium, as those that started before its agent.
	WithoutEndpoints bool
}

// RunPods lets every pod that is there run: it binds pods to a node, reports those that are
// pending as running and ready, and writes the endpoint of each pod that has an address of its own.
// Running it again takes up pods and labels that have come since.
func RunPods(ctx context.Context, config *rest.Config, o PodOptions) error {
	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	pods, err := kube.CoreV1().Pods(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for i := range pods.Items {
		if err := runPod(ctx, kube, &pods.Items[i], podIP(pods.Items, i)); err != nil {
			return fmt.Errorf("run pod %s/%s: %w", pods.Items[i].Namespace, pods.Items[i].Name, err)
		}
	}
	if o.WithoutEndpoints {
		return nil
	}
	cilium, err := versioned.NewForConfig(config)
	if err != nil {
		return err
	}
	return writeEndpoints(ctx, kube, cilium)
}

// podIP is an address that no other pod has, for the pod at i.
func podIP(pods []corev1.Pod, i int) string {
	taken := map[string]bool{}
	for _, pod := range pods {
		taken[pod.Status.PodIP] = true
	}
	for next, free := 1, i; ; next++ {
		ip := fmt.Sprintf("10.244.%d.%d", next/250, next%250+1)
		if taken[ip] {
			continue
		}
		if free == 0 {
			return ip
		}
		free--
	}
}

func runPod(ctx context.Context, kube kubernetes.Interface, pod *corev1.Pod, ip string) error {
	client := kube.CoreV1().Pods(pod.Namespace)
	if pod.Spec.NodeName == "" {
		err := client.Bind(ctx, &corev1.Binding{
			ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name},
			Target:     corev1.ObjectReference{Kind: "Node", Name: nodeName},
		}, metav1.CreateOptions{})
		if err != nil {
			return err
		}
		// Binding has changed the pod, and its resource version.
		if pod, err = client.Get(ctx, pod.Name, metav1.GetOptions{}); err != nil {
			return err
		}
	}
	if pod.Status.Phase != corev1.PodPending {
		return nil
	}
	if pod.Spec.HostNetwork {
		ip = nodeIP
	}
	reportRunning(pod, ip)
	_, err := client.UpdateStatus(ctx, pod, metav1.UpdateOptions{})
	return err
}

// reportRunning fills a pod's status as the kubelet does once every container is ready.
func reportRunning(pod *corev1.Pod, ip string) {
	now := metav1.Now()
	started := true
	pod.Status.Phase = corev1.PodRunning
	pod.Status.StartTime = &now
	pod.Status.HostIP, pod.Status.HostIPs = nodeIP, []corev1.HostIP{{IP: nodeIP}}
	pod.Status.PodIP, pod.Status.PodIPs = ip, []corev1.PodIP{{IP: ip}}
	pod.Status.Conditions = nil
	for _, condition := range []corev1.PodConditionType{
		corev1.PodScheduled, corev1.PodReadyToStartContainers, corev1.PodInitialized, corev1.ContainersReady, corev1.PodReady,
	} {
		pod.Status.Conditions = append(pod.Status.Conditions,
			corev1.PodCondition{Type: condition, Status: corev1.ConditionTrue, LastTransitionTime: now})
	}
	pod.Status.ContainerStatuses = nil
	for _, container := range pod.Spec.Containers {
		pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{
			Name: container.Name, Image: container.Image, Ready: true, Started: &started,
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}},
		})
	}
}

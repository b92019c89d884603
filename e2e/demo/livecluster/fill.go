package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/resource"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/integration/standin"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/manifests"
)

// fill creates the objects of the manifests in a folder, and lets the pods run that come of them.
func fill(ctx context.Context, config *rest.Config, folder string) error {
	if err := standin.ConfigureCilium(); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		return err
	}
	// Every namespace must be there before the first object in it.
	var all []byte
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		all = append(append(all, "\n---\n"...), content...)
	}
	if err := standin.Load(ctx, config, all); err != nil {
		return err
	}
	inv, err := manifests.Load(ctx, manifests.Options{FilenameOptions: resource.FilenameOptions{Filenames: []string{folder}}})
	if err != nil {
		return err
	}
	if err := createPods(ctx, config, inv.Pods); err != nil {
		return err
	}
	return standin.RunPods(ctx, config, standin.PodOptions{})
}

func createPods(ctx context.Context, config *rest.Config, pods []inventory.Pod) error {
	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	for _, p := range pods {
		if _, err := kube.CoreV1().Pods(p.Namespace).Create(ctx, podOf(p), metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("create pod %s/%s: %w", p.Namespace, p.Name, err)
		}
	}
	return nil
}

// templateHash takes the place of the hash that the Deployment controller computes.
const templateHash = "7d9c5b8f6"

// podOf is the pod as its controller would create it, with the owner by which it is told apart
// from a pod that somebody has started by hand.
func podOf(p inventory.Pod) *corev1.Pod {
	owner := metav1.OwnerReference{
		APIVersion: "postgresql.cnpg.io/v1", Kind: "Cluster", Name: p.Workload.Name,
		UID: "00000000-0000-4000-8000-000000000001", Controller: ptr.To(true),
	}
	labels := map[string]string{}
	for key, value := range p.Labels {
		labels[key] = value
	}
	if p.Workload.Kind != "cluster" {
		owner.APIVersion, owner.Kind, owner.Name = "apps/v1", "ReplicaSet", p.Workload.Name+"-"+templateHash
		labels["pod-template-hash"] = templateHash
	}
	container := corev1.Container{Name: "main", Image: "none"}
	for _, port := range p.NamedPorts {
		container.Ports = append(container.Ports,
			corev1.ContainerPort{Name: port.Name, ContainerPort: int32(port.Port), Protocol: port.Protocol})
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: p.Namespace, Name: p.Name, Labels: labels, OwnerReferences: []metav1.OwnerReference{owner},
		},
		Spec: corev1.PodSpec{
			ServiceAccountName: p.ServiceAccount, HostNetwork: p.HostNetwork, Containers: []corev1.Container{container},
		},
	}
}

package live

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// agentNamespace is where Cilium's agent is nearly always installed.
const agentNamespace = "kube-system"

// readSettings reads cilium-config from kube-system, or else from beside Cilium's DaemonSet. The
// defaults stay when it can't be had, and Missing says so.
func (c *collector) readSettings(ctx context.Context) error {
	config, err := c.config(ctx, agentNamespace)
	if err == nil {
		c.useSettings(config)
		return nil
	}
	if c.kindOf(ctx, err) == fatal {
		return c.explain(err)
	}
	namespaces, listErr := c.agents(ctx)
	if listErr != nil && c.kindOf(ctx, listErr) == fatal {
		return c.explain(listErr)
	}
	c.inv.Settings.Agent = len(namespaces) > 0
	for _, namespace := range namespaces {
		if namespace == agentNamespace {
			continue
		}
		beside, besideErr := c.config(ctx, namespace)
		if besideErr == nil {
			c.useSettings(beside)
			return nil
		}
		if err = besideErr; c.kindOf(ctx, err) == fatal {
			return c.explain(err)
		}
	}
	if apierrors.IsNotFound(err) && listErr != nil {
		// Not in kube-system, and where else it may be is not to be known.
		err = listErr
	}
	c.missing(missingSettings(err, len(namespaces) > 0))
	return nil
}

func (c *collector) config(ctx context.Context, namespace string) (*corev1.ConfigMap, error) {
	return c.clients.Kubernetes.CoreV1().ConfigMaps(namespace).Get(ctx, inventory.CiliumConfigName, metav1.GetOptions{})
}

// agents are the namespaces of Cilium's DaemonSets.
func (c *collector) agents(ctx context.Context) ([]string, error) {
	sets, err := c.clients.Kubernetes.AppsV1().DaemonSets("").List(ctx,
		metav1.ListOptions{LabelSelector: "k8s-app=cilium", Limit: pageSize})
	if err != nil {
		return nil, err
	}
	var namespaces []string
	for i := range sets.Items {
		namespaces = append(namespaces, sets.Items[i].Namespace)
	}
	return namespaces, nil
}

func (c *collector) useSettings(config *corev1.ConfigMap) {
	settings, problems := inventory.SettingsFromConfigMap(config.Namespace, config.Name, config.Data)
	c.inv.Settings = settings
	for _, problem := range problems {
		c.missing(inventory.Missing{
			Resource: "configmaps", Reason: inventory.Failed, Message: problem,
			Remedy: command.Wordsf("correct the ConfigMap %s", settings.Source),
		})
	}
}

func missingSettings(err error, agent bool) inventory.Missing {
	s := inventory.DefaultSettings()
	m := inventory.Missing{
		Resource: "configmaps",
		Reason:   inventory.Failed,
		Message: fmt.Sprintf("Cilium's options can't be read, its defaults are assumed (cluster-name=%s, enable-policy=%s, policy-audit-mode=%t, enable-k8s-networkpolicy=%t): %s",
			s.ClusterName, s.EnablePolicy, s.AuditMode, s.KubernetesNetworkPolicy, oneLine(err)),
		Remedy: command.Words("try again; if it persists, look at the API server"),
	}
	switch {
	case apierrors.IsForbidden(err):
		m.Reason = inventory.Forbidden
		m.Remedy = command.Wordsf("ask for permission to get the ConfigMap %s/%s", agentNamespace, inventory.CiliumConfigName)
	case apierrors.IsNotFound(err) && !agent:
		m.Reason = inventory.NotInstalled
		m.Message = fmt.Sprintf("there is no ConfigMap %s/%s and no DaemonSet labelled k8s-app=cilium: nothing shows that Cilium runs here",
			agentNamespace, inventory.CiliumConfigName)
		m.Remedy = command.Words(installCilium)
	case apierrors.IsNotFound(err):
		m.Remedy = command.Wordsf("look for the ConfigMap %s beside Cilium's DaemonSet", inventory.CiliumConfigName)
	}
	return m
}

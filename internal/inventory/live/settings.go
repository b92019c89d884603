package live

import (
	"context"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// agentNamespace is where Cilium's agent is nearly always installed.
const agentNamespace = "kube-system"

// readSettings reads cilium-config from kube-system, or else from beside Cilium's DaemonSet, and the version of the
// agents from the latter. The defaults stay when it can't be had, and Missing says so.
func (c *collector) readSettings(ctx context.Context) error {
	var config *corev1.ConfigMap
	var err, listErr error
	var asking sync.WaitGroup
	asking.Go(func() { config, err = c.config(ctx, agentNamespace) })
	asking.Go(func() { c.agents, listErr = c.listAgents(ctx) })
	asking.Wait()
	if listErr != nil && c.kindOf(ctx, listErr) == fatal {
		return c.explain(listErr)
	}
	if err == nil {
		c.useSettings(config)
		return nil
	}
	if c.kindOf(ctx, err) == fatal {
		return c.explain(err)
	}
	c.inv.Settings = c.inv.Settings.OfVersion(versionIn(c.agents, ""))
	c.inv.Settings.Agent = len(c.agents) > 0
	for _, a := range c.agents {
		if a.namespace == agentNamespace {
			continue
		}
		beside, besideErr := c.config(ctx, a.namespace)
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
	c.missing(missingSettings(err, len(c.agents) > 0))
	return nil
}

func (c *collector) config(ctx context.Context, namespace string) (*corev1.ConfigMap, error) {
	return c.clients.Kubernetes.CoreV1().ConfigMaps(namespace).Get(ctx, inventory.CiliumConfigName, metav1.GetOptions{})
}

// agent is one of Cilium's DaemonSets.
type agent struct {
	namespace string
	version   inventory.AgentVersion
}

// listAgents are Cilium's DaemonSets.
func (c *collector) listAgents(ctx context.Context) ([]agent, error) {
	sets, err := c.clients.Kubernetes.AppsV1().DaemonSets("").List(ctx,
		metav1.ListOptions{LabelSelector: "k8s-app=cilium", Limit: pageSize})
	if err != nil {
		return nil, err
	}
	var out []agent
	for i := range sets.Items {
		a := agent{namespace: sets.Items[i].Namespace}
		for _, container := range sets.Items[i].Spec.Template.Spec.Containers {
			if container.Name == inventory.AgentContainer {
				a.version = inventory.AgentVersionOf(container.Image)
			}
		}
		out = append(out, a)
	}
	return out, nil
}

// versionIn is the version of the agents of a namespace, or of the only ones where there are no others.
func versionIn(agents []agent, namespace string) inventory.AgentVersion {
	for _, a := range agents {
		if a.namespace == namespace || len(agents) == 1 {
			return a.version
		}
	}
	return inventory.AgentVersion{}
}

func (c *collector) useSettings(config *corev1.ConfigMap) {
	settings, problems := inventory.SettingsFromConfigMap(config.Namespace, config.Name, config.Data, versionIn(c.agents, config.Namespace))
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

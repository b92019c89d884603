package manifests

import (
	"fmt"
	"strings"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/types"
	kjson "sigs.k8s.io/json"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/decode"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/timer"
)

// add takes one object that is no List. Kinds that do not matter are passed over.
func (l *loader) add(h header, raw []byte, at place) error {
	if kind, ok := decode.PolicyKind(h.APIVersion, h.Kind); ok {
		p := l.decoder.Policy(kind, raw, decode.PolicyOptions{
			APIVersion: h.APIVersion, DefaultNamespace: l.namespace, Source: at.from, Twice: at.twice,
		})
		key := objectKey{h.Kind, p.Namespace, p.Name}
		if p.Name == "" {
			// Nothing that could be replaced, or replace.
			key.name = "/" + at.source
		}
		l.same(key, raw, at.source, false)
		put(l, &l.inv.Policies, key, p)
		return nil
	}
	if known, err := l.around(h, raw); known {
		return err
	}
	switch group, _, _ := strings.Cut(h.APIVersion, "/"); group + "/" + h.Kind {
	case "v1/Pod":
		return l.pod(raw)
	case "v1/Secret":
		l.keepValues(h, raw)
		return nil
	case "v1/Namespace", "v1/ConfigMap":
		if h.Kind == "ConfigMap" {
			l.keepValues(h, raw)
			l.tellSpec(h.Kind, raw)
		}
		return l.core(h.Kind, raw)
	case "cilium.io/CiliumEndpoint":
		return l.endpoint(raw)
	case "postgresql.cnpg.io/Cluster":
		c, err := decode.Cluster(raw, l.namespace)
		if err == nil {
			l.same(objectKey{h.Kind, c.Namespace, c.Name}, raw, at.source, true)
			l.taken(h, raw, at.source, c.Namespace, c.Name)
			l.placed(c, at.from)
			put(l, &l.inv.Clusters, objectKey{h.Kind, c.Namespace, c.Name}, c)
		}
		return err
	case "postgresql.cnpg.io/Pooler":
		p, err := decode.Pooler(raw, l.namespace)
		if err == nil {
			l.same(objectKey{h.Kind, p.Namespace, p.Name}, raw, at.source, true)
			l.taken(h, raw, at.source, p.Namespace, p.Name)
			put(l, &l.inv.Poolers, objectKey{h.Kind, p.Namespace, p.Name}, p)
		}
		return err
	case "admissionregistration.k8s.io/MutatingWebhookConfiguration":
		return l.webhook(raw)
	}
	if decode.WorkloadKind(h.APIVersion, h.Kind) {
		return l.workload(h.Kind, raw)
	}
	return nil
}

// known takes a database that is not rendered: it is there, under whatever name, and its posture is unknown.
func (l *loader) known(h header, raw []byte, at place) {
	if !databaseKind(h) {
		return
	}
	switch h.Kind {
	case "Cluster":
		if c, err := decode.Cluster(raw, l.namespace); err == nil {
			l.placed(c, at.from)
			put(l, &l.inv.Clusters, objectKey{h.Kind, c.Namespace, c.Name}, c)
		}
	case "Pooler":
		if p, err := decode.Pooler(raw, l.namespace); err == nil {
			put(l, &l.inv.Poolers, objectKey{h.Kind, p.Namespace, p.Name}, p)
		}
	}
}

// placed notes where a Cluster stands.
func (l *loader) placed(c *cnpgv1.Cluster, at inventory.Source) {
	if l.inv.Sources == nil {
		l.inv.Sources = map[types.NamespacedName]inventory.Source{}
	}
	l.inv.Sources[types.NamespacedName{Namespace: c.Namespace, Name: c.Name}] = at
}

// taken notes a Cluster or Pooler that the API server would refuse, or may. It is judged all the same, as what it was meant to be, and its posture
// is unknown: what is there instead can't be told.
func (l *loader) taken(h header, raw []byte, source, namespace, name string) {
	refused, unchecked := l.decoder.Problems(h.APIVersion, h.Kind, raw)
	switch {
	case refused != "":
		l.failIn(namespace, source, fmt.Errorf("the API server refuses %s %s/%s: %s", h.Kind, namespace, name, refused))
	case unchecked != "":
		l.failIn(namespace, source, fmt.Errorf("whether the API server takes %s %s/%s was not checked: %s", h.Kind, namespace, name, unchecked))
	}
}

func (l *loader) pod(raw []byte) error {
	p, err := decode.Pod(raw, l.namespace)
	if err != nil || inventory.Terminated(p.Phase) {
		return err
	}
	put(l, &l.inv.Pods, objectKey{"Pod", p.Namespace, p.Name}, p)
	l.tellSpec("Pod", raw)
	return nil
}

func (l *loader) endpoint(raw []byte) error {
	name, e, err := decode.Endpoint(raw, l.namespace)
	if err != nil {
		return err
	}
	if l.inv.Endpoints == nil {
		l.inv.Endpoints = map[types.NamespacedName]inventory.Endpoint{}
	}
	l.inv.Endpoints[name] = e
	return nil
}

// core takes the kinds of which only metadata or data matter.
func (l *loader) core(kind string, raw []byte) error {
	var object struct {
		Metadata decode.Meta       `json:"metadata"`
		Data     map[string]string `json:"data"`
	}
	err := kjson.UnmarshalCaseSensitivePreserveInts(raw, &object)
	m := object.Metadata
	if kind == "ConfigMap" && m.Name != inventory.CiliumConfigName {
		// Anybody's ConfigMap: not worth a complaint.
		return nil
	}
	if err != nil {
		return err
	}
	if m.Namespace == "" {
		m.Namespace = l.namespace
	}
	switch kind {
	case "Namespace":
		if m.Name == "" {
			return fmt.Errorf("metadata.name is missing")
		}
		put(l, &l.inv.Namespaces, objectKey{kind, "", m.Name}, inventory.Namespace{Name: m.Name, Labels: m.Labels})
	case "ConfigMap":
		put(l, &l.configs, objectKey{kind, m.Namespace, m.Name}, config{m.Namespace, object.Data})
	}
	return nil
}

func (l *loader) workload(kind string, raw []byte) error {
	w, err := decode.DecodeWorkload(kind, raw, l.namespace)
	if err != nil {
		return err
	}
	if kind == "Job" && w.Metadata.Labels[timer.LabelPurpose] != "" {
		return l.timer(raw)
	}
	if kind == "DaemonSet" && w.Metadata.Labels["k8s-app"] == "cilium" {
		l.agents = append(l.agents, agent{w.Metadata.Namespace, inventory.AgentVersionOf(w.Template().Spec.Image(inventory.AgentContainer))})
	}
	if kind == "Deployment" {
		t := w.Template()
		if o, ok := inventory.OperatorFromDeployment(w.Metadata.Namespace, w.Metadata.Name,
			w.Metadata.Labels, t.Metadata.Labels, t.Spec.ServiceAccount(), t.Spec.Images()...); ok {
			put(l, &l.operators, objectKey{"operator", o.Namespace, o.Deployment}, o)
		}
	}
	put(l, &l.workloads, objectKey{kind, w.Metadata.Namespace, w.Metadata.Name}, w)
	l.tellSpec(kind, raw)
	return nil
}

func (l *loader) tellSpec(kind string, raw []byte) {
	if l.spec != nil {
		l.spec(kind, raw, l.namespace)
	}
}

// timer takes a Job that policies end with. It never has a pod.
func (l *loader) timer(raw []byte) error {
	var job batchv1.Job
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, &job); err != nil {
		return err
	}
	if job.Namespace == "" {
		job.Namespace = l.namespace
	}
	put(l, &l.inv.Timers, objectKey{"timer", job.Namespace, job.Name}, timer.Read(&job))
	return nil
}

func (l *loader) webhook(raw []byte) error {
	var object struct {
		Metadata decode.Meta `json:"metadata"`
		Webhooks []struct {
			Name         string `json:"name"`
			ClientConfig struct {
				Service *struct {
					Namespace string `json:"namespace"`
					Name      string `json:"name"`
				} `json:"service"`
			} `json:"clientConfig"`
		} `json:"webhooks"`
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, &object); err != nil {
		return err
	}
	var names []string
	for _, w := range object.Webhooks {
		names = append(names, w.Name)
	}
	if !inventory.IsOperatorWebhook(object.Metadata.Name, names) {
		return nil
	}
	for _, w := range object.Webhooks {
		if s := w.ClientConfig.Service; s != nil && s.Namespace != "" {
			l.webhooks = append(l.webhooks, service{s.Namespace, s.Name})
		}
	}
	return nil
}

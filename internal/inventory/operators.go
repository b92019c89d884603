package inventory

import (
	"maps"
	"strings"
)

// OperatorLabel and OperatorLabelValue mark the operator's Deployment and its pods, however it was
// installed, unless Helm's nameOverride is used.
const (
	OperatorLabel      = "app.kubernetes.io/name"
	OperatorLabelValue = "cloudnative-pg"
	// olmLabelPrefix is followed by the namespace that OLM installed the operator into.
	olmLabelPrefix = "operators.coreos.com/cloudnative-pg."
	webhookName    = "cnpg-mutating-webhook-configuration"
	webhookSuffix  = ".cnpg.io"
)

// OperatorFromDeployment is the operator that a Deployment runs; false when neither its labels nor the images
// of its containers are the operator's.
func OperatorFromDeployment(
	namespace, name string, labels, podLabels map[string]string, serviceAccount string, images ...string,
) (Operator, bool) {
	foundBy := ""
	if labels[OperatorLabel] == OperatorLabelValue {
		foundBy = "label " + OperatorLabel + "=" + OperatorLabelValue
	} else {
		for key := range labels {
			if strings.HasPrefix(key, olmLabelPrefix) {
				foundBy = "label " + key
			}
		}
	}
	own := ""
	for _, image := range images {
		if own == "" && isOperatorImage(image) {
			own = image
		}
	}
	if foundBy == "" && own != "" {
		foundBy = "image " + own
	}
	if foundBy == "" {
		return Operator{}, false
	}
	return Operator{
		Namespace: namespace, Deployment: name, PodLabels: podLabels,
		ServiceAccount: serviceAccount, Image: own, FoundBy: foundBy,
	}, true
}

// isOperatorImage knows the operator's images, wherever they are mirrored: the releases, and what is built of
// branches.
func isOperatorImage(image string) bool {
	image, _, _ = strings.Cut(image, "@")
	name := image[strings.LastIndexByte(image, '/')+1:]
	name, _, _ = strings.Cut(name, ":")
	return name == OperatorLabelValue || name == OperatorLabelValue+"-testing"
}

// OperatorsFromPods are the operators whose pods run, by the label of the pods: the fallback when
// Deployments cannot be read.
func OperatorsFromPods(pods []Pod) []Operator {
	var found []Operator
	for _, p := range pods {
		if p.Labels[OperatorLabel] == OperatorLabelValue {
			found = append(found, operatorFromPod(p, "pods with label "+OperatorLabel+"="+OperatorLabelValue))
		}
	}
	return UniqueOperators(found)
}

// OperatorsFromService are the operators behind a Service, named by the operator's webhook
// configuration: the pods that the selector matches or, when there are none or the selector could
// not be read (nil), the bare namespace.
func OperatorsFromService(namespace string, selector map[string]string, pods []Pod) []Operator {
	const foundBy = "webhook configuration " + webhookName
	var found []Operator
	for _, p := range pods {
		if len(selector) > 0 && p.Namespace == namespace && contains(p.Labels, selector) {
			found = append(found, operatorFromPod(p, foundBy))
		}
	}
	if len(found) == 0 {
		found = []Operator{{Namespace: namespace, FoundBy: foundBy}}
	}
	return UniqueOperators(found)
}

// IsOperatorWebhook says whether a MutatingWebhookConfiguration is the operator's, by its own name
// (manifest and Helm) or the names of its webhooks (OLM makes up the name).
func IsOperatorWebhook(name string, webhooks []string) bool {
	if strings.HasSuffix(name, webhookName) {
		return true
	}
	for _, w := range webhooks {
		if strings.HasSuffix(w, webhookSuffix) {
			return true
		}
	}
	return false
}

// UniqueOperators drops repetitions of a Deployment, and bare namespaces of which a Deployment is
// known. The first one found stays.
func UniqueOperators(operators []Operator) []Operator {
	type key struct{ namespace, deployment string }
	seen, namespaces := map[key]bool{}, map[string]bool{}
	for _, o := range operators {
		namespaces[o.Namespace] = namespaces[o.Namespace] || o.Deployment != ""
	}
	var unique []Operator
	for _, o := range operators {
		k := key{o.Namespace, o.Deployment}
		if seen[k] || o.Deployment == "" && namespaces[o.Namespace] {
			continue
		}
		seen[k] = true
		unique = append(unique, o)
	}
	return unique
}

// SelectOperators narrows the operators to a namespace that the user named. When none was found
// there, the user's word counts: the operator is there, its labels are unknown. An empty
// namespace selects all.
func SelectOperators(operators []Operator, namespace string) []Operator {
	if namespace == "" {
		return operators
	}
	var selected []Operator
	for _, o := range operators {
		if o.Namespace == namespace {
			selected = append(selected, o)
		}
	}
	if len(selected) == 0 {
		selected = []Operator{{Namespace: namespace, FoundBy: "--operator-namespace"}}
	}
	return selected
}

func operatorFromPod(p Pod, foundBy string) Operator {
	labels := maps.Clone(p.Labels)
	delete(labels, "pod-template-hash")
	o := Operator{Namespace: p.Namespace, PodLabels: labels, ServiceAccount: p.ServiceAccount, FoundBy: foundBy}
	if p.Workload.Kind == "deployment" {
		o.Deployment = p.Workload.Name
	}
	return o
}

func contains(labels, wanted map[string]string) bool {
	for k, v := range wanted {
		if got, ok := labels[k]; !ok || got != v {
			return false
		}
	}
	return true
}

package propose

import (
	"slices"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// distinguishing is the selector that lets in the source and the fewest others of a namespace, or
// of any: of those the one with the fewest labels, and of those the one by which people tell
// applications apart. False when the source's pods have no label in common.
func distinguishing(q *explain.Question, namespace string) (policyset.Selector, bool) {
	labels := commonLabels(q)
	if len(labels) == 0 {
		return policyset.Selector{}, false
	}
	var rivals []rival
	for _, p := range q.Model.Peers() {
		if namespace != "" && p.Identity.Namespace() != namespace {
			continue
		}
		others := len(slices.DeleteFunc(q.Model.Strangers(q.Cluster, p), func(pod int) bool { return isSource(q, pod) }))
		if others > 0 && !letIn(q, p.Identity, q.Goals) {
			rivals = append(rivals, rival{podLabels(p.Identity), others})
		}
	}
	fewest := matching(rivals, labels)
	chosen := labels
	const most = 3
	for size := 1; size <= min(most, len(labels)); size++ {
		if found := choose(labels, size, func(some []string) bool { return matching(rivals, some) == fewest }); found != nil {
			chosen = found
			break
		}
	}
	s, err := policyset.ParseSelector(strings.Join(chosen, ","))
	return s, err == nil
}

// letIn tells whether the q.Goals let the identity in already.
func letIn(q *explain.Question, id *engine.Identity, targets []explain.Goal) bool {
	return !slices.ContainsFunc(targets, func(t explain.Goal) bool {
		return q.Model.Engine().Decide(id, t.Identity, t.Port).Ingress.Verdict != v1alpha1.VerdictAllowed
	})
}

// rival is an identity that should not be let in, and the number of its pods.
type rival struct {
	labels []string
	pods   int
}

// matching counts the pods that have all of the labels.
func matching(rivals []rival, labels []string) int {
	total := 0
	for _, r := range rivals {
		if !slices.ContainsFunc(labels, func(l string) bool { return !slices.Contains(r.labels, l) }) {
			total += r.pods
		}
	}
	return total
}

// choose is the first combination of so many of the labels that is good; nil when none is.
func choose(labels []string, size int, good func([]string) bool) []string {
	var some []string
	var extend func(from int) bool
	extend = func(from int) bool {
		if len(some) == size {
			return good(some)
		}
		for i := from; i < len(labels); i++ {
			some = append(some, labels[i])
			if extend(i + 1) {
				return true
			}
			some = some[:len(some)-1]
		}
		return false
	}
	if extend(0) {
		return some
	}
	return nil
}

// commonLabels are the labels that all of the source's pods have, those first by which databases,
// and then people, tell applications apart. Labels that change with every rollout or differ between replicas are left out.
func commonLabels(q *explain.Question) []string {
	var common []string
	for i, o := range q.Origins {
		mine := podLabels(o.Identity)
		if i == 0 {
			common = mine
			continue
		}
		common = slices.DeleteFunc(common, func(l string) bool { return !slices.Contains(mine, l) })
	}
	common = slices.DeleteFunc(common, isPassing)
	preferred := []string{cnpg.ClusterLabel, "app.kubernetes.io/name", "app", "role"}
	rank := func(l string) int {
		key, _, _ := strings.Cut(l, "=")
		if at := slices.Index(preferred, key); at >= 0 {
			return at
		}
		return len(preferred)
	}
	slices.SortStableFunc(common, func(a, b string) int { return rank(a) - rank(b) })
	return common
}

// isPassing tells whether a label, as key=value, is one that changes with a rollout or differs between replicas.
func isPassing(label string) bool {
	key, _, _ := strings.Cut(label, "=")
	return slices.Contains([]string{
		"pod-template-hash", "controller-revision-hash", "pod-template-generation", "statefulset.kubernetes.io/pod-name",
		"apps.kubernetes.io/pod-index", "controller-uid", "batch.kubernetes.io/controller-uid", "app.kubernetes.io/version", "helm.sh/chart",
	}, key)
}

// podLabels are the labels of a pod that its identity has, as key=value, in order. Those that Cilium
// adds by itself are no labels of the pod.
func podLabels(id *engine.Identity) []string {
	var out []string
	for _, l := range id.Labels() {
		text, ok := strings.CutPrefix(l, "k8s:")
		if !ok || strings.HasPrefix(text, "io.kubernetes.") || strings.HasPrefix(text, "io.cilium.k8s.") {
			continue
		}
		out = append(out, text)
	}
	slices.Sort(out)
	return out
}

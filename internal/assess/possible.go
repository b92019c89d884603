package assess

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// addPossible adds those who would get in and are not in the inventory. What they may open is for the policies
// of their own cluster to say, where it is another one.
func addPossible(m *model.Model, c *model.Cluster, e *v1alpha1.Exposure, t model.Target) {
	type asked struct{ cluster, namespace, labels string }
	known := map[asked]bool{}
	for _, index := range m.Engine().PoliciesFor(c.Object.Namespace) {
		if more := m.MorePossible(index); more > 0 && slices.ContainsFunc(t.Identities, func(to *engine.Identity) bool {
			return m.Engine().Selects(m.Engine().Policies()[index].PolicyReference, to)
		}) {
			e.MorePossible += more
		}
		for _, p := range m.Possible(index) {
			if p.Identity == nil {
				continue
			}
			var policies []v1alpha1.PolicyReference
			for _, to := range t.Identities {
				if reach := m.Engine().Reach(to, t.Port); reach.Uniform && reach.Others == v1alpha1.VerdictDenied && !slices.Contains(reach.Listed, m.Engine().AsPeer(p.Identity)) {
					continue // Policies for all namespaces have very many who may be there, and most are nobody here.
				}
				d := m.Engine().Decide(p.Identity, to, t.Port)
				if p.Remote {
					d = engine.Join(d.Ingress, engine.AllowedBecause("its own cluster's policies are not known here"))
				}
				if d.Verdict == v1alpha1.VerdictAllowed && len(d.Ingress.Rules) > 0 {
					policies = append(policies, d.Policies()...)
				}
			}
			one := v1alpha1.PossibleClient{Cluster: p.Cluster, Namespace: p.Namespace, Labels: p.Text, Policies: engine.Unique(policies)}
			key := asked{one.Cluster, one.Namespace, one.Labels}
			if len(policies) > 0 && !known[key] {
				known[key] = true
				e.Possible = append(e.Possible, one)
			}
		}
	}
	slices.SortFunc(e.Possible, func(a, b v1alpha1.PossibleClient) int {
		return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Labels, b.Labels))
	})
}

// nobodyFindings are about selectors of the policies at the cluster's pods that nobody can match: agents leave
// the label out of identities, or what the selector asks for contradicts itself.
func nobodyFindings(m *model.Model, c *model.Cluster, r *v1alpha1.IsolationReport) []v1alpha1.Finding {
	var out []v1alpha1.Finding
	for _, index := range m.Engine().PoliciesFor(c.Object.Namespace) {
		ref := m.Engine().Policies()[index].PolicyReference
		if len(m.Possible(index)) == 0 {
			continue
		}
		if !slices.ContainsFunc(r.Policies, func(p v1alpha1.PolicyReport) bool { return p.PolicyReference == ref && len(p.SelectedPods) > 0 }) {
			continue
		}
		for _, p := range m.Possible(index) {
			if p.Identity != nil {
				continue
			}
			why, remedy := "no pod can be all of this", "Correct the selector."
			if p.Lacking != "" {
				why = fmt.Sprintf("agents leave the label %s out of identities (Cilium's option labels)", p.Lacking)
				remedy = instead(p.Lacking)
			}
			out = append(out, at(finding(v1alpha1.SelectorMatchesNobody, v1alpha1.SeverityInfo,
				fmt.Sprintf("a selector in %s of %s can match nobody (%s): %s", p.Path, ref, p.Text, why), command.Words(remedy)), fieldOf(ref, p.Path)))
		}
	}
	return out
}

// instead says what to write for a label that no identity has: most are misspelt names of Cilium's own.
func instead(key string) string {
	const ofNamespace, own = "namespace.labels.", "io.cilium.k8s.namespace.labels."
	if _, label, ok := strings.Cut(key, ofNamespace); ok {
		return fmt.Sprintf("For a label of the namespace, write %s%s.", own, label)
	}
	if strings.Contains(key, "pod.namespace") {
		return "For the namespace, write io.kubernetes.pod.namespace."
	}
	return "Select by another label, or let Cilium's option labels include this one."
}

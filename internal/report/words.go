package report

import (
	"fmt"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// count is a number and its noun: "1 pod", "2 policies".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, ok := strings.CutSuffix(noun, "y"); ok {
		return fmt.Sprintf("%d %sies", n, stem)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// series joins words as a sentence does: "a, b and c".
func series(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// clusterName is namespace/name, with the context in front when there are several.
func clusterName(m v1alpha1.Metadata) string {
	name := m.Namespace + "/" + m.Name
	if m.Context != "" {
		return m.Context + ": " + name
	}
	return name
}

// meaning says what a posture means, in the words of the contract.
func meaning(posture v1alpha1.Posture) string {
	switch posture {
	case v1alpha1.PostureLocked:
		return "only the clients below can connect; all that the cluster needs is allowed."
	case v1alpha1.PosturePartial:
		return "some pods or ports are open, or the policy set is incomplete or has drifted."
	case v1alpha1.PostureOpen:
		return "no policy restricts who can connect to the pods of this cluster."
	case v1alpha1.PostureBroken:
		return "a policy blocks a connection that the cluster needs."
	case v1alpha1.PostureUnknown:
		return "evidence is missing; do not take this cluster for safe."
	default:
		return ""
	}
}

func (p *page) posture(posture v1alpha1.Posture) style {
	switch posture {
	case v1alpha1.PostureLocked:
		return p.colors.Good
	case v1alpha1.PostureOpen:
		return p.colors.Bad
	case v1alpha1.PostureBroken:
		return p.colors.Alarm
	default:
		return p.colors.Warn
	}
}

// verdict is capital where somebody has to act.
func (p *page) verdict(verdict v1alpha1.Verdict, advisory bool) cell {
	switch {
	case verdict == v1alpha1.VerdictAllowed:
		return painted("allowed", p.colors.Good)
	case verdict == v1alpha1.VerdictDenied && advisory:
		return painted("denied (advisory)", p.colors.Warn)
	case verdict == v1alpha1.VerdictDenied:
		return painted("DENIED", p.colors.Alarm)
	default:
		return painted(string(verdict), p.colors.Warn)
	}
}

// effect names what a policy does to one direction.
func effect(e v1alpha1.Effect) string {
	switch e {
	case v1alpha1.EffectNone, "":
		return "-"
	case v1alpha1.EffectDefaultDeny:
		return "default deny"
	case v1alpha1.EffectRulesOnly:
		return "rules only"
	default:
		return string(e)
	}
}

// shortKind is the short name that kubectl takes. Only ClusterNetworkPolicy's is our own: it calls
// itself cnp, as CiliumNetworkPolicy does.
func shortKind(kind v1alpha1.PolicyKind) string {
	switch kind {
	case v1alpha1.CiliumNetworkPolicy:
		return "cnp"
	case v1alpha1.CiliumClusterwideNetworkPolicy:
		return "ccnp"
	case v1alpha1.NetworkPolicy:
		return "netpol"
	case v1alpha1.ClusterNetworkPolicy:
		return "clusternetpol"
	default:
		return string(kind)
	}
}

// policyNames are short references, or full ones in wide.
func (p *page) policyNames(references []v1alpha1.PolicyReference) []string {
	names := make([]string, 0, len(references))
	for _, r := range references {
		if p.wide {
			names = append(names, r.String())
		} else {
			names = append(names, shortKind(r.Kind)+"/"+r.Name)
		}
	}
	return names
}

// entity explains the name of a source that is no pod.
func entity(name string) string {
	switch name {
	case "world":
		return "world (anybody outside the Kubernetes cluster)"
	case "host":
		return "host (the node that the pod runs on)"
	case "remote-node":
		return "remote-node (the other nodes)"
	case "kube-apiserver":
		return "kube-apiserver (the API server)"
	default:
		if prefix, ok := strings.CutPrefix(name, "cidr:"); ok {
			return prefix + " (addresses outside the Kubernetes cluster)"
		}
		return name
	}
}

// workload is a client with the number of its pods, when it is not one.
func workload(c v1alpha1.Client) string {
	if c.Pods > 1 {
		return fmt.Sprintf("%s ×%d", c.Workload, c.Pods)
	}
	return c.Workload
}

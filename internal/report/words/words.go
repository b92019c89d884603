// Package words are the phrases that tables, details and pictures share, so that each of them calls the
// same thing alike: postures, effects, policies, clients, and how often there is something. It takes
// values of v1alpha1 and returns text that is not yet safe to print: whoever prints it escapes it. It
// never lays anything out.
package words

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// Count is a number and its noun: "1 pod", "2 policies".
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, ok := strings.CutSuffix(noun, "y"); ok {
		return fmt.Sprintf("%d %sies", n, stem)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Series joins words as a sentence does: "a, b and c".
func Series(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// ClusterName is namespace/name, with the context in front when there are several, and in words for an operator.
func ClusterName(m v1alpha1.Metadata) string {
	name := m.Namespace + "/" + m.Name
	if m.Name == v1alpha1.OperatorSubject {
		name = "the operator in " + m.Namespace
	}
	if m.Context != "" {
		return m.Context + ": " + name
	}
	return name
}

// Meaning says what a posture means, in the words of the contract.
func Meaning(posture v1alpha1.Posture) string {
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

// Effect names what a policy does to one direction.
func Effect(e v1alpha1.Effect) string {
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

// ShortKind is the short name that kubectl takes. Only ClusterNetworkPolicy's is our own: it calls
// itself cnp, as CiliumNetworkPolicy does.
func ShortKind(kind v1alpha1.PolicyKind) string {
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

// ShortReference is a policy as kubectl takes it: "cnp/default-deny".
func ShortReference(r v1alpha1.PolicyReference) string { return ShortKind(r.Kind) + "/" + r.Name }

// Entity explains the name of a source that is no pod.
func Entity(entity v1alpha1.Entity) string {
	switch entity {
	case v1alpha1.EntityWorld:
		return "world (anybody outside the Kubernetes cluster)"
	case v1alpha1.EntityHost:
		return "host (the node that the pod runs on)"
	case v1alpha1.EntityRemoteNode:
		return "remote-node (the other nodes)"
	case v1alpha1.EntityKubeAPIServer:
		return "kube-apiserver (the API server)"
	case "ingress":
		return "ingress (the proxy behind Ingresses and Gateways)"
	case "unmanaged":
		return "unmanaged (pods that Cilium does not manage)"
	case "init":
		return "init (pods that have no identity yet)"
	case "health":
		return "health (Cilium's health checks)"
	default:
		if addresses, ok := entity.Addresses(); ok {
			return addresses + " (addresses outside the Kubernetes cluster)"
		}
		return string(entity)
	}
}

// Workload is a client with the number of its pods, when it is not one.
func Workload(c v1alpha1.Client) string {
	if c.Pods > 1 {
		return fmt.Sprintf("%s ×%d", c.Workload, c.Pods)
	}
	return c.Workload
}

// Between is the source of a flow, with the target where it is not the instances.
func Between(from, to string) string {
	if to == "" {
		return from
	}
	return from + " → " + to
}

// Port is the number of a port, "-" where it is not known.
func Port(number uint16) string {
	if number == 0 {
		return "-"
	}
	return strconv.Itoa(int(number))
}

// Identities counts Cilium identities.
func Identities(n int) string { return Count(n, "identity") }

// firstPolicies is how many of many names are shown.
const firstPolicies = 3

// Some are the first of many names, and the number of the others.
func Some(names []string) []string {
	if len(names) <= firstPolicies+1 {
		return names
	}
	return append(names[:firstPolicies:firstPolicies], fmt.Sprintf("and %d more", len(names)-firstPolicies))
}

// Enforcement says what holds for connections to a pod.
func Enforcement(pod v1alpha1.PodReport) string { return direction(pod, pod.IngressDefaultDeny) }

// Egress says what holds for connections that a pod opens.
func Egress(pod v1alpha1.PodReport) string { return direction(pod, pod.EgressDefaultDeny) }

func direction(pod v1alpha1.PodReport, defaultDeny bool) string {
	switch {
	case !pod.Enforced:
		return "not enforced"
	case defaultDeny:
		return "default deny"
	default:
		return "open"
	}
}

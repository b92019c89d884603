package engine

import (
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// Decision is the engine's answer for one connection.
type Decision struct {
	// Verdict is allowed when both directions are; denied when one of them is; else unknown.
	Verdict v1alpha1.Verdict
	// Ingress is decided at the target, Egress at the source.
	Ingress, Egress Direction
}

// Direction is the answer of one of the two ends.
type Direction struct {
	Verdict v1alpha1.Verdict
	// Rules decided: those that allow, or those that deny. Empty when nothing selects the pod and
	// everything is allowed, and when nothing allows and default deny holds.
	Rules []Rule
	// DefaultDeny are the policies that bring default deny; set when no rule decided a denial.
	DefaultDeny []v1alpha1.PolicyReference
	// Builtin names what decided when it was no policy: "no policy selects the pod", "the local
	// host is always allowed".
	Builtin string
	// L7 is true when the connection passes a proxy that applies further rules.
	L7 bool
	// Authentication is true when mutual authentication is required.
	Authentication bool
	// Reason says why the verdict is unknown.
	Reason string
}

// AllowedBecause is the answer of an end at which no policy has a say.
func AllowedBecause(reason string) Direction {
	return Direction{Verdict: v1alpha1.VerdictAllowed, Builtin: reason}
}

// UnknownBecause is the answer of an end about which evidence is missing.
func UnknownBecause(reason string) Direction {
	return Direction{Verdict: v1alpha1.VerdictUnknown, Reason: reason}
}

// Rule is a place in a policy.
type Rule struct {
	v1alpha1.PolicyReference
	// Path is the position in the object: "spec.ingress[0]", "specs[1].egressDeny[0]".
	Path string
}

// Policies are the policies that decided, each once, in order: those of the denying end, or of
// both ends when the connection is allowed.
func (d Decision) Policies() []v1alpha1.PolicyReference {
	var refs []v1alpha1.PolicyReference
	for _, end := range []Direction{d.Ingress, d.Egress} {
		if end.Verdict != d.Verdict {
			continue
		}
		for _, r := range end.Rules {
			refs = append(refs, r.PolicyReference)
		}
		refs = append(refs, end.DefaultDeny...)
	}
	return Unique(refs)
}

// Join is the decision about a connection of which the answers of both ends are known.
func Join(ingress, egress Direction) Decision {
	return Decision{Ingress: ingress, Egress: egress}.withVerdict()
}

func (d Decision) withVerdict() Decision {
	switch {
	case d.Ingress.Verdict == v1alpha1.VerdictDenied || d.Egress.Verdict == v1alpha1.VerdictDenied:
		d.Verdict = v1alpha1.VerdictDenied
	case d.Ingress.Verdict == v1alpha1.VerdictUnknown || d.Egress.Verdict == v1alpha1.VerdictUnknown:
		d.Verdict = v1alpha1.VerdictUnknown
	default:
		d.Verdict = v1alpha1.VerdictAllowed
	}
	return d
}

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
)

// Rehearsal is a lockdown that is there without its default deny: it cuts off nobody, and Cilium reports of every new
// connection whether one of its policies lets it in.
type Rehearsal struct {
	// Since is when it began, by the server's clock.
	Since metav1.Time `json:"since"`
	// Lockdown is the command that ends it, with the flags that it began with.
	Lockdown command.Line `json:"lockdown"`
}

// ObservedRehearsal is a rehearsal with those who use the cluster and whom the lockdown would cut off.
type ObservedRehearsal struct {
	Rehearsal `json:",inline"`
	// CutOff are those who use the cluster, or refer to it, and can connect now and not with the lockdown. Their
	// verdicts are those with the lockdown. That nobody is among them is no proof: see the evidence.
	CutOff []ObservedClient `json:"cutOff"`
	// Loses are what the cluster's pods were seen to connect to and can't with the lockdown, or of which that is not known.
	Loses []ObservedReach `json:"loses,omitempty"`
}

package change

import (
	"errors"
	"fmt"
	"slices"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// RecordKind is the kind of a Record where it is stored.
const RecordKind = "ChangeRecord"

// MaxRecord is how many bytes a Record may have. A ConfigMap has room for a mebibyte, and holds those of all clusters of
// a namespace.
const MaxRecord = 128 << 10

// RecordState says how far a change has come.
type RecordState string

const (
	// RecordBegun: the steps were about to be made, and some of them may not have been.
	RecordBegun RecordState = "begun"
	// RecordDone: all of them were made.
	RecordDone RecordState = "done"
)

// Record is what the last change of a cluster's set did, as it is stored on the server, for whoever undoes it. It is
// written before the change, so that one that was interrupted can be undone, too. Fields are only added.
type Record struct {
	metav1.TypeMeta `json:",inline"`
	// Verb is the command: "lockdown", "unlock", "lockdown --undo".
	Verb string `json:"verb"`
	// Flags are those that say what was wanted, one argument each.
	Flags []string `json:"flags,omitempty"`
	// By is the user as the server knew them, and At the time by the server's clock; empty when it did not tell.
	By    string       `json:"by,omitempty"`
	At    *metav1.Time `json:"at,omitempty"`
	State RecordState  `json:"state"`
	// Steps are those that change something, in order, with the policies as somebody would apply them.
	Steps []Step `json:"steps"`
}

// Of is the record with the steps of a plan that change something for the cluster.
func (r Record) Of(plan Plan, cluster types.NamespacedName) Record {
	r.APIVersion, r.Kind, r.State, r.Steps = v1alpha1.APIVersion, RecordKind, RecordBegun, []Step{}
	for _, s := range plan.For(cluster) {
		if s.Action == v1alpha1.PolicyUnchanged {
			continue
		}
		if s.Before != nil {
			s.Before = policyset.WithoutServerFields(s.Before)
		}
		if s.After != nil {
			s.After = policyset.WithoutServerFields(s.After)
		}
		r.Steps = append(r.Steps, s)
	}
	return r
}

// Completing is the record of a change that comes after a former one. Where that was interrupted, as the policies that
// were there before this change tell, it is a part of this one: undoing leads to what was there before both.
func (r Record) Completing(former Record, policies []inventory.Policy) Record {
	if former.State != RecordBegun || former.Stands(policies) {
		return r
	}
	var steps []Step
	for _, s := range former.Steps {
		if !slices.ContainsFunc(r.Steps, func(now Step) bool { return now.Policy == s.Policy }) {
			steps = append(steps, s)
		}
	}
	for _, s := range r.Steps {
		i := slices.IndexFunc(former.Steps, func(f Step) bool { return f.Policy == s.Policy })
		if i >= 0 {
			s.Before, s.Takeover = former.Steps[i].Before, s.Takeover || former.Steps[i].Takeover
		}
		if s.Before != nil || s.After != nil {
			s.Action = actionOf(s.Before, s.After)
			steps = append(steps, s)
		}
	}
	r.Steps = steps
	return r
}

// Reversed is a record of the way back, all of whose states are the other way round.
func (r Record) Reversed() Record {
	steps := slices.Clone(r.Steps)
	slices.Reverse(steps)
	for i, s := range steps {
		steps[i] = s.Reverse()
	}
	r.Steps = steps
	return r
}

// Stands tells whether everything that the change was to do is there.
func (r Record) Stands(policies []inventory.Policy) bool {
	live := index(policies)
	return !slices.ContainsFunc(r.Steps, func(s Step) bool {
		return !sameContent(live[types.NamespacedName{Namespace: s.Policy.Namespace, Name: s.Policy.Name}], s.After)
	})
}

// actionOf is what leads from one state of a policy to another.
func actionOf(before, after *ciliumv2.CiliumNetworkPolicy) v1alpha1.PolicyAction {
	switch {
	case before == nil:
		return v1alpha1.PolicyCreate
	case after == nil:
		return v1alpha1.PolicyDelete
	}
	return v1alpha1.PolicyUpdate
}

// sameContent tells whether a live policy is what somebody once left, but for the timer that it ends with.
func sameContent(live, left *ciliumv2.CiliumNetworkPolicy) bool {
	if live == nil || left == nil {
		return live == nil && left == nil
	}
	return len(policyset.Differences(policyset.ForGood(live), policyset.ForGood(left))) == 0
}

// Text is the record as it is stored. The error says that it is too long.
func (r Record) Text() (string, error) {
	text, err := yaml.Marshal(r)
	if err != nil {
		return "", err
	}
	if len(text) > MaxRecord {
		return "", fmt.Errorf("it has %d bytes, and %d is the most", len(text), MaxRecord)
	}
	return string(text), nil
}

// ReadRecord reads what Text has written.
func ReadRecord(text string) (Record, error) {
	var r Record
	if len(text) > MaxRecord {
		return r, fmt.Errorf("it has %d bytes, and %d is the most", len(text), MaxRecord)
	}
	if err := yaml.Unmarshal([]byte(text), &r); err != nil {
		return Record{}, err
	}
	if r.Kind != RecordKind || r.APIVersion != v1alpha1.APIVersion {
		return Record{}, fmt.Errorf("it is a %q of %q, and no %s of %s", r.Kind, r.APIVersion, RecordKind, v1alpha1.APIVersion)
	}
	var errs []error
	for i, s := range r.Steps {
		if err := s.check(); err != nil {
			errs = append(errs, fmt.Errorf("steps[%d]: %w", i, err))
		}
	}
	return r, errors.Join(errs...)
}

// check finds what no step can have: the states are those of the policy that is named.
func (s Step) check() error {
	if s.Policy.Kind != v1alpha1.CiliumNetworkPolicy || s.Policy.Name == "" || s.Policy.Namespace == "" {
		return fmt.Errorf("%s is no CiliumNetworkPolicy", s.Policy)
	}
	if s.Before == nil && s.After == nil {
		return fmt.Errorf("policy %q is neither there before nor afterwards", s.Policy.Name)
	}
	for _, p := range []*ciliumv2.CiliumNetworkPolicy{s.Before, s.After} {
		if p != nil && (p.Name != s.Policy.Name || p.Namespace != s.Policy.Namespace) {
			return fmt.Errorf("policy %q is called %q in namespace %q", s.Policy.Name, p.Name, p.Namespace)
		}
	}
	return nil
}

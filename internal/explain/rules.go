package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/cilium/pkg/labels"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
)

// explained adds to the engine's answer what the policies say at the places that decided.
func (q *Question) explained(d engine.Direction) v1alpha1.ExplainedDirection {
	out := v1alpha1.ExplainedDirection{
		Verdict: d.Verdict, Rules: []v1alpha1.DecidingRule{}, DefaultDeny: append([]v1alpha1.PolicyReference{}, d.DefaultDeny...),
		Reason: d.Reason, AuthenticationRequired: d.Authentication,
	}
	if out.Reason == "" {
		out.Reason = d.Builtin
	}
	for _, r := range d.Rules {
		out.Rules = append(out.Rules, v1alpha1.DecidingRule{PolicyReference: r.PolicyReference, Path: r.Path, Content: q.Model.ContentAt(r)})
	}
	out.L7 = q.Model.L7(d)
	return out
}

// worldNotes name the parts of the world for which another answer holds.
func (q *Question) worldNotes(e v1alpha1.Explanation) []string {
	if q.Source.form != formEntity || q.Source.entity != labels.IDNameWorld {
		return nil
	}
	origins := map[*engine.Identity]bool{}
	for _, o := range q.Origins {
		origins[o.Identity] = true
	}
	others := map[v1alpha1.Verdict][]string{}
	for _, id := range q.Model.Outside() {
		prefix, isPrefix := id.Entity().Prefix()
		group, isGroup := id.Entity().CIDRGroup()
		if !isPrefix && !isGroup || origins[id] {
			continue
		}
		if isPrefix && q.Source.Prefix.IsValid() && !q.Source.Prefix.Contains(prefix.Addr()) {
			continue // Of the other address family.
		}
		for _, t := range q.Goals {
			if t.Port == 0 {
				continue
			}
			verdict := q.Model.Engine().Decide(id, t.Identity, t.Port).Ingress.Verdict
			if verdict == e.Verdict {
				continue
			}
			what := id.Entity().Short()
			if isGroup {
				what = "CiliumCIDRGroup " + group
			}
			others[verdict] = append(others[verdict], what)
			break
		}
	}
	var notes []string
	for _, verdict := range []v1alpha1.Verdict{v1alpha1.VerdictDenied, v1alpha1.VerdictUnknown, v1alpha1.VerdictAllowed} {
		const most = 5
		parts := others[verdict]
		for _, what := range parts[:min(most, len(parts))] {
			notes = append(notes, fmt.Sprintf("for %s, a part of the world that policies name, the answer is: %s", what, verdict))
		}
		if more := len(parts) - most; more > 0 {
			notes = append(notes, fmt.Sprintf("for %d more parts of the world that policies name, the answer is: %s", more, verdict))
		}
	}
	return notes
}

// policyNotes name the policies that were meant for the target and don't do what they say.
func (q *Question) policyNotes() []string {
	var ids []*engine.Identity
	for _, t := range q.Goals {
		ids = append(ids, t.Identity)
	}
	return q.policyNotesOn(ids)
}

func (q *Question) policyNotesOn(ids []*engine.Identity) []string {
	var notes []string
	for index := range q.Model.Engine().Policies() {
		p, read := &q.Model.Inventory().Policies[index], &q.Model.Engine().Policies()[index]
		meant := slices.ContainsFunc(ids, read.WouldSelect)
		if !meant || !assess.Concerns(q.Model, q.Cluster, read) {
			continue
		}
		if !read.Valid && read.Unreadable == "" {
			notes = append(notes, fmt.Sprintf("Cilium refuses %s and enforces nothing of it: %s", read.PolicyReference, read.Message))
		}
		if len(p.IgnoredFields) > 0 {
			notes = append(notes, fmt.Sprintf("%s has fields that are in no schema and are dropped: %s", read.PolicyReference, strings.Join(p.IgnoredFields, ", ")))
		}
	}
	return notes
}

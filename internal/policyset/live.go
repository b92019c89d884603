package policyset

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"k8s.io/apimachinery/pkg/types"
)

// ErrNotLocked is FromLive's answer when none of the policies is managed for the cluster.
var ErrNotLocked = errors.New("no policy is managed by lockdown for this cluster")

// FromLive returns the options that the cluster was locked with, read from the labels and
// annotations of live policies; of those, the ones that are not managed for the cluster are
// passed over. The rules are not read: they may have been edited, and Differences tells.
// Detected operators are not stored, use For. When some policy's annotations can't be
// understood, the error names each, and the options are those of the others.
func FromLive(cluster types.NamespacedName, live []*ciliumv2.CiliumNetworkPolicy) (Options, error) {
	var values FlagValues
	var problems []error
	o := Options{Cluster: cluster, Scope: ScopeCluster}
	managed, peers, denies := false, false, false
	var rehearsed time.Time
	scopes := map[Role]string{}
	for _, p := range live {
		if p.Namespace != cluster.Namespace || !IsManaged(p.Labels, cluster.Name) || IsGranted(p.Labels) {
			continue
		}
		managed = true
		role := Role(p.Labels[LabelPolicy])
		one := values
		switch role {
		case DefaultDeny:
			denies = true
			for _, user := range Users(p.Labels) {
				if user != cluster.Name {
					o.SharedWith = append(o.SharedWith, user)
				}
			}
		case InternalAccess, OperatorAccess:
			peers = peers || role == InternalAccess
			one.OperatorOnly = one.OperatorOnly || role == OperatorAccess
			if ns := p.Annotations[AnnotationOperatorNamespaces]; ns != "" {
				one.OperatorNamespaces = sortedSet(append(slices.Clone(one.OperatorNamespaces), strings.Split(ns, ",")...))
			}
			if since := p.Annotations[AnnotationRehearsedSince]; since != "" {
				at, err := time.Parse(time.RFC3339, since)
				if err != nil {
					problems = append(problems, fmt.Errorf("policy %q, annotation %s: %q is no time as in 2026-01-02T15:04:05Z", p.Name, AnnotationRehearsedSince, since))
				}
				rehearsed = at
			}
		default:
			if !isClient(role) {
				problems = append(problems, fmt.Errorf("policy %q, label %s: unknown role %q", p.Name, LabelPolicy, role))
				continue
			}
			text, annotation := stored(p.Annotations)
			g, err := parseGrant(text)
			if err != nil {
				problems = append(problems, fmt.Errorf("policy %q, annotation %s: %w", p.Name, annotation, err))
				continue
			}
			// Clip keeps an append from writing into the array of a copy.
			one.Allow = append(slices.Clip(one.Allow), g.Argument())
		}
		one.ThroughPoolers = one.ThroughPoolers || p.Annotations[AnnotationThroughPoolers] == yes
		if scope := p.Annotations[AnnotationScope]; scope != "" {
			scopes[role], one.Scope = scope, scope
		}
		if _, err := Parse(one); err != nil {
			problems = append(problems, fmt.Errorf("policy %q: %w", p.Name, err))
			delete(scopes, role)
			continue
		}
		values = one
	}
	if !managed {
		return Options{}, ErrNotLocked
	}
	// After an interrupted change both can be there, and what lets in more is the safer to restore.
	values.OperatorOnly = values.OperatorOnly && !peers
	for _, role := range []Role{InternalAccess, OperatorAccess, DefaultDeny} {
		if scope, ok := scopes[role]; ok {
			values.Scope = scope
			break
		}
	}
	parsed, err := Parse(values)
	if err != nil {
		problems = append(problems, err)
	}
	parsed.Cluster, parsed.SharedWith = o.Cluster, sortedSet(o.SharedWith)
	if !denies {
		// With default deny it is no rehearsal, whatever an annotation says.
		parsed.RehearsedSince = rehearsed
	}
	return parsed, errors.Join(problems...)
}

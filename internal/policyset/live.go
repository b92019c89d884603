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
// passed over. Each policy says for itself what it is for, and what the whole set was made with: what
// somebody has deleted is among the options, too. The rules are not read: they may have been edited, and Differences tells.
// Detected operators are not stored, use For. When some policy's annotations can't be
// understood, the error names each, and the options are those of the others.
func FromLive(cluster types.NamespacedName, live []*ciliumv2.CiliumNetworkPolicy) (Options, error) {
	var values FlagValues
	var problems []error
	o := Options{Cluster: cluster, Scope: ScopeCluster}
	var rehearsed time.Time
	roles := map[Role]bool{}
	scopes := map[Role]string{}
	records := recordReader{cluster: cluster.Name}
	for _, p := range live {
		if p.Namespace != cluster.Namespace || !IsManaged(p.Labels, cluster.Name) || IsGranted(p.Labels) {
			continue
		}
		role := Role(p.Labels[LabelPolicy])
		roles[role] = true
		if err := records.read(p); err != nil {
			problems = append(problems, err)
		}
		one := values
		switch role {
		case DefaultDeny:
			for _, user := range Users(p.Labels) {
				if user != cluster.Name {
					o.SharedWith = append(o.SharedWith, user)
				}
			}
			o.SharedRecords = SharedRecords(p)
		case InternalAccess, OperatorAccess:
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
		case EgressDefaultDeny:
			one.Egress = true
		case WebhookAccess, PluginAccess:
		default:
			if role == EgressAccess {
				one.Egress = true
				if text, derived := p.Annotations[AnnotationOutlet]; derived {
					out, err := readOutlet(text)
					if err != nil {
						problems = append(problems, fmt.Errorf("policy %q, annotation %s: %w", p.Name, AnnotationOutlet, err))
						continue
					}
					o.Outlets = append(o.Outlets, out)
					break
				}
			}
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
	if len(roles) == 0 {
		return Options{}, ErrNotLocked
	}
	values.Scope = records.scope()
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
	parsed.Cluster, parsed.SharedWith, parsed.SharedRecords = o.Cluster, sortedSet(o.SharedWith), o.SharedRecords
	parsed.Outlets = o.Outlets
	parsed.RehearsedSince = rehearsed
	return parsed.restored(records.sets, roles), errors.Join(problems...)
}

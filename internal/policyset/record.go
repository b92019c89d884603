package policyset

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
)

// AnnotationSet holds what the whole set was made with, on every policy of it: a policy that somebody has
// deleted can be told, and made anew, from any of those that are left. The shared default deny belongs to several
// sets, and holds each under LabelUserPrefix and the cluster's name. Sets that were made before there was this
// annotation are known from what is left of them alone.
const AnnotationSet = "cnpg-netpol/set"

// record is what a set was made with, as it is stored. What is detected anew is not in it.
type record struct {
	Scope              Scope    `json:"scope"`
	OperatorNamespaces []string `json:"operatorNamespaces,omitempty"`
	OperatorOnly       bool     `json:"operatorOnly,omitempty"`
	ThroughPoolers     bool     `json:"throughPoolers,omitempty"`
	Egress             bool     `json:"egress,omitempty"`
	// RehearsedSince is in RFC 3339, in seconds.
	RehearsedSince string `json:"rehearsedSince,omitempty"`
	// IngressInForce: egress alone is rehearsed.
	IngressInForce bool `json:"ingressInForce,omitempty"`
	// Allow are the grants as Grant writes them.
	Allow []string `json:"allow,omitempty"`
}

// Record is what AnnotationSet holds for a set with these options: the same for all options that make the same set.
func Record(o Options) string {
	r := record{Scope: o.scope(), OperatorNamespaces: sortedSet(o.OperatorNamespaces), OperatorOnly: o.OperatorOnly, ThroughPoolers: o.ThroughPoolers, Egress: o.Egress}
	if !o.RehearsedSince.IsZero() {
		r.RehearsedSince, r.IngressInForce = o.RehearsedSince.UTC().Format(time.RFC3339), o.InForce
	}
	for _, g := range o.canonical() {
		r.Allow = append(r.Allow, g.String())
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(r); err != nil {
		return "" // Strings can't fail.
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// readRecord is the inverse of Record. A field that is not known was written by a newer version, and what it asks for
// would be lost.
func readRecord(text string) (Options, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	var r record
	if err := decoder.Decode(&r); err != nil {
		return Options{}, fmt.Errorf("not what this version stores of a set: %w", err)
	}
	if strings.TrimSpace(text[decoder.InputOffset():]) != "" {
		return Options{}, errors.New("not what this version stores of a set: something follows it")
	}
	values := FlagValues{Scope: string(r.Scope), OperatorNamespaces: r.OperatorNamespaces, OperatorOnly: r.OperatorOnly, ThroughPoolers: r.ThroughPoolers, Egress: r.Egress}
	var problems []error
	for _, text := range r.Allow {
		g, err := parseGrant(text)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		values.Allow = append(values.Allow, g.Argument())
	}
	var rehearsed time.Time
	if r.RehearsedSince != "" {
		var err error
		if rehearsed, err = time.Parse(time.RFC3339, r.RehearsedSince); err != nil {
			problems = append(problems, fmt.Errorf("%q is no time as in 2026-01-02T15:04:05Z", r.RehearsedSince))
		}
	}
	o, err := Parse(values)
	if err := errors.Join(append(problems, err)...); err != nil {
		return Options{}, err
	}
	o.RehearsedSince, o.InForce = rehearsed, r.IngressInForce && !rehearsed.IsZero()
	return o, nil
}

// recordReader reads what live policies hold of the cluster's whole set: once, where all hold the same.
type recordReader struct {
	cluster string
	seen    map[string]error
	sets    []Options
}

// read takes what one policy holds; the error names the policy.
func (r *recordReader) read(p *ciliumv2.CiliumNetworkPolicy) error {
	for _, annotation := range []string{AnnotationSet, LabelUserPrefix + r.cluster} {
		text, ok := p.Annotations[annotation]
		if !ok {
			continue
		}
		err, seen := r.seen[text]
		if !seen {
			var set Options
			if set, err = readRecord(text); err == nil {
				r.sets = append(r.sets, set)
			}
			if r.seen == nil {
				r.seen = map[string]error{}
			}
			r.seen[text] = err
		}
		if err != nil {
			return fmt.Errorf("policy %q, annotation %s: %w", p.Name, annotation, err)
		}
	}
	return nil
}

// scope is the reach that the records name; empty when there is none.
func (r *recordReader) scope() string {
	if len(r.sets) == 0 {
		return ""
	}
	return string(r.sets[0].Scope)
}

// SharedRecords are what a live shared default deny holds of each cluster's set, by cluster.
func SharedRecords(live *ciliumv2.CiliumNetworkPolicy) map[string]string {
	out := map[string]string{}
	for _, user := range Users(live.Labels) {
		if text, ok := live.Annotations[LabelUserPrefix+user]; ok {
			out[user] = text
		}
	}
	return out
}

// InEffect are the options of what is in force: those of the whole set, save while egress alone is rehearsed. What lets in and
// denies ingress says nothing of that, so that it is as before when the rehearsal is over, however it ends.
func (o Options) InEffect() Options {
	if o.RehearsedSince.IsZero() || !o.InForce {
		return o
	}
	return o.WithoutEgress()
}

// WithoutEgress are the options of the set that restricts ingress alone, for good.
func (o Options) WithoutEgress() Options {
	o.Egress, o.InForce, o.RehearsedSince, o.Timer = false, false, time.Time{}, ""
	o.Grants = slices.DeleteFunc(slices.Clone(o.Grants), func(g Grant) bool { return g.Direction() == Egress })
	return o
}

// stamp writes on each policy of the set what the whole set is made with. One that does not fit is refused, as the
// API server would.
func (o Options) stamp(policies []Policy) error {
	whole, inEffect := Record(o), Record(o.InEffect())
	for _, p := range policies {
		text := inEffect
		if p.Role == EgressAccess {
			text = whole
		}
		key := AnnotationSet
		if len(Users(p.Object.Labels)) > 0 {
			key = LabelUserPrefix + o.Cluster.Name
		}
		p.Object.Annotations[key] = text
		size := 0
		for key, value := range p.Object.Annotations {
			size += len(key) + len(value)
		}
		if size > apivalidation.TotalAnnotationSizeLimitB {
			return fmt.Errorf("the flags of the set take %d bytes, and the annotations of a policy hold %d: let in more with fewer flags, such as selectors of several values",
				size, apivalidation.TotalAnnotationSizeLimitB)
		}
	}
	return nil
}

// IsOlder is true when a live policy is as desired, but for what it does not say of the whole set: it was made before that
// was stored.
func IsOlder(live, desired *ciliumv2.CiliumNetworkPolicy) bool {
	return len(significant(live, Differences(live, desired))) == 0
}

// DiffersInRecords is true when what is stored of the whole set is all that differs.
func DiffersInRecords(live, desired *ciliumv2.CiliumNetworkPolicy) bool {
	paths := Differences(live, desired)
	return len(paths) > 0 && !slices.ContainsFunc(paths, func(path string) bool { _, ok := recordAt(path); return !ok })
}

// significant are the differences without what an older policy does not say.
func significant(live *ciliumv2.CiliumNetworkPolicy, paths []string) []string {
	return slices.DeleteFunc(slices.Clone(paths), func(path string) bool {
		annotation, ok := recordAt(path)
		_, has := live.Annotations[annotation]
		return ok && !has
	})
}

// recordAt is the annotation of a record at which policies differ; false for other differences.
func recordAt(path string) (annotation string, ok bool) {
	annotation, ok = strings.CutPrefix(path, "metadata.annotations[")
	annotation = strings.TrimSuffix(annotation, "]")
	return annotation, ok && (annotation == AnnotationSet || strings.HasPrefix(annotation, LabelUserPrefix))
}

// restored are the options, read from the policies that are left, with what the records say of those that are gone.
// After an interrupted change records differ, and both policies of the operator can be there: what lets in more is the
// safer to restore.
func (o Options) restored(records []Options, roles map[Role]bool) Options {
	o.OperatorOnly = roles[OperatorAccess]
	peers := roles[InternalAccess]
	for _, r := range records {
		o.OperatorOnly, peers = o.OperatorOnly || r.OperatorOnly, peers || !r.OperatorOnly
		o.ThroughPoolers = o.ThroughPoolers || r.ThroughPoolers
		o.Egress = o.Egress || r.Egress
		o.OperatorNamespaces = sortedSet(append(slices.Clone(o.OperatorNamespaces), r.OperatorNamespaces...))
		for _, g := range r.Grants {
			if !slices.Contains(o.Grants, g) {
				o = o.With(g)
			}
		}
	}
	o.OperatorOnly = o.OperatorOnly && !peers
	// Ingress may be in force already while egress is rehearsed.
	o.InForce = !roles[EgressDefaultDeny] && slices.ContainsFunc(records, func(r Options) bool { return r.InForce })
	switch {
	case roles[EgressDefaultDeny] || roles[DefaultDeny] && !o.InForce:
		// With default deny it is no rehearsal, whatever an annotation says.
		o.RehearsedSince = time.Time{}
	case o.InForce:
		for _, r := range records {
			if !r.RehearsedSince.IsZero() {
				o.RehearsedSince = r.RehearsedSince
			}
		}
	case roles[InternalAccess] || roles[OperatorAccess] || len(records) == 0:
	default:
		o.RehearsedSince = records[0].RehearsedSince
	}
	return o
}

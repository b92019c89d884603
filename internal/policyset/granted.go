package policyset

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/cilium/cilium/pkg/policy/api"
)

// maxLogValue is the length of spec.log.value (pkg/policy/api/rule.go of Cilium v1.20).
const maxLogValue = 32

// Granted is access for a time: who gets it, with which timer it ends, and on whose behalf.
type Granted struct {
	// Options name the cluster and the clients; nothing else of them counts.
	Options Options
	// Timer is the name of the Job.
	Timer string
	// RequestedBy is empty when the server did not tell, and Reason when none was given.
	RequestedBy, Reason string
}

// BuildGranted returns the policies of a grant, one for each client. They carry reason and user, also into the flows that
// Cilium reports of them.
func BuildGranted(g Granted) ([]Policy, error) {
	if err := checkCluster(g.Options.Cluster.Name); err != nil {
		return nil, err
	}
	var out []Policy
	for _, grant := range g.Options.canonical() {
		d, _ := definition(grant.Kind)
		v, err := d.read(grant.Value, g.Options.Cluster.Namespace)
		if err != nil {
			return nil, d.problem(grant.Value, err)
		}
		p := d.policy(g.Options, v)
		readable, exact := d.readable(d.prefix, v)
		// A grant's policy has another role than the kind's own, and kinds of different roles may read alike.
		if d.Role != PostgresAccess {
			readable, exact = string(d.Role)+"-"+readable, false
		}
		p.Object.Name = name(g.Options.Cluster.Name, GrantedAccess, suffix{readable: readable, exact: exact, hashed: flagPrefix + grant.String()})
		p.Role, p.Why = GrantedAccess, "for a time: "+p.Why
		p.Object.Labels[LabelPolicy] = string(GrantedAccess)
		if g.Reason != "" {
			p.Object.Annotations[AnnotationReason] = g.Reason
		}
		if g.RequestedBy != "" {
			p.Object.Annotations[AnnotationRequestedBy] = g.RequestedBy
		}
		p.Object.Spec.Log = api.LogConfig{Value: logValue(g)}
		p.Object = EndingWith(p.Object, Timer{Name: g.Timer})
		out = append(out, p)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("nobody is named who shall be let in")
	}
	return out, nil
}

// logValue is what flows say of a grant: as much of user and reason as there is room for.
func logValue(g Granted) string {
	text := strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) {
			return r
		}
		return -1
	}, "granted "+strings.TrimPrefix(g.RequestedBy+": "+g.Reason, ": "))
	runes := []rune(strings.TrimRight(text, ": "))
	return strings.TrimRight(string(runes[:min(len(runes), maxLogValue)]), " ")
}

// IsGranted tells from a live policy's labels whether it is access for a time.
func IsGranted(labels map[string]string) bool {
	return IsOurs(labels) && Role(labels[LabelPolicy]) == GrantedAccess
}

// NameOfGrant tells the grants of a cluster apart: the same clients have the same name.
func NameOfGrant(o Options) string {
	var texts []string
	for _, g := range o.canonical() {
		texts = append(texts, g.String())
	}
	slices.Sort(texts)
	return "grant-" + hashOf(strings.Join(texts, "\n"))
}

// Package compare says what differs between two states of the same manifests, for every cluster in them, by asking Cilium's engine
// about both. It takes models and returns values; what a lockdown would change is package change's.
package compare

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// State is one of the two states.
type State struct {
	// Name is where it is, as the user wrote it. What stands in findings below it is told apart by the rest of its path.
	Name      string
	Inventory *inventory.Inventory
}

// States compares two states. The options are those of both models.
func States(from, to State, o model.Options) (v1alpha1.StateComparison, error) {
	out := v1alpha1.StateComparison{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.StateComparisonKind},
		From:     from.Name, To: to.Name, Clusters: []v1alpha1.ClusterComparison{},
	}
	before, err := judge(from, to, o)
	if err != nil {
		return out, fmt.Errorf("%s: %w", from.Name, err)
	}
	after, err := judge(to, from, o)
	if err != nil {
		return out, fmt.Errorf("%s: %w", to.Name, err)
	}
	out.Findings = findingChanges(before.list.Findings, after.list.Findings, from.Name, to.Name)
	keys := map[types.NamespacedName]bool{}
	for key := range before.reports {
		keys[key] = true
	}
	for key := range after.reports {
		keys[key] = true
	}
	for _, key := range slices.SortedFunc(maps.Keys(keys), func(a, b types.NamespacedName) int { return strings.Compare(a.String(), b.String()) }) {
		one := compareCluster(before, after, key)
		if one.Differs() || len(one.Unknown) > 0 {
			out.Clusters = append(out.Clusters, one)
		} else {
			out.Unchanged++
		}
	}
	return out, nil
}

// judged is a state with what the engine says of it.
type judged struct {
	name    string
	list    v1alpha1.IsolationReportList
	reports map[types.NamespacedName]v1alpha1.IsolationReport
	// everybody is the state with the clients of both.
	everybody *model.Model
}

func judge(state, other State, o model.Options) (judged, error) {
	m, err := model.New(state.Inventory, o)
	if err != nil {
		return judged{}, err
	}
	j := judged{name: state.Name, list: assess.Evaluate(m), reports: map[types.NamespacedName]v1alpha1.IsolationReport{}}
	for _, r := range j.list.Items {
		j.reports[keyOf(r.Metadata)] = r
	}
	j.everybody, err = model.New(withClientsOf(state.Inventory, other.Inventory), o)
	return j, err
}

// withClientsOf is an inventory with those workloads of another that it lacks, so that its policies can be asked about them.
func withClientsOf(inv, other *inventory.Inventory) *inventory.Inventory {
	out := *inv
	out.Pods, out.Namespaces = slices.Clone(inv.Pods), slices.Clone(inv.Namespaces)
	out.Endpoints = maps.Clone(inv.Endpoints)
	type workload struct {
		namespace string
		inventory.Workload
	}
	known := map[workload]bool{}
	for i := range inv.Pods {
		known[workload{inv.Pods[i].Namespace, inv.Pods[i].Workload}] = true
	}
	for i := range other.Pods {
		pod := other.Pods[i]
		if known[workload{pod.Namespace, pod.Workload}] {
			continue
		}
		out.Pods = append(out.Pods, pod)
		if endpoint, ok := other.Endpoints[pod.Key()]; ok && out.Endpoints != nil {
			out.Endpoints[pod.Key()] = endpoint
		}
		namespace := slices.IndexFunc(other.Namespaces, func(n inventory.Namespace) bool { return n.Name == pod.Namespace })
		if namespace >= 0 && !slices.ContainsFunc(out.Namespaces, func(n inventory.Namespace) bool { return n.Name == pod.Namespace }) {
			out.Namespaces = append(out.Namespaces, other.Namespaces[namespace])
		}
	}
	// What the other one has is no pod of this one's policies' subjects: it only asks.
	out.Finish()
	return &out
}

func keyOf(m v1alpha1.Metadata) types.NamespacedName {
	return types.NamespacedName{Namespace: m.Namespace, Name: m.Name}
}

func compareCluster(before, after judged, key types.NamespacedName) v1alpha1.ClusterComparison {
	was, inBefore := before.reports[key]
	is, inAfter := after.reports[key]
	out := v1alpha1.ClusterComparison{
		Metadata: v1alpha1.Metadata{Namespace: key.Namespace, Name: key.Name}, Presence: v1alpha1.PresenceBoth,
		Posture:       v1alpha1.PostureChange{Before: was.Posture, After: is.Posture},
		RequiredFlows: []v1alpha1.RequiredFlowChange{}, Findings: findingChanges(certain(was.Findings), certain(is.Findings), before.name, after.name),
		Unknown: slices.Concat([]v1alpha1.Doubt{}, doubts(was, true), doubts(is, false)),
	}
	switch {
	case !inBefore:
		out.Presence = v1alpha1.PresenceAdded
	case !inAfter:
		out.Presence = v1alpha1.PresenceRemoved
	default:
		out.RequiredFlows = append(out.RequiredFlows, flowChanges(was.RequiredFlows, is.RequiredFlows)...)
	}
	out.Access = change.Access(before.exposure(key), after.exposure(key))
	out.Access.Keeps = []v1alpha1.ClientChange{}
	return out
}

// exposure is who can connect to a cluster, nobody where it is not there.
func (j judged) exposure(key types.NamespacedName) []v1alpha1.Exposure {
	c := j.everybody.Cluster(key)
	if c == nil {
		return nil
	}
	return assess.Named(j.everybody, c, assess.Admitted(j.everybody, c))
}

// flowChanges are the required flows of which the verdict differs. What is needed in one state alone differs only where it is not
// allowed: what a database needs changes with its spec.
func flowChanges(before, after []v1alpha1.RequiredFlow) []v1alpha1.RequiredFlowChange {
	was, is := v1alpha1.Verdicts(before), v1alpha1.Verdicts(after)
	var out []v1alpha1.RequiredFlowChange
	add := func(f v1alpha1.RequiredFlow) {
		out = append(out, v1alpha1.RequiredFlowChange{
			Name: f.Name, From: f.From, To: f.To, Port: f.Port, Before: was[f.Key()], After: is[f.Key()], Advisory: f.Advisory,
		})
	}
	for _, f := range after {
		if verdict, known := was[f.Key()]; known && verdict != f.Verdict || !known && f.Verdict != v1alpha1.VerdictAllowed {
			add(f)
		}
	}
	for _, f := range before {
		if _, known := is[f.Key()]; !known && f.Verdict != v1alpha1.VerdictAllowed {
			add(f)
		}
	}
	return out
}

// certain are the findings but those that are doubts.
func certain(findings []v1alpha1.Finding) []v1alpha1.Finding {
	return slices.DeleteFunc(slices.Clone(findings), isDoubt)
}

func isDoubt(f v1alpha1.Finding) bool {
	return f.Code.LacksEvidence() && f.Severity == v1alpha1.SeverityError
}

// doubts are what could not be judged in a report: evidence that is missing, required flows and clients about which nobody
// can tell.
func doubts(r v1alpha1.IsolationReport, before bool) []v1alpha1.Doubt {
	var out []v1alpha1.Doubt
	add := func(message string) {
		if doubt := (v1alpha1.Doubt{Before: before, Message: message}); !slices.Contains(out, doubt) {
			out = append(out, doubt)
		}
	}
	for _, f := range r.Findings {
		if isDoubt(f) {
			add(f.Message)
		}
	}
	for _, f := range r.RequiredFlows {
		if f.Verdict == v1alpha1.VerdictUnknown && !f.Advisory {
			add(fmt.Sprintf("the required flow %s: %s", f.Name, f.Message))
		}
	}
	for _, e := range r.Exposure {
		if e.Unknown > 0 {
			add(fmt.Sprintf("whether all clients can connect to port %d of the %s", e.Port, e.Target))
		}
	}
	if len(out) == 0 && r.Posture == v1alpha1.PostureUnknown {
		add("evidence is missing")
	}
	return out
}

// findingChanges are the findings of one list alone. The same finding in files of two folders is the same; where only
// the details of one have changed, it is told as it is now.
func findingChanges(before, after []v1alpha1.Finding, from, to string) v1alpha1.FindingChanges {
	out := v1alpha1.FindingChanges{New: []v1alpha1.Finding{}, Gone: []v1alpha1.Finding{}}
	names := rootsOf(from, to)
	key := func(f v1alpha1.Finding) string {
		return string(f.Code) + " " + string(f.Severity) + " " + names.within(f.Message)
	}
	keys := func(all []v1alpha1.Finding) map[string]bool {
		out := map[string]bool{}
		for _, f := range all {
			out[key(f)] = true
		}
		return out
	}
	was, is := keys(before), keys(after)
	for _, f := range after {
		if !was[key(f)] {
			out.New = append(out.New, f)
		}
	}
	for _, f := range before {
		changed := slices.ContainsFunc(out.New, func(n v1alpha1.Finding) bool { return sameSubject(n, f) })
		if !is[key(f)] && !changed {
			out.Gone = append(out.Gone, f)
		}
	}
	return out
}

// sameSubject tells whether two findings are about the same field of the same object.
func sameSubject(a, b v1alpha1.Finding) bool {
	if a.Code != b.Code || len(a.At) == 0 || len(b.At) == 0 {
		return false
	}
	x, y := a.At[0], b.At[0]
	return x.Kind != "" && x.Kind == y.Kind && x.Namespace == y.Namespace && x.Name == y.Name && x.Field == y.Field
}

// roots takes the two folders out of messages, so that the same file is called alike on both sides. Both are taken out of both:
// what happens to be called like a folder stays the same.
type roots []*regexp.Regexp

func rootsOf(names ...string) roots {
	var out roots
	for _, name := range names {
		if name = strings.TrimSuffix(name, "/"); name != "" && name != "." {
			out = append(out, regexp.MustCompile(`(^|[\s"'(])`+regexp.QuoteMeta(name)+`(/|\b)`))
		}
	}
	return out
}

func (r roots) within(message string) string {
	for _, root := range r {
		message = root.ReplaceAllString(message, "$1")
	}
	return message
}

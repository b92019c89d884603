package clients

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/propose"
)

// Question is who uses a cluster, before the model is there that answers it.
type Question struct {
	cluster  types.NamespacedName
	evidence observe.Evidence
	clients  []gathered
	near     []near
	extra    model.Extra
}

// Ask asks about a cluster. The model that answers must be made of the inventory that the evidence completes,
// which is returned, and with the question's Extra.
func Ask(inv *inventory.Inventory, cluster types.NamespacedName, e observe.Evidence) (Question, *inventory.Inventory) {
	inv = e.Complete(inv)
	q := Question{cluster: cluster, evidence: e, clients: gather(cluster, e)}
	for _, g := range q.clients {
		if s, ok := g.source(); ok && (g.entity != "" || g.anybody()) {
			q.extra.Prefixes = append(q.extra.Prefixes, s.Extra().Prefixes...)
		}
	}
	q.extra = q.extra.And(reachedExtra(e))
	q.addNear(inv)
	return q, inv
}

// Evidence is what the question rests on.
func (q Question) Evidence() []v1alpha1.EvidenceReport { return Reports(q.evidence) }

// Extra is what a model must be made with.
func (q Question) Extra() model.Extra { return q.extra }

// List is the answer.
func (q Question) List(m *model.Model) (v1alpha1.ClientList, error) {
	list := v1alpha1.ClientList{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.ClientListKind},
		Metadata: v1alpha1.Metadata{Namespace: q.cluster.Namespace, Name: q.cluster.Name},
		Clients:  []v1alpha1.ObservedClient{}, MayConnect: []v1alpha1.Client{}, MayConnectEntities: []v1alpha1.Entity{},
		Evidence: Reports(q.evidence), Notes: []string{},
	}
	c := m.Cluster(q.cluster)
	if c == nil {
		return list, fmt.Errorf("there is no model of cluster %q in namespace %q", q.cluster.Name, q.cluster.Namespace)
	}
	pods := podsOf(m)
	for _, g := range q.clients {
		list.Clients = append(list.Clients, q.client(m, c, g, pods[g.who]))
	}
	list.MayConnect, list.MayConnectEntities = q.others(m, c)
	if slices.ContainsFunc(q.clients, func(g gathered) bool { return g.mayBeProbes() }) {
		list.Notes = append(list.Notes, "the kubelet's probes of poolers come from the host, too, and look like its connections")
	}
	plan, note, err := q.lockdown(m, c, list.Clients)
	if err != nil {
		return list, err
	}
	list.Lockdown = plan
	if list.Timed, err = q.timed(m, c); err != nil {
		return list, err
	}
	if list.Rehearsal, err = q.rehearsal(m, c); err != nil {
		return list, err
	}
	if note != "" {
		list.Notes = append(list.Notes, note)
	}
	return list, nil
}

// timed is what ends by itself, and whom that cuts off.
func (q Question) timed(m *model.Model, c *model.Cluster) ([]v1alpha1.ObservedTimed, error) {
	var out []v1alpha1.ObservedTimed
	for _, t := range assess.TimedOf(m, c) {
		then, err := assess.WhenEnded(m, t)
		if err != nil {
			return nil, err
		}
		of := v1alpha1.ObservedTimed{Timed: t, CutOff: []string{}}
		of.Then = assess.Posture(then, then.Cluster(q.cluster))
		for _, client := range q.CutOff(m, then, nil).CutOff {
			of.CutOff = append(of.CutOff, client.Name())
		}
		out = append(out, of)
	}
	return out, nil
}

// rehearsal is the lockdown that is rehearsed, and whom it would cut off; nil when none is.
func (q Question) rehearsal(m *model.Model, c *model.Cluster) (*v1alpha1.ObservedRehearsal, error) {
	options, is := assess.Rehearsed(m, c)
	if !is {
		return nil, nil
	}
	out := &v1alpha1.ObservedRehearsal{Rehearsal: *assess.RehearsalOf(m, c)}
	options.RehearsedSince = time.Time{}
	locked, err := propose.Planned(m, options)
	if err != nil {
		return nil, err
	}
	whole := q.CutOff(m, locked, nil)
	out.CutOff, out.Loses = whole.CutOff, whole.Loses
	return out, nil
}

// client is what there is to say about one.
func (q Question) client(m *model.Model, c *model.Cluster, g gathered, pods int) v1alpha1.ObservedClient {
	out := v1alpha1.ObservedClient{
		Client: v1alpha1.Client{Namespace: g.namespace, Workload: g.workload, Pods: pods}, Entity: g.entity,
		Targets: slices.Clone(g.targets), References: slices.Clone(g.references), Verdict: v1alpha1.VerdictAllowed,
	}
	if out.References == nil {
		out.References = []string{}
	}
	if g.address.IsValid() {
		out.Address = g.address.String()
	}
	for i := range out.Targets {
		t := &out.Targets[i]
		e, ok := explained(m, c, g.who, *t)
		t.Verdict = e.Verdict
		if !ok {
			t.Verdict = v1alpha1.VerdictUnknown
		}
		if t.Verdict.WorseThan(out.Verdict) {
			out.Verdict = t.Verdict
		}
		for _, a := range e.Answers {
			if a.Ingress.Verdict == v1alpha1.VerdictDenied {
				out.DefaultDeny = union(out.DefaultDeny, a.Ingress.DefaultDeny)
			}
		}
	}
	if out.Verdict == v1alpha1.VerdictDenied {
		out.NearestMiss = q.nearest(m, c, g)
	}
	return out
}

// explained asks about a client and a target; false where there is no answer.
func explained(m *model.Model, c *model.Cluster, w who, t v1alpha1.ObservedTarget) (v1alpha1.Explanation, bool) {
	asked, ok := ask(m, c, w, t)
	if !ok {
		return v1alpha1.Explanation{}, false
	}
	e, err := asked.Explain()
	return e, err == nil
}

func ask(m *model.Model, c *model.Cluster, w who, t v1alpha1.ObservedTarget) (*explain.Question, bool) {
	source, ok := w.source()
	if !ok {
		return nil, false
	}
	asked, err := explain.Ask(m, c.Key(), source, explain.Query{Port: strconv.Itoa(int(t.Port)), Pooler: t.Target.Pooler})
	return asked, err == nil
}

// podsOf are the numbers of the pods that are there, by workload.
func podsOf(m *model.Model) map[who]int {
	out := map[who]int{}
	for i := range m.Inventory().Pods {
		if m.Inventory().Origin == inventory.Manifests || !m.Pod(i).Expected {
			out[workloadIs(m.WorkloadOf(i))]++
		}
	}
	return out
}

// others are those who can connect and for whom there is no evidence.
// The operator is a part of it all.
func (q Question) others(m *model.Model, c *model.Cluster) ([]v1alpha1.Client, []v1alpha1.Entity) {
	known := map[who]bool{}
	for _, op := range m.Operators() {
		known[who{namespace: op.Namespace, workload: inventory.Workload{Kind: "deployment", Name: op.Deployment}.String()}] = true
	}
	for _, g := range q.clients {
		known[g.who] = true
		known[who{entity: g.entity}] = true
	}
	pods := map[v1alpha1.Client]int{}
	entities := map[v1alpha1.Entity]bool{}
	for _, e := range assess.Exposure(m, c, 0) {
		for _, c := range e.Clients {
			if key := c.Client; !known[workloadIs(key)] {
				key.Pods = 0
				pods[key] = max(pods[key], c.Pods)
			}
		}
		for _, entity := range e.Entities {
			if !known[who{entity: entity}] {
				entities[entity] = true
			}
		}
	}
	out := []v1alpha1.Client{}
	for _, c := range slices.SortedFunc(maps.Keys(pods), v1alpha1.Client.Compare) {
		c.Pods = pods[c]
		out = append(out, c)
	}
	return out, append([]v1alpha1.Entity{}, slices.Sorted(maps.Keys(entities))...)
}

func union(all, more []v1alpha1.PolicyReference) []v1alpha1.PolicyReference {
	for _, p := range more {
		if !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all
}

// Reports are the coverages for people and scripts.
func Reports(e observe.Evidence) []v1alpha1.EvidenceReport {
	out := []v1alpha1.EvidenceReport{}
	for _, c := range e.Coverage {
		out = append(out, v1alpha1.EvidenceReport{
			Kind: c.Kind, Source: c.Source, Events: c.Events, From: at(c.From), To: at(c.To), Nodes: c.Nodes, NodesAway: c.Away, Lost: c.Lost,
			Gaps: append([]string{}, c.Gaps()...), CannotSee: cannotSee(c.Kind), Remedy: c.Remedy,
		})
	}
	return out
}

func at(t time.Time) *metav1.Time {
	if t.IsZero() {
		return nil
	}
	return &metav1.Time{Time: t}
}

// cannotSee is what a kind of evidence never has.
func cannotSee(kind v1alpha1.EvidenceKind) string {
	switch kind {
	case v1alpha1.EvidenceSessions:
		return "who is not connected at this moment"
	case v1alpha1.EvidenceFlows:
		return "who did not connect in that time, and connections that were silent"
	case v1alpha1.EvidenceReferences:
		return "who gets the address in another way, as from a Secret's data"
	}
	return ""
}

package isolation

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Query is what Explain is asked.
type Query struct {
	// Port is a number, or the name of a container port of the target's pods.
	Port string
	// Pooler names a pooler of the cluster; empty asks for the instances.
	Pooler string
	// WhyNot asks for the smallest change that would let a denied source in.
	WhyNot bool
}

// Validate finds what is wrong with a query before anything is read.
func (q Query) Validate() error {
	if number, err := strconv.Atoi(q.Port); err == nil {
		if number < 1 || number > 65535 {
			return fmt.Errorf("port %s is out of range: use 1 to 65535, or the name of a container port", q.Port)
		}
		return nil
	}
	if problems := validation.IsValidPortName(q.Port); len(problems) > 0 {
		return fmt.Errorf("%q is neither the number nor the name of a port: %s", q.Port, problems[0])
	}
	return nil
}

// Explain answers whether the source of the model's Options can connect to the cluster.
func (m *Model) Explain(key types.NamespacedName, q Query) (v1alpha1.Explanation, error) {
	c := m.cluster(key)
	if c == nil || m.source == nil {
		return v1alpha1.Explanation{}, fmt.Errorf("there is no model of cluster %q in namespace %q", key.Name, key.Namespace)
	}
	targets, name, err := m.asked(c, q)
	if err != nil {
		return v1alpha1.Explanation{}, err
	}
	e := v1alpha1.Explanation{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.ExplanationKind},
		Metadata: v1alpha1.Metadata{Namespace: key.Namespace, Name: key.Name},
		Source:   v1alpha1.ExplainedSource{Name: m.source.Name(), Namespace: m.source.namespace},
		Target:   name, Port: q.Port, Verdict: v1alpha1.Allowed,
		Answers: m.answers(c, targets),
	}
	if len(e.Answers) == 0 {
		return v1alpha1.Explanation{}, fmt.Errorf("%s is the only pod behind the %s: a pod always reaches itself", m.source.Name(), name)
	}
	for _, a := range e.Answers {
		if worse(a.Verdict, e.Verdict) {
			e.Verdict = a.Verdict
		}
	}
	e.Notes = append([]string{}, m.sourceNotes...)
	e.Notes = append(e.Notes, m.worldNotes(targets, e)...)
	e.Notes = append(e.Notes, m.policyNotes(c, targets)...)
	if q.WhyNot && e.Verdict == v1alpha1.Denied {
		change, err := m.whyNot(c, targets)
		if err != nil {
			return v1alpha1.Explanation{}, err
		}
		e.Change = &change
	}
	return e, nil
}

// goal is a pod that is asked about.
type goal struct {
	member
	pod *inventory.Pod
	// port is 0 when the pod has no port of the name.
	port uint16
}

// asked finds the pods and the port that a query is about, and what to call them.
func (m *Model) asked(c *cluster, q Query) ([]goal, string, error) {
	if err := q.Validate(); err != nil {
		return nil, "", err
	}
	members, name := c.instances(), instancesTarget
	if q.Pooler != "" {
		poolers := m.poolers(c)
		members, name = poolers[q.Pooler], "pooler "+q.Pooler
		if len(members) == 0 {
			known := "it has none"
			if names := sortedKeys(poolers); len(names) > 0 {
				known = "it has " + strings.Join(names, ", ")
			}
			return nil, "", fmt.Errorf("no pod of a pooler %q of cluster %q could be seen: %s", q.Pooler, c.object.Name, known)
		}
	}
	if len(members) == 0 {
		return nil, "", fmt.Errorf("no instance of cluster %q could be seen: 'kubectl get pods -n %s -l %s=%s' lists them",
			c.object.Name, c.object.Namespace, inventory.ClusterLabel, c.object.Name)
	}
	var goals []goal
	var known []string
	found := false
	for _, member := range members {
		g := goal{member: member, pod: &m.inv.Pods[member.pod]}
		if number, err := strconv.ParseUint(q.Port, 10, 16); err == nil {
			g.port = uint16(number)
		} else {
			g.port = namedPort(g.pod, q.Port)
		}
		found = found || g.port > 0
		for _, p := range g.pod.NamedPorts {
			known = append(known, p.Name)
		}
		goals = append(goals, g)
	}
	if !found {
		slices.Sort(known)
		return nil, "", fmt.Errorf("no port of the %s of cluster %q is named %q: use a number, or one of %s",
			name, c.object.Name, q.Port, strings.Join(slices.Compact(known), ", "))
	}
	return goals, name, nil
}

func namedPort(pod *inventory.Pod, name string) uint16 {
	for _, p := range pod.NamedPorts {
		if p.Name == name && (p.Protocol == "" || p.Protocol == "TCP") {
			return p.Port
		}
	}
	return 0
}

// answers asks about every source and every target, and puts together what is decided alike: first
// the targets of one source, then the sources with the same answers.
func (m *Model) answers(c *cluster, targets []goal) []v1alpha1.Answer {
	type block struct {
		key     string
		sources []string
		answers []v1alpha1.Answer
	}
	var blocks []block
	for _, o := range m.origins {
		answers := m.answersFor(c, o, targets)
		if len(answers) == 0 {
			continue
		}
		key := ""
		for _, a := range answers {
			key += answerKey(a) + strings.Join(a.Targets, ",") + ";"
		}
		at := slices.IndexFunc(blocks, func(b block) bool { return b.key == key })
		if at < 0 {
			at = len(blocks)
			blocks = append(blocks, block{key: key, answers: answers})
		}
		blocks[at].sources = append(blocks[at].sources, m.namesOf(o)...)
	}
	out := []v1alpha1.Answer{}
	for _, b := range blocks {
		slices.Sort(b.sources)
		for _, a := range b.answers {
			a.Sources = b.sources
			out = append(out, a)
		}
	}
	return out
}

// answersFor are the answers for one identity of the source, without Sources. A pod that is a target
// itself always reaches itself: it takes no part in the question, nor in what tells answers apart.
func (m *Model) answersFor(c *cluster, o origin, targets []goal) []v1alpha1.Answer {
	var answers []v1alpha1.Answer
	for _, t := range targets {
		if o.is(t) {
			continue
		}
		a := m.answer(c, o, t)
		same := slices.IndexFunc(answers, func(other v1alpha1.Answer) bool { return answerKey(other) == answerKey(a) })
		if same < 0 {
			same = len(answers)
			answers = append(answers, a)
		}
		answers[same].Targets = append(answers[same].Targets, t.pod.Name)
	}
	if len(answers) == 1 && len(m.origins) > 1 {
		answers[0].Targets = nil
		for _, t := range targets {
			answers[0].Targets = append(answers[0].Targets, t.pod.Name)
		}
	}
	return answers
}

// is tells whether the source is this very pod.
func (o origin) is(t goal) bool { return len(o.pods) == 1 && o.pods[0] == t.member.pod }

// answerKey is equal for answers that differ in their pods only.
func answerKey(a v1alpha1.Answer) string {
	a.Sources, a.Targets = nil, nil
	text, err := json.Marshal(a)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (m *Model) namesOf(o origin) []string {
	if len(o.pods) == 0 {
		return []string{o.name}
	}
	var names []string
	for _, i := range o.pods {
		names = append(names, m.inv.Pods[i].Name)
	}
	return names
}

func (m *Model) answer(c *cluster, o origin, t goal) v1alpha1.Answer {
	if t.port == 0 {
		unknown := v1alpha1.ExplainedDirection{Verdict: v1alpha1.VerdictUnknown, Reason: "the pod has no port of this name", Rules: []v1alpha1.DecidingRule{}, DefaultDeny: []v1alpha1.PolicyReference{}}
		return v1alpha1.Answer{Verdict: v1alpha1.VerdictUnknown, Ingress: unknown, Egress: unknown}
	}
	ingress, egress := m.directions(c, o, t)
	a := v1alpha1.Answer{Port: t.port, Ingress: m.explained(ingress), Egress: m.explained(egress), Verdict: ingress.Verdict}
	if worse(egress.Verdict, a.Verdict) {
		a.Verdict = egress.Verdict
	}
	return a
}

// directions are the engine's answers, save where no engine is at work, or evidence is missing.
func (m *Model) directions(c *cluster, o origin, t goal) (ingress, egress engine.Direction) {
	d := m.engine.Decide(o.identity, t.identity, t.port)
	ingress, egress = d.Ingress, d.Egress
	if m.unmanaged[t.pod.Key()] {
		ingress = allowedBecause(notManaged)
	}
	switch {
	case o.egress != "":
		egress = allowedBecause(o.egress)
	case o.node && !m.inv.Settings.HostFirewall:
		egress = allowedBecause("Cilium's host firewall is off: no policy applies to nodes")
	case o.node:
		egress = m.engine.Decide(m.identities.Reserved("host"), t.identity, t.port).Egress
	}
	if o.prefix.IsValid() {
		ingress = m.doubtPrefix(o, t, ingress)
	}
	if reason := m.blindness(c, t.pod.Namespace); reason != "" {
		ingress = engine.Direction{Verdict: v1alpha1.VerdictUnknown, Reason: reason}
	}
	if o.egress == "" && !o.node {
		if reason := m.blindness(c, o.identity.Namespace()); reason != "" {
			egress = engine.Direction{Verdict: v1alpha1.VerdictUnknown, Reason: reason}
		}
	}
	return ingress, egress
}

func allowedBecause(reason string) engine.Direction {
	return engine.Direction{Verdict: v1alpha1.Allowed, Builtin: reason}
}

// doubtPrefix is for addresses that may be members of a CiliumCIDRGroup, which would change the answer.
func (m *Model) doubtPrefix(o origin, t goal, d engine.Direction) engine.Direction {
	if d.Verdict == v1alpha1.Denied && len(d.Rules) > 0 {
		return d // What a rule denies stays denied.
	}
	for _, id := range m.outside {
		group, ok := strings.CutPrefix(id.Name(), "cidr-group:")
		if !ok {
			continue
		}
		if as := m.engine.Decide(id, t.identity, t.port).Ingress; as.Verdict != d.Verdict {
			return engine.Direction{
				Verdict: v1alpha1.VerdictUnknown, Rules: as.Rules,
				Reason: fmt.Sprintf("whether %s belongs to CiliumCIDRGroup %q can't be seen from here; its members are %s", prefixText(o.prefix), group, as.Verdict),
			}
		}
	}
	return d
}

// blindness says why nothing is known about what the policies at pods of a namespace do; empty when
// nothing is missing. The namespace is empty for nodes.
func (m *Model) blindness(c *cluster, namespace string) string {
	if m.noAgent() {
		return "there is no sign of a Cilium agent in this Kubernetes cluster"
	}
	resources := []string{"manifests", "ciliumnetworkpolicies", "ciliumclusterwidenetworkpolicies", "networkpolicies"}
	if m.inv.Settings.ClusterNetworkPolicy {
		resources = append(resources, "clusternetworkpolicies")
	}
	if !m.everyMemberHasEndpoint(c) {
		resources = append(resources, "namespaces")
	}
	for _, resource := range resources {
		for _, missing := range m.missingAt(resource, namespace) {
			return missing.Message
		}
	}
	return ""
}

// missingAt is the missing evidence about a kind in a namespace.
func (m *Model) missingAt(resource, namespace string) []inventory.Missing {
	var out []inventory.Missing
	for _, missing := range m.inv.Missing {
		plural, _, _ := strings.Cut(missing.Resource, ".")
		only, others := strings.CutPrefix(missing.Namespace, "!")
		covered := missing.Namespace == "" || others && only != namespace || missing.Namespace == namespace
		if plural == resource && covered {
			out = append(out, missing)
		}
	}
	return out
}

// Answerable is an error when an explanation does not answer the question, nil otherwise.
func Answerable(e v1alpha1.Explanation) error {
	if e.Verdict != v1alpha1.VerdictUnknown {
		return nil
	}
	for _, a := range e.Answers {
		for _, d := range []v1alpha1.ExplainedDirection{a.Ingress, a.Egress} {
			if d.Verdict == v1alpha1.VerdictUnknown {
				return fmt.Errorf("it is unknown whether %s can connect to cluster %q: %s", e.Source.Name, e.Metadata.Name, d.Reason)
			}
		}
	}
	return errors.New("the answer is unknown")
}

package isolation

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
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
		Source:   v1alpha1.ExplainedSource{Name: m.source.Name(), Namespace: m.source.namespace, IsTarget: m.isTarget(targets)},
		Target:   name, Port: q.Port, Verdict: v1alpha1.VerdictAllowed,
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
	if q.WhyNot && e.Verdict == v1alpha1.VerdictDenied {
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
			c.object.Name, c.object.Namespace, cnpg.ClusterLabel, c.object.Name)
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

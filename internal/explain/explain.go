package explain

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// Query is what Explain is asked.
type Query struct {
	// Port is a number, or the name of a container port of the target's pods.
	Port string
	// Pooler names a pooler of the cluster; empty asks for the instances.
	Pooler string
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

// Question is a query about a source, put to a model.
type Question struct {
	Model   *model.Model
	Cluster *model.Cluster
	Source  Source
	// Origins are the identities behind the source.
	Origins []Origin
	// Goals are the pods that the source wants to connect to: never none.
	Goals []Goal
	// Target is what the goals are, and Port what was asked for.
	Target v1alpha1.Target
	Port   string
	// Notes are what the answer does not say by itself.
	Notes []string
}

// Ask puts a query about a source to a model, which must have been made with the source's Extra.
// Errors say why there is no answer; one for a source that is not there is an ErrUnknownSource.
func Ask(m *model.Model, key types.NamespacedName, source Source, query Query) (*Question, error) {
	q := &Question{Model: m, Cluster: m.Cluster(key), Source: source, Port: query.Port}
	if err := q.addSource(); err != nil {
		return nil, err
	}
	if q.Cluster == nil {
		return nil, fmt.Errorf("there is no model of cluster %q in namespace %q", key.Name, key.Namespace)
	}
	if err := q.addGoals(query); err != nil {
		return nil, err
	}
	return q, nil
}

// Explain answers whether the source can connect.
func (q *Question) Explain() (v1alpha1.Explanation, error) {
	e := v1alpha1.Explanation{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.ExplanationKind},
		Metadata: v1alpha1.Metadata{Namespace: q.Cluster.Object.Namespace, Name: q.Cluster.Object.Name},
		Source:   v1alpha1.ExplainedSource{Name: q.Source.Name(), Namespace: q.Source.namespace, IsTarget: q.isTarget(), Remote: q.Remote()},
		Target:   q.Target, Port: q.Port, Verdict: v1alpha1.VerdictAllowed,
		Answers: q.answers(),
	}
	if len(e.Answers) == 0 {
		return v1alpha1.Explanation{}, fmt.Errorf("%s is the only pod behind the %s: a pod always reaches itself", q.Source.Name(), q.Target)
	}
	for _, a := range e.Answers {
		if a.Verdict.WorseThan(e.Verdict) {
			e.Verdict = a.Verdict
		}
	}
	e.Verdict = withDoubt(e.Verdict, e.Answers, q.ends())
	e.Notes = append([]string{}, q.Notes...)
	e.Notes = append(e.Notes, q.worldNotes(e)...)
	e.Notes = append(e.Notes, q.policyNotes()...)
	return e, nil
}

// Goal is a pod that is asked about.
type Goal struct {
	model.Member
	Pod *inventory.Pod
	// Port is 0 when the pod has no port of the name.
	Port uint16
}

// addGoals finds the target that a query is about, its pods, and their port.
func (q *Question) addGoals(query Query) error {
	if err := query.Validate(); err != nil {
		return err
	}
	q.Target.Pooler = query.Pooler
	members := q.Cluster.Instances()
	if query.Pooler != "" {
		poolers := q.Model.Poolers(q.Cluster)
		members = poolers[query.Pooler]
		if len(members) == 0 {
			known := "it has none"
			if names := slices.Sorted(maps.Keys(poolers)); len(names) > 0 {
				known = "it has " + strings.Join(names, ", ")
			}
			return fmt.Errorf("no pod of a pooler %q of cluster %q could be seen: %s", query.Pooler, q.Cluster.Object.Name, known)
		}
	}
	if len(members) == 0 {
		return fmt.Errorf("no instance of cluster %q could be seen: '%s' lists them", q.Cluster.Object.Name,
			command.Kubectl("get", "pods").In(q.Cluster.Object.Namespace).With("-l", cnpg.ClusterLabel+"="+q.Cluster.Object.Name))
	}
	var known []string
	found := false
	for _, member := range members {
		g := Goal{Member: member, Pod: q.Model.Pod(member.Pod)}
		if number, err := strconv.ParseUint(query.Port, 10, 16); err == nil {
			g.Port = uint16(number)
		} else {
			g.Port = namedPort(g.Pod, query.Port)
		}
		found = found || g.Port > 0
		for _, p := range g.Pod.NamedPorts {
			known = append(known, p.Name)
		}
		q.Goals = append(q.Goals, g)
	}
	if !found {
		slices.Sort(known)
		return fmt.Errorf("no port of the %s of cluster %q is named %q: use a number, or one of %s",
			q.Target, q.Cluster.Object.Name, query.Port, strings.Join(slices.Compact(known), ", "))
	}
	return nil
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
			switch {
			case d.Verdict != v1alpha1.VerdictUnknown || a.Advisory:
			case e.Outbound:
				return fmt.Errorf("it is unknown whether the %s of cluster %q can reach %s: %s", e.Source.Name, e.Metadata.Name, e.Target, d.Reason)
			default:
				return fmt.Errorf("it is unknown whether %s can connect to cluster %q: %s", e.Source.Name, e.Metadata.Name, d.Reason)
			}
		}
	}
	return errors.New("the answer is unknown")
}

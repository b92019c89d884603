package explain

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// Outbound is the question whether a database reaches a destination, put to a model.
type Outbound struct {
	Model       *model.Model
	Cluster     *model.Cluster
	Destination Destination
	// Origins are the pods that want to connect, those to come included: never none.
	Origins []model.End
}

// AskOutbound puts the question to a model, which must have been made with the destination's Extra.
func AskOutbound(m *model.Model, key types.NamespacedName, d Destination) (*Outbound, error) {
	o := &Outbound{Model: m, Cluster: m.Cluster(key), Destination: d}
	if o.Cluster == nil {
		return nil, fmt.Errorf("there is no model of cluster %q in namespace %q", key.Name, key.Namespace)
	}
	var err error
	o.Origins, err = d.Sender.ends(m, o.Cluster)
	return o, err
}

// Under is the question under other policies.
func (o *Outbound) Under(m *model.Model) *Outbound {
	other := *o
	other.Model = m
	return &other
}

// Explain answers whether the database can connect.
func (o *Outbound) Explain() v1alpha1.Explanation {
	e := v1alpha1.Explanation{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.ExplanationKind},
		Metadata: v1alpha1.Metadata{Namespace: o.Cluster.Object.Namespace, Name: o.Cluster.Object.Name},
		Source:   v1alpha1.ExplainedSource{Name: o.Destination.Sender.Name(), Namespace: o.Cluster.Object.Namespace},
		Target:   v1alpha1.Target{Needed: o.Destination.Target.Name()}, Port: o.ports(), Outbound: true,
		Verdict: v1alpha1.VerdictAllowed,
		Answers: together(len(o.Origins), func(i int) []string { return []string{o.Origins[i].Name} }, func(i int) []v1alpha1.Answer { return o.answersFor(o.Origins[i]) }),
		Notes:   append([]string{}, o.Destination.Notes...),
	}
	for _, a := range e.Answers {
		if a.Verdict.WorseThan(e.Verdict) && !a.Advisory {
			e.Verdict = a.Verdict
		}
	}
	e.Verdict = withDoubt(e.Verdict, e.Answers, o.ends())
	e.Notes = append(e.Notes, o.nameNotes()...)
	var ids []*engine.Identity
	for _, origin := range o.Origins {
		if !origin.OnNode {
			ids = append(ids, origin.Identity)
		}
	}
	e.Notes = append(e.Notes, o.inbound().policyNotesOn(model.Distinct(ids))...)
	return e
}

// inbound has what the questions of both ways have in common.
func (o *Outbound) inbound() *Question { return &Question{Model: o.Model, Cluster: o.Cluster} }

// ports are those of the target in words.
func (o *Outbound) ports() string {
	if t := o.Destination.Target; t.port != "" {
		return t.port
	}
	var all []string
	between := ", "
	for _, end := range o.Destination.Ends {
		for _, a := range end.Alternatives {
			if number := strconv.Itoa(int(a.Port.Number)); a.Port.Number > 0 && !slices.Contains(all, number) {
				all = append(all, number)
			}
		}
		if end.Which != "" {
			between = " or "
		}
	}
	return strings.Join(all, between)
}

// answersFor are the answers for one pod of the database, without Sources. A pod always reaches itself.
func (o *Outbound) answersFor(from model.End) []v1alpha1.Answer {
	var answers []v1alpha1.Answer
	for _, to := range o.Destination.Ends {
		if o.isItself(from, to) {
			continue
		}
		a := o.answer(from, to)
		same := slices.IndexFunc(answers, func(other v1alpha1.Answer) bool { return answerKey(other) == answerKey(a) })
		if same < 0 {
			same = len(answers)
			answers = append(answers, a)
		}
		for _, other := range to.Alternatives {
			if !slices.Contains(answers[same].Targets, other.Name) {
				answers[same].Targets = append(answers[same].Targets, other.Name)
			}
		}
	}
	return answers
}

func (o *Outbound) isItself(from model.End, to Destined) bool {
	if to.Which != "" || len(to.Alternatives) != 1 || len(to.Alternatives[0].Peer.Pods) != 1 {
		return false
	}
	pod := o.Model.Pod(to.Alternatives[0].Peer.Pods[0])
	return pod.Namespace == o.Cluster.Object.Namespace && pod.Name == from.Name
}

func (o *Outbound) answer(from model.End, to Destined) v1alpha1.Answer {
	d := o.Decide(from, to)
	a := v1alpha1.Answer{
		Ingress: o.inbound().explained(d.Ingress), Egress: o.inbound().explained(d.Egress), Verdict: d.Verdict, Advisory: to.Advisory,
	}
	for i, other := range to.Alternatives {
		if i > 0 && other.Port.Number != a.Port {
			a.Port = 0
			break
		}
		a.Port = other.Port.Number
		if other.Port.Protocol == corev1.ProtocolUDP {
			a.Protocol = string(corev1.ProtocolUDP)
		}
	}
	return a
}

// Decide is the engine's answer, save where evidence is missing.
func (o *Outbound) Decide(from model.End, to Destined) engine.Decision {
	var all []engine.Decision
	for _, a := range to.Alternatives {
		all = append(all, o.decideOne(from, a))
	}
	d := engine.Either(to.Which+differing(to, all), all...)
	for _, a := range to.Alternatives {
		if a.Peer.Name != "" {
			d.Egress = o.doubtName(from, a.Peer.Name, d.Egress)
		}
	}
	return engine.Join(d.Ingress, d.Egress)
}

func (o *Outbound) decideOne(from model.End, a Alternative) engine.Decision {
	d := o.reach(from, a)
	if reason := o.inbound().blindness(o.Cluster.Object.Namespace); reason != "" {
		d.Egress = engine.UnknownBecause(reason)
	}
	if o.Destination.hidden != "" {
		d.Egress = engine.UnknownBecause(o.Destination.hidden)
	}
	if len(a.Peer.Pods) > 0 {
		pod := o.Model.Pod(a.Peer.Pods[0])
		if reason := o.inbound().blindness(pod.Namespace); reason != "" {
			d.Ingress = engine.UnknownBecause(reason)
		}
		if missing := o.Model.MissingAt("namespaces", pod.Namespace); len(missing) > 0 && !pod.HostNetwork && !o.Model.KnownToAgent(a.Peer.Pods[0]) {
			d.Egress = engine.UnknownBecause(fmt.Sprintf("the labels of the target's namespace %q are not known: %s", pod.Namespace, missing[0].Message))
		}
	}
	to := model.End{}
	if len(a.Peer.Pods) > 0 {
		to = o.Model.EndOf(a.Peer.Pods[0], "pod "+a.Name)
	}
	from.Name = "pod " + from.Name
	return doubtUnsettled(o.Model, from, to, engine.Join(d.Ingress, d.Egress))
}

// ends are the pods of the question, as far as they are there.
func (o *Outbound) ends() []model.End {
	out := slices.Clone(o.Origins)
	for _, end := range o.Destination.Ends {
		for _, a := range end.Alternatives {
			if len(a.Peer.Pods) > 0 {
				out = append(out, o.Model.EndOf(a.Peer.Pods[0], a.Name))
			}
		}
	}
	return out
}

// reach is the engine's answer for a peer, which has one pod at most.
func (o *Outbound) reach(from model.End, a Alternative) engine.Decision {
	answers := o.Model.Ask(from, a.Peer, a.Port)
	if len(answers) == 0 {
		itself := engine.AllowedBecause("a pod always reaches itself")
		return engine.Join(itself, itself)
	}
	return answers[0].Decision
}

// differing says what holds for each of the alternatives, when it is not the same.
func differing(to Destined, all []engine.Decision) string {
	by := map[v1alpha1.Verdict][]string{}
	for i, a := range to.Alternatives {
		name := fmt.Sprintf("%s on port %d", a.Name, a.Port.Number)
		if v := all[i].Verdict; !slices.Contains(by[v], name) {
			by[v] = append(by[v], name)
		}
	}
	if len(by) < 2 {
		return ""
	}
	var parts []string
	for _, v := range []v1alpha1.Verdict{v1alpha1.VerdictAllowed, v1alpha1.VerdictDenied, v1alpha1.VerdictUnknown} {
		if len(by[v]) > 0 {
			parts = append(parts, strings.Join(by[v], ", ")+": "+string(v))
		}
	}
	return " (" + strings.Join(parts, "; ") + ")"
}

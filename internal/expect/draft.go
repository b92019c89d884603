package expect

import (
	"encoding/json"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// Drafts are expectations of what holds today, one document for each of the clusters: its posture, who can connect and
// who can't, and what it reaches. Each has been asked about as Test asks, so that Test finds all of them met.
// operatorNamespace overrides the detection of the operator. Errors are about Cilium's settings.
func Drafts(inv *inventory.Inventory, clusters []types.NamespacedName, operatorNamespace string) ([]v1alpha1.ExpectationsDraft, error) {
	o := model.Options{OperatorNamespace: operatorNamespace}
	for _, key := range clusters {
		o.Names = append(o.Names, key.Name)
	}
	m, err := model.New(inv, o)
	if err != nil {
		return nil, err
	}
	drafts := make([]*draft, 0, len(clusters))
	var asked []Asked
	for _, key := range clusters {
		d := &draft{model: m, cluster: m.Cluster(key), key: key}
		d.propose()
		drafts = append(drafts, d)
		for _, x := range d.candidates {
			asked = append(asked, d.ask(x))
		}
	}
	a, err := newAsker(inv, asked, operatorNamespace)
	if err != nil {
		return nil, err
	}
	out := make([]v1alpha1.ExpectationsDraft, 0, len(drafts))
	at := 0
	for _, d := range drafts {
		for _, x := range d.candidates {
			d.settle(a, at, &asked[at], x)
			at++
		}
		out = append(out, d.written())
	}
	return out, nil
}

// draft is what is being written about one cluster.
type draft struct {
	model   *model.Model
	cluster *model.Cluster
	key     types.NamespacedName
	// candidates are expectations whose answers are not yet known.
	candidates []v1alpha1.Expectation
	expect     []v1alpha1.Expectation
	omitted    []string
}

func (d *draft) omit(format string, arguments ...any) {
	if sentence := fmt.Sprintf(format, arguments...); !slices.Contains(d.omitted, sentence) {
		d.omitted = append(d.omitted, sentence)
	}
}

// add proposes an expectation, once.
func (d *draft) add(x v1alpha1.Expectation) {
	if !slices.ContainsFunc(d.candidates, func(other v1alpha1.Expectation) bool { return text(other) == text(x) }) {
		d.candidates = append(d.candidates, x)
	}
}

// text is an expectation as JSON, by which two are compared and one is called.
func text(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// propose looks at the cluster's report for what can be expected.
func (d *draft) propose() {
	report := assess.Report(d.model, d.cluster)
	if report.Posture == v1alpha1.PostureUnknown {
		d.omit("the posture is UNKNOWN: %s", whyPosture(report))
	} else {
		d.expect = append(d.expect, v1alpha1.Expectation{To: v1alpha1.ExpectedTo{Text: d.key.Name}, Posture: report.Posture})
	}
	for _, exposure := range report.Exposure {
		d.exposure(exposure)
	}
	d.operators()
	d.needs()
}

// ask turns a candidate into a question, through the decoder: what can't be read back must not be written.
func (d *draft) ask(candidate v1alpha1.Expectation) Asked {
	candidate.Verdict = v1alpha1.VerdictAllowed // Any will do.
	document := d.document([]v1alpha1.Expectation{candidate})
	read, err := Decode([]Document{{File: "the draft", Number: 1, JSON: []byte(text(document))}})
	if err != nil || len(read) != 1 {
		return Asked{Key: d.key, Err: fmt.Errorf("it can't be written as an expectation: %w", err)}
	}
	return Asked{Expectation: read[0], Key: d.key}
}

func (d *draft) document(expectations []v1alpha1.Expectation) v1alpha1.Expectations {
	return v1alpha1.Expectations{
		TypeMeta:  metav1.TypeMeta{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.ExpectationsKind},
		Namespace: d.key.Namespace, Expect: expectations,
	}
}

// settle makes an expectation of a candidate that has a clear answer.
func (d *draft) settle(a *asker, i int, x *Asked, candidate v1alpha1.Expectation) {
	about := called(candidate)
	if x.Err != nil {
		d.omit("%s: %s", about, x.Err)
		return
	}
	e, err := a.explain(i, x)
	switch {
	case err != nil:
		d.omit("%s: %s", about, err)
		return
	case mixed(e):
		why, _ := because(e, v1alpha1.VerdictAllowed)
		d.omit("%s: it differs: %s", about, why)
		return
	case judge(e, e.Verdict) != v1alpha1.OutcomeMet || e.Verdict == v1alpha1.VerdictUnknown:
		why, _ := because(e, e.Verdict)
		d.omit("%s: it is unknown: %s", about, why)
		return
	}
	candidate.Verdict = e.Verdict
	d.expect = append(d.expect, candidate)
}

// called is a candidate in a comment: "world to orders".
func called(x v1alpha1.Expectation) string {
	return fromText(x.From) + " to " + toText(x.To)
}

// written is the draft. Who can connect stands before who can't.
func (d *draft) written() v1alpha1.ExpectationsDraft {
	rank := func(x v1alpha1.Expectation) int {
		switch {
		case x.Posture != "":
			return 0
		case x.Verdict == v1alpha1.VerdictAllowed:
			return 1
		}
		return 2
	}
	inbound := func(x v1alpha1.Expectation) bool { return x.To.Cluster == d.key.Name || x.To.Text == d.key.Name }
	var in, out []v1alpha1.Expectation
	for _, x := range d.expect {
		if inbound(x) {
			in = append(in, x)
		} else {
			out = append(out, x)
		}
	}
	for _, list := range [][]v1alpha1.Expectation{in, out} {
		slices.SortStableFunc(list, func(a, b v1alpha1.Expectation) int { return rank(a) - rank(b) })
	}
	expectations := slices.Concat(in, out)
	return v1alpha1.ExpectationsDraft{Cluster: v1alpha1.Metadata{Namespace: d.key.Namespace, Name: d.key.Name}, Expectations: d.document(expectations), Omitted: d.omitted}
}

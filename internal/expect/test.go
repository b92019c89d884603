package expect

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Test asks about all of them, in their order. What can't be asked is unknown, with the reason. operatorNamespace
// overrides the detection of the operator. Errors are about Cilium's settings.
func Test(inv *inventory.Inventory, asked []Asked, operatorNamespace string) (v1alpha1.TestReport, error) {
	report := v1alpha1.TestReport{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.TestReportKind}, Results: []v1alpha1.TestResult{},
	}
	asked = slices.Clone(asked)
	a, err := newAsker(inv, asked, operatorNamespace)
	if err != nil {
		return report, err
	}
	for i := range asked {
		result := a.result(i, &asked[i])
		switch result.Outcome {
		case v1alpha1.OutcomeMet:
			report.Met++
		case v1alpha1.OutcomeNotMet:
			report.NotMet++
		case v1alpha1.OutcomeUnknown:
			report.Unknown++
		}
		report.Results = append(report.Results, result)
	}
	return report, nil
}

// result is what came of one.
func (a *asker) result(i int, x *Asked) v1alpha1.TestResult {
	r := v1alpha1.TestResult{
		File: x.File, Document: x.Document, Path: x.Path, Metadata: v1alpha1.Metadata{Namespace: x.Key.Namespace, Name: x.Cluster},
		Expected: x.Expected(), Because: x.Because, Policies: []v1alpha1.PolicyReference{},
	}
	if x.Posture == "" {
		r.Outbound = x.Outbound
		r.From, r.Target, r.Port = x.ends()
	}
	switch {
	case x.Err != nil:
		r.Outcome, r.Message = v1alpha1.OutcomeUnknown, x.Err.Error()
	case x.Posture != "":
		a.posture(&r, x)
	default:
		a.verdict(&r, i, x)
	}
	if r.Outcome != v1alpha1.OutcomeMet && x.Err == nil {
		r.Remedy = command.Run(x.look(r))
	}
	return r
}

// ends are both ends in explain's words, for an expectation that it can't be asked about, too.
func (x *Asked) ends() (*v1alpha1.ExplainedSource, *v1alpha1.Target, string) {
	if x.Outbound {
		target := x.Target
		if x.Key.Namespace != "" {
			target = target.In(x.Key.Namespace)
		}
		from := v1alpha1.ExplainedSource{Name: x.Sender.Name(), Namespace: x.Key.Namespace}
		return &from, &v1alpha1.Target{Needed: target.Name()}, target.Port()
	}
	source := x.In(x.Key.Namespace)
	from := v1alpha1.ExplainedSource{Name: source.Name(), Namespace: source.Namespace()}
	return &from, &v1alpha1.Target{Pooler: x.Query.Pooler}, x.Query.Port
}

// look is the command that shows more.
func (x *Asked) look(r v1alpha1.TestResult) command.Line {
	if x.Posture != "" {
		return command.Plugin("status", x.Key.Name).In(x.Key.Namespace)
	}
	if x.Outbound {
		line := command.Plugin("explain", x.Key.Name, "--to", x.to).In(x.Key.Namespace)
		if x.from != "" {
			line = line.With("--from", x.from)
		}
		return x.whyNot(line, r)
	}
	var line command.Line
	if d := x.described; d != nil {
		namespace := d.Namespace
		if namespace == "" {
			namespace = x.Key.Namespace
		}
		line = command.Plugin("explain", "--labels", labelText(d.Labels), "--source-namespace", namespace)
		if d.ServiceAccount != "" {
			line = line.With("--source-service-account", d.ServiceAccount)
		}
	} else {
		line = command.Plugin("explain", x.from)
	}
	line = line.With(x.Key.Name).In(x.Key.Namespace)
	if x.Query.Pooler != "" {
		line = line.With("--pooler", x.Query.Pooler)
	}
	if x.Query.Port != defaultPort() {
		line = line.With("--port", x.Query.Port)
	}
	return x.whyNot(line, r)
}

// whyNot also asks for the change that would let it in, where that is what is expected.
func (x *Asked) whyNot(line command.Line, r v1alpha1.TestResult) command.Line {
	if x.Verdict == v1alpha1.VerdictAllowed && r.Actual == string(v1alpha1.VerdictDenied) {
		return line.With("--why-not")
	}
	return line
}

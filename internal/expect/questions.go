package expect

import (
	"fmt"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Questions are those of the expectations about connections, by their positions: to a cluster, and of a cluster.
type Questions struct {
	Inbound  map[int]*explain.Question
	Outbound map[int]*explain.Outbound
}

// Ask are the questions of expectations. Those that can't be asked are left out. The error is that of Test.
func Ask(inv *inventory.Inventory, asked []Asked, operatorNamespace string) (Questions, error) {
	out := Questions{map[int]*explain.Question{}, map[int]*explain.Outbound{}}
	a, err := newAsker(inv, asked, operatorNamespace)
	if err != nil {
		return out, err
	}
	for i := range asked {
		x := &asked[i]
		switch {
		case x.Err != nil || x.Posture != "":
		case x.Outbound:
			if o, err := explain.AskOutbound(a.model, x.Key, a.destinations[i]); err == nil {
				out.Outbound[i] = o
			}
		default:
			if q, err := explain.Ask(a.model, x.Key, x.In(x.Key.Namespace), x.Query); err == nil {
				out.Inbound[i] = q
			}
		}
	}
	return out, nil
}

// AddProbes adds what the data path has said to a result of a report. Where it contradicts the engine, nobody knows what
// holds.
func AddProbes(report *v1alpha1.TestReport, result int, probes []v1alpha1.Probe, contradictions []v1alpha1.Finding) {
	r := &report.Results[result]
	r.Probes = probes
	if len(contradictions) == 0 {
		return
	}
	switch r.Outcome {
	case v1alpha1.OutcomeMet:
		report.Met--
	case v1alpha1.OutcomeNotMet:
		report.NotMet--
	case v1alpha1.OutcomeUnknown:
		report.Unknown--
	}
	report.Unknown++
	r.Outcome, r.Message = v1alpha1.OutcomeUnknown, fmt.Sprintf("%s: %s", contradictions[0].Code, contradictions[0].Message)
	r.Remedy = contradictions[0].Remedy
}

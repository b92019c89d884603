package probe

import (
	"fmt"
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// Judge compares the results with the engine's verdicts. An answer counts by itself; silence only when somebody else got an
// answer from the same place meanwhile.
func Judge(p Plan, results Results) []v1alpha1.Probe {
	out := []v1alpha1.Probe{}
	for i, c := range p.Clients {
		switch {
		case c.Control:
			continue
		case c.Unfit != "" || len(c.Connections) == 0:
			why := c.Unfit
			if why == "" {
				why = "none of the pods that were asked about has an address to connect to"
			}
			out = append(out, v1alpha1.Probe{Client: c.Name, Namespace: c.Pod.Namespace, Expected: v1alpha1.VerdictUnknown, Result: v1alpha1.ProbeInconclusive, Message: why})
			continue
		}
		for k, one := range c.Connections {
			probe := v1alpha1.Probe{
				Client: c.Name, Namespace: c.Pod.Namespace, Pod: c.Pod.Name, Target: one.To, Address: one.at(), Port: one.Port,
				Expected: one.Expected, Result: results[i][k].Result, Message: results[i][k].Detail,
			}
			judge(&probe, one, p.answered(results, i, one))
			out = append(out, probe)
		}
	}
	return out
}

// judge says whether a result contradicts the verdict. control is who else got an answer; empty for nobody.
func judge(probe *v1alpha1.Probe, one Connection, control string) {
	if probe.Result == v1alpha1.ProbeDropped {
		if control == "" {
			probe.Result = v1alpha1.ProbeInconclusive
			probe.Message += ", and nobody else who tried got one, so that it can't be told what keeps it away"
			return
		}
		probe.Control = control
		probe.Message = fmt.Sprintf("%s, while %s got one", probe.Message, control)
	}
	open := probe.Result == v1alpha1.ProbeConnected || probe.Result == v1alpha1.ProbeRefused
	switch one.Expected {
	case v1alpha1.VerdictAllowed:
		probe.Contradicts = probe.Result == v1alpha1.ProbeDropped
	case v1alpha1.VerdictDenied:
		probe.Contradicts = open
	case v1alpha1.VerdictUnknown:
	}
}

// answered names somebody else who got an answer from the same place; one that comes by the network before the target itself.
func (p Plan) answered(results Results, client int, one Connection) string {
	itself := ""
	for i, c := range p.Clients {
		for k, other := range c.Connections {
			if i == client || c.Pod == p.Clients[client].Pod && c.Pod.Name != "" || !one.same(other) || results[i][k].Result != v1alpha1.ProbeConnected && results[i][k].Result != v1alpha1.ProbeRefused {
				continue
			}
			if "pod/"+c.Pod.Name == one.To && c.Pod.Namespace == p.Cluster.Namespace {
				itself = c.Name + " itself"
				continue
			}
			return c.Name
		}
	}
	return itself
}

// Contradictions are the probes that contradict the engine.
func Contradictions(probes []v1alpha1.Probe) []v1alpha1.Probe {
	return slices.DeleteFunc(slices.Clone(probes), func(p v1alpha1.Probe) bool { return !p.Contradicts })
}

// Contradiction says what a probe says against the engine, in one sentence.
func Contradiction(p v1alpha1.Probe) string {
	return fmt.Sprintf("the engine says %s for %s in namespace %q → %s (%s, port %d), and a connection with its identity was %s: %s",
		p.Expected, p.Client, p.Namespace, p.Target, p.Address, p.Port, p.Result, p.Message)
}

package probe

import (
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
)

// Findings are one for each probe that contradicts the engine.
func Findings(probes []v1alpha1.Probe) []v1alpha1.Finding {
	var out []v1alpha1.Finding
	for _, p := range Contradictions(probes) {
		out = append(out, v1alpha1.Finding{
			Code: v1alpha1.VerdictContradicted, Severity: v1alpha1.SeverityError, Message: Contradiction(p),
			Remedy: command.Words("Trust the data path. Look for policies that could not be read, and compare the agent's version with the engine's:").
				Run(command.Plugin("status", "-A"), command.Plugin("version")),
		})
	}
	return out
}

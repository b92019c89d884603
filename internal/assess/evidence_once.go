package assess

import "github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"

// saidOnce joins findings that say the same, the gravest of them: one reason can hide many kinds.
func saidOnce(findings []v1alpha1.Finding) []v1alpha1.Finding {
	at := map[[2]string]int{}
	var out []v1alpha1.Finding
	for _, f := range findings {
		key := [2]string{f.Message, f.Remedy.String()}
		i, known := at[key]
		if !known {
			at[key] = len(out)
			out = append(out, f)
		} else if rankOf(f) < rankOf(out[i]) {
			out[i].Severity = f.Severity
		}
	}
	return out
}

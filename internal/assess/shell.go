package assess

import "github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"

// shellWord is a name as a word of a command that readers may copy to their shell. Manifests can hold
// any name.
func shellWord(name string) string { return policyset.CommandLine([]string{name}) }

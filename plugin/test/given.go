package test

import (
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
)

// asGiven is what to do with the context and the manifests of this command: another one would be asked about another
// Kubernetes cluster.
func (o *options) asGiven(remedy command.Text) command.Text {
	lines := make([]command.Line, len(remedy.Lines))
	for i, line := range remedy.Lines {
		for _, name := range o.source.Files.Filenames {
			line = line.With("-f", name)
		}
		if o.source.Files.Recursive {
			line = line.With("-R")
		}
		for _, name := range o.source.Files.Kustomizations {
			line = line.With("-k", name)
		}
		if o.source.OperatorNamespace != "" {
			line = line.With("--operator-namespace", o.source.OperatorNamespace)
		}
		lines[i] = line
	}
	remedy.Lines = lines
	return remedy.InContext(*o.source.Config.Context)
}

package explain

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// takeArguments turns the command line into a question. All that is wrong with it is reported.
func (o *explainOptions) takeArguments(cmd *cobra.Command, args []string) error {
	var errs []error
	problem := func(err error) {
		if err != nil {
			errs = append(errs, kit.UsageError{Err: err})
		}
	}
	problem(o.query.Validate())
	described := cmd.Flags().Changed("labels")
	errs = append(errs, o.Files.Validate())
	if o.whyNot && o.output.Format == report.Mermaid {
		errs = append(errs, kit.UsageErrorf("--why-not proposes commands and policies, which are no picture: it can't be combined with -o mermaid"))
	}
	for _, flag := range []string{"source-namespace", "source-service-account"} {
		if cmd.Flags().Changed(flag) && !described {
			errs = append(errs, kit.UsageErrorf("--%s describes a pod together with --labels: name the namespace of another source in front of it, as in NAMESPACE/pod/NAME", flag))
		}
	}
	switch {
	case described && len(args) == 2:
		errs = append(errs, kit.UsageErrorf("--labels stands in place of the source %q: leave one of them out", args[0]))
	case described && o.sourceNamespace == "":
		errs = append(errs, kit.UsageErrorf("--labels needs --source-namespace: the namespace that the pod would be in"))
	case described:
		from, err := explain.HypotheticalPod(o.labels, o.sourceNamespace, o.serviceAccount)
		problem(err)
		o.from = from
	case len(args) > 0:
		from, err := explain.ParseSource(args[0])
		problem(err)
		o.from = from
		args = args[1:]
	}
	switch {
	case described && len(args) == 2:
	case len(args) > 1:
		errs = append(errs, kit.UsageErrorf("one cluster at a time: %s is too much", quotedWords(args[1:])))
	case len(args) == 0 && described:
		errs = append(errs, kit.UsageErrorf("the cluster is missing: explain --labels LABELS --source-namespace NAMESPACE CLUSTER"))
	case len(args) == 0:
		errs = append(errs, kit.UsageErrorf("source and cluster are needed: explain SOURCE CLUSTER"))
	default:
		o.name = args[0]
	}
	return errors.Join(errs...)
}

func quotedWords(words []string) string {
	out := make([]string, len(words))
	for i, word := range words {
		out[i] = fmt.Sprintf("%q", word)
	}
	return strings.Join(out, ", ")
}

// complete completes the source's kind, then the cluster.
func (o *explainOptions) complete(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 || cmd.Flags().Changed("labels") {
		if len(args) > 1 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return o.CompleteClusters(cmd, nil, typed)
	}
	return []string{
		"pod/", "deployment/", "statefulset/", "daemonset/", "job/", "cronjob/", "namespace/", "world", "host", "remote-node", "kube-apiserver",
	}, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

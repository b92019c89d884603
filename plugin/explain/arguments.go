package explain

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// validate finds flags that need another one, or that exclude each other. All that is wrong is reported.
func (o *options) validate() error {
	var errs []error
	if err := o.query.Validate(); err != nil {
		errs = append(errs, kit.UsageError{Err: err})
	}
	errs = append(errs, o.source.Files.Validate(), o.probes.Validate())
	if o.probes.Wanted && o.output.Format == report.Mermaid {
		errs = append(errs, kit.UsageErrorf("--probe has results of connections, which are in no picture: it can't be combined with -o mermaid"))
	}
	if o.whyNot && o.output.Format == report.Mermaid {
		errs = append(errs, kit.UsageErrorf("--why-not proposes commands and policies, which are no picture: it can't be combined with -o mermaid"))
	}
	return errors.Join(errs...)
}

// complete takes source and cluster from the arguments, or the source from the flags that describe one.
// All that is wrong with them is reported.
func (o *options) complete(flags *pflag.FlagSet, args []string) error {
	if flags.Changed("to") {
		return o.completeOutbound(flags, args)
	}
	var errs []error
	if flags.Changed("from") {
		errs = append(errs, kit.UsageErrorf("--from says who of the cluster connects to what --to names: leave it out, or add --to"))
	}
	described := flags.Changed("labels")
	for _, flag := range []string{"source-namespace", "source-service-account"} {
		if flags.Changed(flag) && !described {
			errs = append(errs, kit.UsageErrorf("--%s describes a pod together with --labels: name the namespace of another source in front of it, as in NAMESPACE/pod/NAME", flag))
		}
	}
	from := func(source explain.Source, err error) {
		if o.from = source; err != nil {
			errs = append(errs, kit.UsageError{Err: err})
		}
	}
	switch {
	case described && len(args) == 2:
		return errors.Join(append(errs, kit.UsageErrorf("--labels stands in place of the source %q: leave one of them out", args[0]))...)
	case described && o.described.namespace == "":
		errs = append(errs, kit.UsageErrorf("--labels needs --source-namespace: the namespace that the pod would be in"))
	case described:
		from(explain.HypotheticalPod(o.described.labels, o.described.namespace, o.described.serviceAccount))
	case len(args) > 0:
		from(explain.ParseSource(args[0]))
		args = args[1:]
	}
	switch {
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

// completeArguments completes the source's kind, then the cluster.
func (o *options) completeArguments(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 || cmd.Flags().Changed("labels") || cmd.Flags().Changed("to") {
		if len(args) > 1 || len(args) > 0 && cmd.Flags().Changed("to") {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return o.source.CompleteClusters(cmd, nil, typed)
	}
	return []string{
		"pod/", "deployment/", "statefulset/", "daemonset/", "job/", "cronjob/", "namespace/", "world", "host", "remote-node", "kube-apiserver", "ingress", "unmanaged", "init", "health",
	}, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

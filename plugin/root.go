package plugin

import (
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// The groups of the root command's help. Every verb names its group in GroupID.
const (
	groupInspect = "inspect"
	groupChange  = "change"
	groupOther   = "other"
)

// NewCommand returns the root command, kubectl cnpg-netpol. Its errors are not printed: Main does
// that, so that there is one place for messages and exit codes.
func NewCommand(streams genericiooptions.IOStreams) *cobra.Command {
	return newRootCommand(newRootOptions(streams))
}

// verbs are the constructors of the commands that do the plugin's work.
func verbs() []func(*rootOptions) *cobra.Command {
	return []func(*rootOptions) *cobra.Command{
		newStatusCommand,
		newExplainCommand,
		newDiffCommand,
		newLockdownCommand,
		newUnlockCommand,
	}
}

func newRootCommand(o *rootOptions) *cobra.Command {
	root := &cobra.Command{
		// The name of the file, which completion scripts need; the help shows the other one.
		Use: "kubectl-cnpg_netpol",
		Annotations: map[string]string{
			cobra.CommandDisplayNameAnnotation: "kubectl cnpg-netpol",
			exitNoAnnotation:                   "the answer is no; each command's help says what that means",
		},
		Short: "Show and enforce the network isolation of CloudNativePG clusters under Cilium",
		Long: long(`
			Shows which policies select the pods of CloudNativePG clusters and what those policies
			really allow, as Cilium's own engine reads them, and applies or removes a policy set that
			isolates a cluster without cutting it off from its operator, its replicas or its poolers.
		`),
		Example: examples(`
			# Is any database of the Kubernetes cluster open to everybody?
			kubectl cnpg-netpol status -A

			# The same question about manifests, without a Kubernetes cluster
			kubectl cnpg-netpol status -f deploy/ -R

			# See what locking down would change, and for whom
			kubectl cnpg-netpol lockdown shop-db --allow-pods role=backend --dry-run=client
		`),
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetIn(o.In)
	root.SetOut(o.Out)
	root.SetErr(o.ErrOut)
	root.SetHelpFunc(printHelp)
	root.SetUsageFunc(printUsage)
	root.AddGroup(
		&cobra.Group{ID: groupInspect, Title: "Look"},
		&cobra.Group{ID: groupChange, Title: "Change"},
		&cobra.Group{ID: groupOther, Title: "Other"},
	)
	o.addFlags(root)
	for _, verb := range verbs() {
		root.AddCommand(verb(o))
	}
	root.AddCommand(newVersionCommand(o), newCompletionCommand(o))
	root.SetHelpCommand(newHelpCommand())
	root.InitDefaultHelpCmd()
	markStart(root, o)
	completeNoFiles(root)
	return root
}

package plugin

import (
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/clients"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/rbac"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/status"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/test"
)

// NewCommand returns the root command, kubectl cnpg-netpol. Its errors are not printed: Main does
// that, so that there is one place for messages and exit codes.
func NewCommand(streams genericiooptions.IOStreams) *cobra.Command {
	return newRootCommand(kit.NewGlobals(streams, buildVersion()), new(bool))
}

// verbs are the constructors of the commands that do the plugin's work.
func verbs() []func(*kit.Globals) *cobra.Command {
	return []func(*kit.Globals) *cobra.Command{
		status.NewCommand,
		explain.NewCommand,
		clients.NewCommand,
		change.NewDiffCommand,
		change.NewLockdownCommand,
		change.NewUnlockCommand,
		test.NewCommand,
		change.NewConfirmCommand,
		change.NewGrantCommand,
		change.NewRevokeCommand,
	}
}

// newRootCommand sets started when cobra has accepted the command line and a command's RunE begins.
func newRootCommand(o *kit.Globals, started *bool) *cobra.Command {
	root := &cobra.Command{
		// The name of the file, which completion scripts need; the help shows the other one.
		Use: "kubectl-cnpg_netpol",
		Annotations: map[string]string{
			cobra.CommandDisplayNameAnnotation: "kubectl cnpg-netpol",
			kit.ExitNoAnnotation:               "the answer is no; each command's help says what that means",
		},
		Short: "Show and enforce the network isolation of CloudNativePG clusters under Cilium",
		Long: kit.Long(`
			Shows which policies select the pods of CloudNativePG clusters and what those policies
			really allow, as Cilium's own engine reads them, and applies or removes a policy set that
			isolates a cluster without cutting it off from its operator, its replicas or its poolers.
		`),
		Example: kit.Examples(`
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
		&cobra.Group{ID: kit.GroupInspect, Title: "Look"},
		&cobra.Group{ID: kit.GroupChange, Title: "Change"},
		&cobra.Group{ID: kit.GroupCheck, Title: "Check"},
		&cobra.Group{ID: kit.GroupOther, Title: "Other"},
	)
	o.AddFlags(root)
	addLogFlag(root.PersistentFlags())
	for _, verb := range verbs() {
		root.AddCommand(verb(o))
	}
	root.AddCommand(rbac.NewCommand(o), newVersionCommand(o), newCompletionCommand(o))
	root.SetHelpCommand(newHelpCommand())
	root.InitDefaultHelpCmd()
	markStart(root, started)
	completeNoFiles(root)
	return root
}

// completeNoFiles makes the values of flags complete to nothing, but for those that complete to
// something, and those of kubectl that are files.
func completeNoFiles(cmd *cobra.Command) {
	files := []string{"filename", "kubeconfig", "client-certificate", "client-key", "certificate-authority", "cache-dir", "flows"}
	nothing := func(f *pflag.Flag) {
		if _, known := cmd.GetFlagCompletionFunc(f.Name); known || f.NoOptDefVal != "" || slices.Contains(files, f.Name) {
			return
		}
		// The only errors are a flag that does not exist and one that has completions already.
		_ = cmd.RegisterFlagCompletionFunc(f.Name, cobra.NoFileCompletions)
	}
	cmd.PersistentFlags().VisitAll(nothing)
	cmd.Flags().VisitAll(nothing)
	for _, child := range cmd.Commands() {
		completeNoFiles(child)
	}
}

package plugin

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// newCompletionCommand prints cobra's completion scripts, in the form of kubectl completion.
func newCompletionCommand(o *kit.Globals) *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print a completion script (bash, zsh, fish, powershell)",
		Long: kit.Long(`
			Prints a completion script for bash, zsh, fish or powershell.

			kubectl itself completes "kubectl cnpg-netpol" when its own completion is loaded and the
			program kubectl_complete-cnpg_netpol, which comes with this plugin, is on the PATH: nothing
			else is needed then. The script that this command prints is for those who run the plugin
			without kubectl, as kubectl-cnpg_netpol.
		`),
		Example: kit.Examples(`
			# Complete "kubectl cnpg-netpol": load kubectl's completion, here for bash
			source <(kubectl completion bash)

			# Where the program kubectl_complete-cnpg_netpol is missing, a script does the same
			printf '#!/bin/sh\nexec kubectl-cnpg_netpol __complete "$@"\n' > kubectl_complete-cnpg_netpol
			chmod +x kubectl_complete-cnpg_netpol
			sudo mv kubectl_complete-cnpg_netpol /usr/local/bin/

			# Complete kubectl-cnpg_netpol
			source <(kubectl-cnpg_netpol completion bash)
			source <(kubectl-cnpg_netpol completion zsh)
			kubectl-cnpg_netpol completion fish | source
			kubectl-cnpg_netpol completion powershell | Out-String | Invoke-Expression
		`),
		GroupID:           kit.GroupOther,
		Annotations:       map[string]string{kit.OfflineAnnotation: ""},
		ValidArgsFunction: cobra.FixedCompletions(shells, cobra.ShellCompDirectiveNoFileComp),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("one shell is needed: bash, zsh, fish or powershell")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			const descriptions = true
			switch root := cmd.Root(); args[0] {
			case "bash":
				return root.GenBashCompletionV2(o.Out, descriptions)
			case "zsh":
				return root.GenZshCompletion(o.Out)
			case "fish":
				return root.GenFishCompletion(o.Out, descriptions)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(o.Out)
			}
			return kit.UsageErrorf("unknown shell %q: use bash, zsh, fish or powershell", args[0])
		},
	}
}

package plugin

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// newHelpCommand replaces cobra's, which answers an unknown command with exit code 0.
func newHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Show the help of a command",
		Long:  kit.Long(`Shows the help of a command, or this plugin's own without one.`),
		Example: kit.Examples(`
			kubectl cnpg-netpol help lockdown
		`),
		GroupID:     kit.GroupOther,
		Annotations: map[string]string{kit.OfflineAnnotation: ""},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, child := range cmd.Root().Commands() {
				if len(args) == 0 && child.IsAvailableCommand() {
					names = append(names, cobra.CompletionWithDesc(child.Name(), child.Short))
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil {
				return kit.UsageError{Err: kit.OneLine(err)}
			}
			if len(rest) > 0 {
				return kit.UsageError{Err: fmt.Errorf("%q has no command %q", about.CommandPath(), rest[0])}
			}
			return about.Help()
		},
	}
}

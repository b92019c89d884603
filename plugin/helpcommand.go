package plugin

import (
	"fmt"

	"github.com/spf13/cobra"
)

// newHelpCommand replaces cobra's, which answers an unknown command with exit code 0.
func newHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Show the help of a command",
		Long:  long(`Shows the help of a command, or this plugin's own without one.`),
		Example: examples(`
			kubectl cnpg-netpol help lockdown
		`),
		GroupID:     groupOther,
		Annotations: map[string]string{offlineAnnotation: ""},
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
				return usageError{oneLine(err)}
			}
			if len(rest) > 0 {
				return usageError{fmt.Errorf("%q has no command %q", about.CommandPath(), rest[0])}
			}
			return about.Help()
		},
	}
}

// noArgs is the Args of commands that take none. Cobra's own speaks of an unknown command.
func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unexpected argument %q", args[0])
	}
	return nil
}

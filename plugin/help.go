package plugin

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// printHelp is what --help and the help command print.
func printHelp(cmd *cobra.Command, _ []string) {
	var b bytes.Buffer
	text := cmd.Long
	if text == "" {
		text = cmd.Short
	}
	fmt.Fprintf(&b, "%s\n\n", strings.TrimSpace(text))
	writeUsage(&b, cmd)
	_, _ = cmd.OutOrStdout().Write(b.Bytes())
}

// printUsage is the part of the help that cobra prints for UsageString.
func printUsage(cmd *cobra.Command) error {
	var b bytes.Buffer
	writeUsage(&b, cmd)
	_, err := cmd.OutOrStderr().Write(b.Bytes())
	return err
}

func writeUsage(w io.Writer, cmd *cobra.Command) {
	if cmd.Runnable() {
		section(w, "Usage", "  "+cmd.UseLine())
	} else {
		section(w, "Usage", "  "+cmd.CommandPath()+" COMMAND [flags]")
	}
	section(w, "Examples", cmd.Example)
	for _, group := range cmd.Groups() {
		section(w, group.Title, commandList(cmd, group.ID))
	}
	own, kubectl := flagGroups(cmd)
	section(w, "Flags", own.FlagUsagesWrapped(kit.HelpWidth))
	if _, offline := cmd.Annotations[kit.OfflineAnnotation]; !offline {
		section(w, "Global flags (as in kubectl)", kubectl.FlagUsagesWrapped(kit.HelpWidth))
	}
	section(w, "Exit codes", exitCodes(cmd))
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(w, "\n'%s COMMAND --help' says more about a command.\n", cmd.CommandPath())
	}
}

// section writes a titled paragraph, with an empty line before all but the usage. Nothing is
// written without a body.
func section(w io.Writer, title, body string) {
	body = strings.Trim(body, "\n")
	if body == "" {
		return
	}
	if title != "Usage" {
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "%s:\n%s\n", title, body)
}

// commandList is a line for each command of a group.
func commandList(cmd *cobra.Command, group string) string {
	var b strings.Builder
	for _, child := range cmd.Commands() {
		// To cobra, the help command is never available.
		if child.GroupID == group && (child.IsAvailableCommand() || child.Name() == "help") {
			fmt.Fprintf(&b, "  %-12s%s\n", child.Name(), child.Short)
		}
	}
	return b.String()
}

// exitCodes explains the exit codes of a command.
func exitCodes(cmd *cobra.Command) string {
	no, ok := cmd.Annotations[kit.ExitNoAnnotation]
	if ok {
		no = fmt.Sprintf("  %d  %s\n", kit.ExitNo, no)
	}
	return fmt.Sprintf("  %d  fine\n%s  %d  %s", kit.ExitFine, no, kit.ExitFailed,
		"it could not be answered or done: usage, connection, permission, partial failure")
}

// flagGroups are the flags that cmd takes, those of the plugin and those of kubectl.
func flagGroups(cmd *cobra.Command) (own, kubectl *pflag.FlagSet) {
	own, kubectl = kit.NewFlagGroup(), kit.NewFlagGroup()
	cmd.InitDefaultHelpFlag()
	cmd.InheritedFlags() // merges the flags of the parents into cmd.Flags()
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if _, ok := f.Annotations[kit.KubectlAnnotation]; ok {
			kubectl.AddFlag(f)
		} else {
			own.AddFlag(f)
		}
	})
	return own, kubectl
}

package plugin

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const (
	// helpWidth is the number of columns that help texts keep to.
	helpWidth = 100
	// exitNoAnnotation says what exit code 1 of a command means, for its help. Commands without it
	// never exit with 1.
	exitNoAnnotation = "cnpg-netpol/exit-no"
	// offlineAnnotation marks commands that talk to no server; their help omits kubectl's flags.
	offlineAnnotation = "cnpg-netpol/offline"
	// kubectlAnnotation marks flags that are kubectl's own.
	kubectlAnnotation = "cnpg-netpol/kubectl"
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
	section(w, "Flags", own.FlagUsagesWrapped(helpWidth))
	if _, offline := cmd.Annotations[offlineAnnotation]; !offline {
		section(w, "Global flags (as in kubectl)", kubectl.FlagUsagesWrapped(helpWidth))
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
	no, ok := cmd.Annotations[exitNoAnnotation]
	if ok {
		no = fmt.Sprintf("  %d  %s\n", exitNo, no)
	}
	return fmt.Sprintf("  %d  fine\n%s  %d  %s", exitFine, no, exitFailed,
		"it could not be answered or done: usage, connection, permission, partial failure")
}

// newFlagGroup returns an empty flag set for grouping flags.
func newFlagGroup() *pflag.FlagSet { return pflag.NewFlagSet("", pflag.ContinueOnError) }

// markKubectl marks all flags of a set as kubectl's own.
func markKubectl(flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) { f.Annotations = map[string][]string{kubectlAnnotation: nil} })
}

// flagGroups are the flags that cmd takes, those of the plugin and those of kubectl.
func flagGroups(cmd *cobra.Command) (own, kubectl *pflag.FlagSet) {
	own, kubectl = newFlagGroup(), newFlagGroup()
	cmd.InitDefaultHelpFlag()
	cmd.InheritedFlags() // merges the flags of the parents into cmd.Flags()
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if _, ok := f.Annotations[kubectlAnnotation]; ok {
			kubectl.AddFlag(f)
		} else {
			own.AddFlag(f)
		}
	})
	return own, kubectl
}

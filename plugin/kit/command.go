package kit

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The groups of the root command's help. Every verb names its group in GroupID.
const (
	GroupInspect = "inspect"
	GroupChange  = "change"
	GroupCheck   = "check"
	GroupOther   = "other"
)

const (
	// HelpWidth is the number of columns that help texts keep to.
	HelpWidth = 100
	// ExitNoAnnotation says what exit code 1 of a command means, for its help. Commands without it
	// never exit with 1.
	ExitNoAnnotation = "cnpg-netpol/exit-no"
	// OfflineAnnotation marks commands that talk to no server; their help omits kubectl's flags.
	OfflineAnnotation = "cnpg-netpol/offline"
	// KubectlAnnotation marks flags that are kubectl's own.
	KubectlAnnotation = "cnpg-netpol/kubectl"
)

// NewFlagGroup returns an empty flag set for grouping flags.
func NewFlagGroup() *pflag.FlagSet { return pflag.NewFlagSet("", pflag.ContinueOnError) }

// markKubectl marks all flags of a set as kubectl's own.
func markKubectl(flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) { f.Annotations = map[string][]string{KubectlAnnotation: nil} })
}

// NoArgs is the Args of commands that take none. Cobra's own speaks of an unknown command.
func NoArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unexpected argument %q", args[0])
	}
	return nil
}

// OneCluster is the Args of commands that are about one cluster.
func OneCluster(command *cobra.Command, args []string) error {
	switch len(args) {
	case 1:
		return nil
	case 0:
		return UsageErrorf("a cluster is needed: %s CLUSTER", command.Name())
	default:
		return UsageErrorf("%s is about one cluster: leave out all but one of %s", command.Name(), strings.Join(args, " "))
	}
}

// Unique drops repeated names and keeps the order.
func Unique(names []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, name := range names {
		if !seen[name] {
			seen[name] = true
			out = append(out, name)
		}
	}
	return out
}

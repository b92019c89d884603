package plugin

import (
	"context"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// Main runs the plugin with the arguments that follow its name and returns the exit code. Results
// go to streams.Out, everything else to streams.ErrOut.
func Main(ctx context.Context, args []string, streams genericiooptions.IOStreams) int {
	silenceLibraries()
	started := false
	root := newRootCommand(kit.NewGlobals(streams, buildVersion()), &started)
	root.SetArgs(args)

	ctx, stop := interruptible(ctx)
	defer stop()
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return kit.ExitFine
	}
	if !started {
		// Cobra refused the command line: no verb has run.
		err = kit.UsageError{Err: kit.OneLine(err)}
	}
	if cmd.Name() == "help" {
		cmd = root // whose help lists the commands that there are
	}
	kit.PrintError(streams.ErrOut, cmd.CommandPath(), err)
	return kit.ExitCode(err)
}

// interruptible ends with ctx, for no other reason than having been canceled: however it comes, users read of an
// interruption in the same words.
func interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, cancel)
	return inner, cancel
}

// markStart makes every command below cmd say that cobra accepted its flags and arguments: what
// fails before that is a usage error, however cobra reports it.
func markStart(cmd *cobra.Command, started *bool) {
	if run := cmd.RunE; run != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			*started = true
			return run(cmd, args)
		}
	}
	for _, child := range cmd.Commands() {
		markStart(child, started)
	}
}

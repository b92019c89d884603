package plugin

import (
	"context"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// Main runs the plugin with the arguments that follow its name and returns the exit code. Results
// go to streams.Out, everything else to streams.ErrOut.
func Main(ctx context.Context, args []string, streams genericiooptions.IOStreams) int {
	silenceLibraries()
	o := newRootOptions(streams)
	root := newRootCommand(o)
	root.SetArgs(args)

	ctx, stop := interruptible(ctx)
	defer stop()
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitFine
	}
	if !o.started {
		// Cobra refused the command line: no verb has run.
		err = usageError{oneLine(err)}
	}
	if cmd.Name() == "help" {
		cmd = root // whose help lists the commands that there are
	}
	printError(streams.ErrOut, cmd.CommandPath(), err)
	return exitCode(err)
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
func markStart(cmd *cobra.Command, o *rootOptions) {
	if run := cmd.RunE; run != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			o.started = true
			return run(cmd, args)
		}
	}
	for _, child := range cmd.Commands() {
		markStart(child, o)
	}
}

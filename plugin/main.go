package plugin

import (
	"context"
	"errors"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// Main runs the plugin with the arguments that follow its name and returns the exit code. Results
// go to streams.Out, everything else to streams.ErrOut.
func Main(ctx context.Context, args []string, streams genericiooptions.IOStreams) int {
	silenceLibraries()
	started := false
	globals := kit.NewGlobals(streams, buildVersion())
	root := newRootCommand(globals, &started)
	root.SetArgs(args)
	help := &kit.Remembering{Writer: streams.Out}
	root.SetOut(help)

	ctx, stop := interruptible(ctx)
	defer stop()
	cmd, err := execute(ctx, root, globals)
	if err == nil {
		err = help.Err
		started = true
	}
	switch {
	case err == nil:
		return kit.ExitFine
	case errors.Is(err, syscall.EPIPE) && !errors.As(err, new(kit.LostOutput)):
		return kit.ExitFailed // The reader has gone away, as head does: it has read enough.
	}
	if !started && ctx.Err() == nil {
		// Cobra refused the command line: no verb has run.
		err = kit.UsageError{Err: kit.OneLine(err)}
	}
	if cmd.Name() == "help" {
		cmd = root // whose help lists the commands that there are
	}
	kit.PrintError(streams.ErrOut, cmd.CommandPath(), err)
	return kit.ExitCode(err)
}

// grace is how long a command may take to end by itself once it is interrupted.
const grace = 500 * time.Millisecond

// execute runs the command, and leaves it behind when it does not end with the context: Cilium's engine knows
// nothing of contexts, nor do the credential plugins of a kubeconfig. What is being changed is waited for: it is
// finished, or put back.
func execute(ctx context.Context, root *cobra.Command, globals *kit.Globals) (*cobra.Command, error) {
	type ended struct {
		cmd *cobra.Command
		err error
	}
	done := make(chan ended, 1)
	go func() {
		cmd, err := root.ExecuteContextC(ctx)
		done <- ended{cmd, err}
	}()
	select {
	case e := <-done:
		return e.cmd, e.err
	case <-ctx.Done():
	}
	const step = grace / 10
	for left := grace; left > 0; {
		select {
		case e := <-done:
			return e.cmd, e.err
		case <-time.After(step):
			if !globals.IsChanging() {
				left -= step
			}
		}
	}
	return root, ctx.Err()
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

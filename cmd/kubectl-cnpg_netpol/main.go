// Command kubectl-cnpg_netpol is the kubectl plugin cnpg-netpol. This file only connects the plugin
// to the process: standard streams, signals and the exit code.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin"
)

func main() {
	tuneGarbage()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first signal the default handling is back, so that a second one kills.
	context.AfterFunc(ctx, stop)

	// A reader that goes away must not end a change in the middle: writing fails instead.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)

	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	code := plugin.Main(ctx, os.Args[1:], streams)
	endChildren()
	os.Exit(code)
}

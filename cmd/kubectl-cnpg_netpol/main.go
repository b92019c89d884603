// Command kubectl-cnpg_netpol is the kubectl plugin cnpg-netpol. This file only connects the plugin
// to the process: standard streams, signals and the exit code.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin"
)

// What one run reads is mostly needed until its end, so that collecting garbage frees little: do it less
// often, as long as there is not much of it. GOGC and GOMEMLIMIT count when they are set.
const (
	garbagePercent = 400
	memoryLimit    = 1 << 30
)

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first signal the default handling is back, so that a second one kills.
	context.AfterFunc(ctx, stop)

	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	os.Exit(plugin.Main(ctx, os.Args[1:], streams))
}

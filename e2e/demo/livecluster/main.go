// Command livecluster runs a command against a Kubernetes API server that holds the objects of
// manifests, and stops the server when the command ends:
//
//	livecluster MANIFESTS COMMAND [ARGUMENT…]
//
// The command finds kubectl on its PATH and the kubeconfig in KUBECONFIG. The server is a real one,
// with the custom resources of Cilium and CloudNativePG; nothing else runs. What kubelet, operator
// and Cilium would do is done by package standin: the pods of the manifests' workloads run, they
// have endpoints, and Cilium's word on each policy follows a moment after it was applied.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/integration/standin"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/integration/testserver"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: livecluster MANIFESTS COMMAND [ARGUMENT…]")
		os.Exit(2)
	}
	if err := run(ctx, os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// run starts the server, fills it, runs the command and stops the server.
func run(ctx context.Context, manifests string, command []string) (err error) {
	assets, err := testserver.Assets(ctx)
	if err != nil {
		return err
	}
	server, err := testserver.Start(ctx, testserver.Options{Assets: assets})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	if err := fill(ctx, server.Config(), manifests); err != nil {
		return err
	}
	agent, err := standin.NewValidator(server.Config())
	if err != nil {
		return err
	}
	if err := agent.Start(ctx); err != nil {
		return err
	}
	defer agent.Stop()

	home, err := os.MkdirTemp("", "livecluster")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(home)) }()
	kubeconfig := filepath.Join(home, "config")
	if err := os.WriteFile(kubeconfig, server.Kubeconfig(), 0o600); err != nil {
		return err
	}
	// What the user interrupts is the command, which has the same terminal; it says so by itself.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(),
		"KUBECONFIG="+kubeconfig,
		"PATH="+assets+string(os.PathListSeparator)+os.Getenv("PATH"))
	return cmd.Run()
}

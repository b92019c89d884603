// Command lab makes and deletes the kind cluster of the end-to-end suite, for work on it by hand.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/kind/lab"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string) error {
	if len(arguments) != 2 {
		return errors.New("usage: lab up|down FOLDER, where FOLDER is for the kubeconfig")
	}
	l := lab.New(lab.FromEnvironment(os.Getenv), arguments[1], func(format string, a ...any) {
		fmt.Fprintf(os.Stderr, format+"\n", a...)
	})
	switch arguments[0] {
	case "up":
		if err := l.Up(ctx); err != nil {
			return err
		}
		_, err := fmt.Fprintf(os.Stdout, "export KUBECONFIG=%s\n", l.Kubeconfig)
		return err
	case "down":
		return l.Down()
	}
	return fmt.Errorf("%q: must be up or down", arguments[0])
}

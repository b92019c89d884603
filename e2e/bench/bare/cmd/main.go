// Command cmd makes the lists of package bare from the server of a kubeconfig file, and says how many
// objects there are: cmd KUBECONFIG.
package main

import (
	"context"
	"fmt"
	"os"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/bench/bare"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "error: name one kubeconfig file")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(kubeconfig string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	objects, err := bare.List(context.Background(), config)
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, objects, "objects")
	return nil
}

// Command cmd makes the lists of package bare from the server of a kubeconfig file, and says how many
// objects there are: cmd KUBECONFIG whole|outlined.
package main

import (
	"context"
	"fmt"
	"os"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/bench/bare"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "error: name a kubeconfig file, and how to read pods: whole or outlined")
		os.Exit(2)
	}
	if err := run(os.Args[1], bare.Pods(os.Args[2])); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(kubeconfig string, pods bare.Pods) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	objects, err := bare.List(context.Background(), config, pods)
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, objects, "objects")
	return nil
}

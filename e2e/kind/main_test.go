//go:build e2e

package kind_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/klog/v2"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/kind/lab"
)

// folder is where the kubeconfig goes, and what is collected about failures.
func folder() string {
	if dir := os.Getenv("E2E_FOLDER"); dir != "" {
		return dir
	}
	return filepath.Join("..", "..", "bin", "e2e")
}

// theLab is made by TestMain for all tests of the package.
var theLab *lab.Lab

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

// run makes the cluster, runs the tests and deletes it. A cluster that was there before stays.
func run(m *testing.M) int {
	ctx := context.Background()
	for _, program := range []string{"kubectl", "kubectl-cnpg_netpol"} {
		if _, err := exec.LookPath(program); err != nil {
			fmt.Fprintf(os.Stderr, "error: %v: the suite drives the built plugin through kubectl, see README.md\n", err)
			return 2
		}
	}
	dir, err := filepath.Abs(folder())
	if err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		return 2
	}
	// The streams of programs that are ended on purpose are no news.
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	begun := time.Now()
	theLab = lab.New(lab.FromEnvironment(os.Getenv), dir, func(format string, arguments ...any) {
		fmt.Fprintf(os.Stdout, "%6s  %s\n", time.Since(begun).Round(time.Second), fmt.Sprintf(format, arguments...))
	})
	existed, err := theLab.Exists()
	if err != nil {
		fmt.Fprintf(os.Stderr, "error: looking for kind clusters: %v\n", err)
		return 2
	}
	code := 2
	if err := theLab.Up(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		collect(ctx, "setup")
	} else {
		code = m.Run()
	}
	switch {
	case existed:
		theLab.Log("the cluster was there before and stays: make e2e-down deletes it")
	case code != 0 && os.Getenv("E2E_KEEP") == "1":
		theLab.Log("the cluster stays, as E2E_KEEP says: export KUBECONFIG=%s; make e2e-down deletes it", theLab.Kubeconfig)
	default:
		if err := theLab.Down(); err != nil {
			fmt.Fprintf(os.Stderr, "error: %v\n", err)
			return 2
		}
	}
	return code
}

// collect writes everything that helps to understand a failure into a folder of the given name.
func collect(ctx context.Context, name string) {
	dir := filepath.Join(filepath.Dir(theLab.Kubeconfig), "failures", name)
	theLab.Collect(ctx, dir)
	theLab.Log("what helps to understand this failure is in %s", dir)
}

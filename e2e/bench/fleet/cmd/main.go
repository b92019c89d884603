// Command cmd writes a fleet to stdout: go run ./e2e/bench/fleet/cmd -namespaces 100 …
package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/bench/fleet"
)

func main() {
	var s fleet.Size
	flag.IntVar(&s.Namespaces, "namespaces", 10, "number of namespaces")
	flag.IntVar(&s.ClusterNamespaces, "cluster-namespaces", 10, "how many of them hold databases")
	flag.IntVar(&s.ClustersPerNamespace, "clusters", 1, "databases in each of those")
	flag.IntVar(&s.Instances, "instances", 3, "pods of each database")
	flag.IntVar(&s.AppPods, "app-pods", 97, "application pods in each namespace")
	flag.IntVar(&s.Workloads, "workloads", 10, "Deployments that they belong to")
	flag.BoolVar(&s.CiliumPolicies, "cilium-policies", false, "three Cilium policies for each database")
	flag.IntVar(&s.NetworkPolicies, "network-policies", 0, "NetworkPolicies of applications")
	flag.BoolVar(&s.Endpoints, "endpoints", false, "a CiliumEndpoint for each pod")
	flag.BoolVar(&s.Short, "short", false, "pods with nothing but what policies ask for")
	form := flag.String("form", string(fleet.List), "list: one List; lines: a line of JSON for each object; yaml: the same lines as documents of YAML")
	flag.Parse()
	out := bufio.NewWriter(os.Stdout)
	if err := fleet.Write(out, s, fleet.Form(*form)); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	if err := out.Flush(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

package lab

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Collect writes what helps to understand a failure into a folder: pods, events, policies,
// endpoints, databases, and the logs of Cilium, of the operator and of the instances. It goes on
// when something can't be had, and writes the reason into that file.
func (l *Lab) Collect(ctx context.Context, folder string) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		l.Log("nothing collected: %v", err)
		return
	}
	agent := []string{"-n", CiliumNamespace, "exec", "daemonset/cilium", "-c", "cilium-agent", "--", "cilium-dbg"}
	for _, c := range []struct {
		file      string
		arguments []string
	}{
		{"nodes.txt", []string{"get", "nodes", "-o", "wide", "--show-labels"}},
		{"pods.txt", []string{"get", "pods", "-A", "-o", "wide", "--show-labels"}},
		{"pods.yaml", []string{"get", "pods", "-A", "-o", "yaml"}},
		{"jobs.yaml", []string{"get", "jobs", "-A", "-o", "yaml"}},
		{"services.yaml", []string{"get", "services,endpointslices", "-A", "-o", "yaml"}},
		{"events.txt", []string{"get", "events", "-A", "--sort-by=.lastTimestamp"}},
		{"databases.yaml", []string{"get", "clusters.postgresql.cnpg.io,poolers.postgresql.cnpg.io", "-A", "-o", "yaml"}},
		{"policies.yaml", []string{"get", "cnp,ccnp,networkpolicies", "-A", "-o", "yaml", "--show-managed-fields"}},
		{"endpoints.yaml", []string{"get", "ciliumendpoints", "-A", "-o", "yaml"}},
		{"identities.yaml", []string{"get", "ciliumidentities", "-o", "yaml"}},
		{"cilium-config.yaml", []string{"-n", CiliumNamespace, "get", "configmap/cilium-config", "-o", "yaml"}},
		{"cilium-agents.log", []string{"-n", CiliumNamespace, "logs", "-l", "k8s-app=cilium", "-c", "cilium-agent", "--prefix", "--tail=5000"}},
		{"cilium-agents-previous.log", []string{"-n", CiliumNamespace, "logs", "-l", "k8s-app=cilium", "-c", "cilium-agent", "--prefix", "--previous", "--tail=2000"}},
		{"cilium-operator.log", []string{"-n", CiliumNamespace, "logs", "deployment/cilium-operator", "--tail=2000"}},
		{"cilium-status.txt", append(agent, "status", "--verbose")},
		{"cilium-endpoints.txt", append(agent, "endpoint", "list")},
		{"cilium-policies.txt", append(agent, "policy", "selectors")},
		{"cilium-policy-maps.txt", append(agent, "bpf", "policy", "get", "--all")},
		{"plugin-status.txt", []string{"cnpg-netpol", "status", "-A", "-o", "wide"}},
	} {
		l.collect(ctx, filepath.Join(folder, c.file), c.arguments...)
	}
	l.collectLogs(ctx, folder, "app.kubernetes.io/name=cloudnative-pg")
	l.collectLogs(ctx, folder, "cnpg.io/cluster")
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		l.Log("collecting took too long: something is missing in %s", folder)
	}
}

// collectLogs writes the logs of all pods with a label, a file for each.
func (l *Lab) collectLogs(ctx context.Context, folder, selector string) {
	pods, err := l.Kubectl(ctx, nil, "get", "pods", "-A", "-l", selector, "-o",
		`jsonpath={range .items[*]}{.metadata.namespace}{" "}{.metadata.name}{"\n"}{end}`)
	if err != nil {
		l.Log("no logs collected: %v", err)
	}
	for line := range strings.Lines(string(pods)) {
		if f := strings.Fields(line); len(f) == 2 {
			l.collect(ctx, filepath.Join(folder, f[0]+"-"+f[1]+".log"), "-n", f[0], "logs", f[1], "--all-containers", "--tail=2000")
		}
	}
}

func (l *Lab) collect(ctx context.Context, file string, arguments ...string) {
	out, err := l.Kubectl(ctx, nil, arguments...)
	if err != nil {
		out = append(out, "\nerror: "+err.Error()+"\n"...)
	}
	if err := os.WriteFile(file, out, 0o644); err != nil {
		l.Log("%s not collected: %v", file, err)
	}
}

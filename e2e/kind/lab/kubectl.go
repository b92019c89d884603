package lab

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Kubectl runs kubectl against the lab and returns what it prints. Its error has what kubectl says.
func (l *Lab) Kubectl(ctx context.Context, stdin []byte, arguments ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "kubectl", arguments...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+l.Kubeconfig)
	cmd.Stdin = bytes.NewReader(stdin)
	var out, errors bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errors
	if err := cmd.Run(); err != nil {
		return out.Bytes(), fmt.Errorf("kubectl %s: %w: %s", strings.Join(arguments, " "), err, strings.TrimSpace(errors.String()))
	}
	return out.Bytes(), nil
}

// run is Kubectl for those who do not care what it prints.
func (l *Lab) run(ctx context.Context, stdin []byte, arguments ...string) error {
	_, err := l.Kubectl(ctx, stdin, arguments...)
	return err
}

// Apply applies a manifest on the server, which checks it strictly.
func (l *Lab) Apply(ctx context.Context, manifest []byte) error {
	return l.run(ctx, manifest, "apply", "--server-side", "--force-conflicts", "-f", "-")
}

// available waits until workloads have rolled out.
func (l *Lab) available(ctx context.Context, namespace string, workloads ...string) error {
	for _, w := range workloads {
		if err := l.run(ctx, nil, "-n", namespace, "rollout", "status", w, "--timeout=10m"); err != nil {
			return err
		}
	}
	return nil
}

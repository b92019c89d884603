package chaos

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/integration/standin"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/integration/testserver"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/live"
)

// patience bounds one run of the plugin. Nothing here takes as long, unless it hangs.
const patience = 2 * time.Minute

// lab is a server with the shop of the integration tests, what runs beside it, and a proxy in front of it.
type lab struct {
	config  *rest.Config
	clients live.Clients
	proxy   *Proxy
	// plugin is the program, and kubeconfig leads to the proxy.
	plugin, kubeconfig string
	agent              *standin.Validator
	// foreign are the versions of what belongs to others.
	foreign map[string]string
	figures figures
	// judged is what the engine has said already, by what was there.
	judged map[string][]string
}

// newLabs starts as many labs as can be used.
func newLabs(t *testing.T) []*lab {
	t.Helper()
	plugin, n := filepath.Join(t.TempDir(), "kubectl-cnpg_netpol"), 1
	build(t, plugin)
	if parallel, ok := flag.Lookup("test.parallel").Value.(flag.Getter); ok && thorough() {
		n, _ = parallel.Get().(int)
	}
	labs := make([]*lab, max(n, 1))
	for i := range labs {
		labs[i] = newLab(t, plugin)
	}
	return labs
}

func newLab(t *testing.T, plugin string) *lab {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	check(standin.ConfigureCilium())
	assets, err := testserver.Assets(ctx)
	check(err)
	server, err := testserver.Start(ctx, testserver.Options{Assets: assets})
	check(err)
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	l := &lab{config: server.Config(), plugin: plugin, judged: map[string][]string{}}
	l.config.QPS, l.config.Burst = 200, 400
	l.clients, err = live.NewClients(l.config)
	check(err)
	l.proxy, err = NewProxy(l.config)
	check(err)
	t.Cleanup(l.proxy.Close)
	direct, content := filepath.Join(t.TempDir(), "direct"), server.Kubeconfig()
	check(os.WriteFile(direct, content, 0o600))
	content, err = l.proxy.Kubeconfig()
	check(err)
	l.kubeconfig = filepath.Join(t.TempDir(), "config")
	check(os.WriteFile(l.kubeconfig, content, 0o600))

	for _, file := range []string{filepath.Join("..", "integration", "testdata", "shop.yaml"), filepath.Join("testdata", "theirs.yaml")} {
		content, err := os.ReadFile(file)
		check(err)
		check(standin.Load(ctx, l.config, content))
	}
	check(standin.WriteSettings(ctx, l.config, nil))
	check(standin.RunPods(ctx, l.config, standin.PodOptions{}))
	l.agent, err = standin.NewValidator(l.config)
	check(err)
	check(l.agent.Start(ctx))
	t.Cleanup(l.agent.Stop)
	controllers := exec.Command(filepath.Join(assets, "controllers"), direct)
	check(controllers.Start())
	t.Cleanup(func() {
		_ = controllers.Process.Kill() // It is over when Wait returns, whatever either says.
		_ = controllers.Wait()
	})
	l.awaitTheirs(t)
	l.foreign = l.whatIsForeign(t)
	return l
}

// build builds the plugin, as it is released.
func build(t *testing.T, into string) {
	t.Helper()
	root, err := testserver.ModuleDir(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	// The go command caches a test's result by the files that the test itself has looked at.
	for _, dir := range []string{"cmd", "internal", "plugin"} {
		if err := filepath.WalkDir(filepath.Join(root, dir), func(_ string, _ fs.DirEntry, err error) error { return err }); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-o", into, filepath.Join(root, "cmd", "kubectl-cnpg_netpol"))
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
}

// awaitTheirs waits until the controllers have seen what is there from the beginning.
func (l *lab) awaitTheirs(t *testing.T) {
	t.Helper()
	for range 300 {
		theirs, err := l.clients.Cilium.CiliumV2().CiliumNetworkPolicies(namespace).Get(t.Context(), "theirs", metav1.GetOptions{})
		job, jobErr := l.clients.Kubernetes.BatchV1().Jobs(namespace).Get(t.Context(), "theirs", metav1.GetOptions{})
		if err == nil && jobErr == nil && len(theirs.Status.Conditions) > 0 && len(job.Status.Conditions) > 0 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("nobody looks at policies and Jobs")
}

// outcome is what a run of the plugin has come to.
type outcome struct {
	stdout, stderr string
	code           int
	killed         bool
}

// run runs the plugin through the proxy.
func (l *lab) run(t *testing.T, args ...string) outcome {
	t.Helper()
	command, out := l.command(t, args...)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	return out.wait(t, command)
}

// streams are what a run writes.
type streams struct{ stdout, stderr bytes.Buffer }

// command is the plugin, not running yet.
func (l *lab) command(t *testing.T, args ...string) (*exec.Cmd, *streams) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	out := &streams{}
	command := exec.CommandContext(ctx, l.plugin, append(args, "--kubeconfig", l.kubeconfig)...)
	command.Env = append(os.Environ(), "HOME="+filepath.Dir(l.kubeconfig))
	command.Stdout, command.Stderr = &out.stdout, &out.stderr
	return command, out
}

// said is what the run has told of what it has done: all but the preview.
func (o outcome) said() string {
	var done strings.Builder
	for line := range strings.Lines(o.stdout) {
		if strings.HasPrefix(line, "ciliumnetworkpolicy") {
			done.WriteString(line)
		}
	}
	return fmt.Sprintf("exit code %d\n%s%s", o.code, done.String(), o.stderr)
}

// wait waits for the end of a run.
func (s *streams) wait(t *testing.T, command *exec.Cmd) outcome {
	t.Helper()
	err := command.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	o := outcome{stdout: s.stdout.String(), stderr: s.stderr.String(), code: command.ProcessState.ExitCode()}
	o.killed = o.code < 0
	return o
}

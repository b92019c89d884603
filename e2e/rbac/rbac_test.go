package rbac

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/integration/standin"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/e2e/integration/testserver"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin"
)

// asPlugin makes this test program the plugin: it needs a process of its own, because both the
// plugin and package standin set Cilium's globals.
const asPlugin = "RBAC_TEST_AS_PLUGIN"

func TestMain(m *testing.M) {
	if os.Getenv(asPlugin) != "" {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
		code := plugin.Main(ctx, os.Args[1:], streams)
		stop()
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// TestRolesSuffice runs the commands as some users: a viewer has the first role everywhere, a locker
// has it too, and the second one in the namespace of the database, and operators have that in the operator's.
func TestRolesSuffice(t *testing.T) {
	kubeconfig := serve(t)
	const none = ""
	steps := []struct {
		user    string
		command string
		code    int
		// stderr is a part of what the command must say on stderr, empty for nothing but progress.
		stderr string
		// seen is a part of stdout that shows that nothing was missing.
		seen string
	}{
		{"viewer", "status -A -o yaml", 0, none, "posture: OPEN"},
		{"viewer", "explain deployment/frontend orders -n shop", 0, none, "allowed"},
		{"viewer", "explain other/deployment/backend orders -n shop", 0, none, "allowed"},
		{"viewer", "explain deployment/idle orders -n shop", 0, none, "no pod of deployment/idle runs"},
		{"viewer", "test --init orders -n shop", 0, none, "- {from: deployment/frontend, to: orders, verdict: allowed}"},
		{"viewer", "test testdata/expectations.yaml", 0, none, "6 expectations, all met"},
		{"viewer", "clients orders -n shop", 0, none, "references  specs of workloads\n              never sees"},
		{"viewer", "clients orders -n shop -o jsonpath={.evidence[0].gaps[0]}", 0, none, "to run a command in it is forbidden"},
		{"viewer", "clients orders -n shop -o jsonpath={.evidence[*].gaps}", 0, none, "ConfigMaps can't be read: that is forbidden"},
		{"observer", "clients orders -n shop -o jsonpath={.evidence[*].gaps}", 0, none, `ConfigMaps of namespace \"shop\" alone may be read`},
		// No kubelet runs here: the server lets the command pass, and does not find the node.
		{"observer", "clients orders -n shop -o jsonpath={.evidence[0].gaps[0]}", 0, none, "pods \"node-1\" not found"},
		{"viewer", "explain deployment/frontend orders -n shop --probe", 0, none, "it gets no twin: timer"},
		{"viewer", "explain orders -n shop --to api-server --probe", 0, none, "no command could be run in pod \"orders-1\""},
		{"viewer", "test testdata/outbound.yaml --probe", 0, none, "no command could be run in pod \"orders-1\""},
		{"viewer", "diff orders -n shop", 1, none, "orders-default-deny"},
		{"viewer", "lockdown orders -n shop --dry-run=client", 0, none, "OPEN → LOCKED"},
		{"viewer", "lockdown orders -n shop --yes", 2, "forbidden", "OPEN → LOCKED"},
		{"viewer", "status orders -n shop", 0, none, "OPEN"},
		{"locker", "lockdown orders -n shop --allow-pods role=backend --dry-run=server", 0, none, "OPEN → LOCKED"},
		{"locker", "lockdown orders -n shop --allow-pods role=backend --yes", 0, "orders is LOCKED", "created"},
		{"locker", "status orders -n shop --fail-on warning", 0, none, "LOCKED"},
		{"locker", "diff orders -n shop", 0, none, ""},
		{"locker", "lockdown orders -n shop --allow-namespace backend --yes", 0, "orders is LOCKED", "deleted"},
		{"viewer", "unlock orders -n shop --yes", 2, "forbidden", "LOCKED → OPEN"},
		{"viewer", "status orders -n shop", 0, none, "LOCKED"},
		{"locker", "unlock orders -n shop --yes", 0, "orders is OPEN", "deleted"},
		{"viewer", "lockdown orders -n shop --undo --dry-run=client", 2, `configmaps "cnpg-netpol-journal" is forbidden`, ""},
		{"locker", "lockdown orders -n shop --undo --yes", 0, "orders is LOCKED", "created"},
		{"locker", "lockdown orders -n shop --undo --yes", 0, "orders is OPEN", "deleted"},
		{"locker", "lockdown orders -n shop --confirm-within 1h --dry-run=server", 0, none, "OPEN → LOCKED"},
		{"locker", "lockdown orders -n shop --yes --confirm-within 1h", 0, "ends by itself at", "created"},
		{"viewer", "status orders -n shop", 0, none, "Keep it: kubectl cnpg-netpol confirm orders -n shop"},
		{"viewer", "confirm orders -n shop", 2, "forbidden", ""},
		{"locker", "confirm orders -n shop --extend 1h", 0, "ends by itself at", ""},
		{"locker", "grant orders -n shop --allow-namespace backend --for 1h --yes", 0, "Access to orders is granted until", "created"},
		{"viewer", "status orders -n shop", 0, none, "asked for by"},
		{"locker", "revoke orders -n shop --yes", 0, "What was granted for orders has ended.", "deleted"},
		{"locker", "confirm orders -n shop", 0, "is confirmed, and stays", ""},
		{"locker", "unlock orders -n shop --yes", 0, "orders is OPEN", "deleted"},
		{"viewer", "status -A -o yaml", 0, none, "posture: OPEN"},
		{"viewer", "lockdown --operator --egress --dry-run=client", 0, none, "cnpg-operator-default-deny"},
		{"viewer", "lockdown --operator --egress --yes", 2, "forbidden", "cnpg-operator-default-deny"},
		// The role in the database's namespace is none in the operator's.
		{"locker", "lockdown --operator --egress --yes", 2, "forbidden", "cnpg-operator-default-deny"},
		{"operators", "lockdown --operator --egress --allow-metrics monitoring --dry-run=server", 0, none, "cnpg-operator-default-deny-egress"},
		{"operators", "lockdown --operator --egress --allow-metrics monitoring --yes", 0, "is locked down", "created"},
		{"operators", "diff --operator", 0, none, ""},
		{"operators", "lockdown --operator --yes", 0, "is locked down", "deleted"},
		{"operators", "lockdown --operator --undo --yes", 0, "The operator in cnpg-system", "created"},
		{"viewer", "unlock --operator --yes", 2, "forbidden", "cnpg-operator-default-deny"},
		{"operators", "unlock --operator --yes", 0, "No policy is managed any more for the operator", "deleted"},
		{"operators", "lockdown orders -n shop --yes", 2, "forbidden", "OPEN → LOCKED"},
		{"viewer", "status -A -o yaml", 0, none, "posture: OPEN"},
	}
	t.Run("viewer status -A --watch", func(t *testing.T) { watching(t, kubeconfig) })
	t.Run("prober explain --probe", func(t *testing.T) { probing(t, kubeconfig) })
	for _, step := range steps {
		t.Run(step.user+" "+step.command, func(t *testing.T) {
			stdout, stderr, code := run(t, kubeconfig, step.user, strings.Fields(step.command)...)
			if code != step.code {
				t.Errorf("exit code %d, want %d", code, step.code)
			}
			if !strings.Contains(stderr, step.stderr) || step.stderr == none && stderr != "" {
				t.Errorf("stderr does not say %q", step.stderr)
			}
			if !strings.Contains(stdout, step.seen) {
				t.Errorf("stdout does not say %q", step.seen)
			}
			if strings.Contains(stdout, "EVIDENCE_MISSING") {
				t.Error("some evidence is missing")
			}
			if t.Failed() {
				t.Logf("stdout:\n%s\nstderr:\n%s", stdout, stderr)
			}
		})
	}
}

// watching is what viewer may do without a refusal, which -v brings to light: without the permission to
// watch, the plugin would read again every now and then, and nobody would notice.
func watching(t *testing.T, kubeconfig string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command := plugged(ctx, t, kubeconfig, "viewer", "status", "-A", "-o", "yaml", "--watch", "-v", "2")
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	command.Stderr = &log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	seen := bufio.NewScanner(stdout)
	for seen.Scan() && !strings.Contains(seen.Text(), "posture: ") {
		continue
	}
	// Refusals come right after the first report, or never.
	time.AfterFunc(time.Second, func() { _ = command.Process.Signal(os.Interrupt) })
	rest, err := io.ReadAll(stdout)
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); err != nil {
		t.Error(err)
	}
	if strings.Contains(log.String(), "forbidden") || strings.Contains(string(rest), "EVIDENCE_MISSING") {
		t.Errorf("something can't be watched:\n%s\n%s", log.String(), rest)
	}
}

// idle is a workload of which no pod runs.
const idle = `apiVersion: apps/v1
kind: Deployment
metadata: {name: idle, namespace: shop}
spec:
  replicas: 0
  selector: {matchLabels: {app: idle}}
  template:
    metadata: {labels: {app: idle}}
    spec: {containers: [{name: app, image: app:1}]}
`

// serve starts a server with the shop of the integration tests and the two users, and returns the
// file of its kubeconfig.
func serve(t *testing.T) string {
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
	config := server.Config()
	shop, err := os.ReadFile(filepath.Join("..", "integration", "testdata", "shop.yaml"))
	check(err)
	check(standin.Load(ctx, config, shop))
	kubeconfig := filepath.Join(t.TempDir(), "config")
	check(os.WriteFile(kubeconfig, server.Kubeconfig(), 0o600))
	roles, stderr, code := run(t, kubeconfig, "viewer", "rbac")
	if code != 0 || stderr != "" {
		t.Fatalf("rbac: exit code %d, stderr %q", code, stderr)
	}
	check(standin.Load(ctx, config, []byte(roles)))
	for _, role := range []string{"observe", "probe"} {
		text, _, _ := run(t, kubeconfig, "viewer", "rbac", role)
		check(standin.Load(ctx, config, []byte(text)))
	}
	check(standin.Load(ctx, config, []byte(idle)))
	check(standin.WriteSettings(ctx, config, nil))
	check(standin.RunPods(ctx, config, standin.PodOptions{}))

	kube, err := kubernetes.NewForConfig(config)
	check(err)
	users := []rbacv1.Subject{{Kind: "User", Name: "viewer"}, {Kind: "User", Name: "locker"}, {Kind: "User", Name: "observer"}, {Kind: "User", Name: "prober"}, {Kind: "User", Name: "operators"}}
	role := func(name string) rbacv1.RoleRef {
		return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name}
	}
	_, err = kube.RbacV1().ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "view"}, RoleRef: role("cnpg-netpol-view"), Subjects: users,
	}, metav1.CreateOptions{})
	check(err)
	_, err = kube.RbacV1().RoleBindings("shop").Create(ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "lockdown"}, RoleRef: role("cnpg-netpol-lockdown"), Subjects: users[1:2],
	}, metav1.CreateOptions{})
	check(err)
	_, err = kube.RbacV1().RoleBindings("cnpg-system").Create(ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "lockdown"}, RoleRef: role("cnpg-netpol-lockdown"), Subjects: users[4:5],
	}, metav1.CreateOptions{})
	check(err)
	_, err = kube.RbacV1().RoleBindings("shop").Create(ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "observe"}, RoleRef: role("cnpg-netpol-observe"), Subjects: users[2:3],
	}, metav1.CreateOptions{})
	check(err)

	_, err = kube.RbacV1().RoleBindings("shop").Create(ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "probe"}, RoleRef: role("cnpg-netpol-probe"), Subjects: users[3:4],
	}, metav1.CreateOptions{})
	check(err)

	// Timers need Kubernetes' own controllers.
	controllers := exec.Command(filepath.Join(assets, "controllers"), kubeconfig)
	check(controllers.Start())
	t.Cleanup(func() {
		_ = controllers.Process.Kill() // It is over when Wait returns, whatever either says.
		_ = controllers.Wait()
	})
	agent, err := standin.NewValidator(config)
	check(err)
	check(agent.Start(ctx))
	t.Cleanup(agent.Stop)
	return kubeconfig
}

// probing is what the role for probes is enough for: all but the command itself, for no kubelet runs here that could carry
// it out. Nothing is left of it.
func probing(t *testing.T, kubeconfig string) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	twins := func() int {
		pods, err := kube.CoreV1().Pods("shop").List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return len(slices.DeleteFunc(pods.Items, func(p corev1.Pod) bool { return !strings.HasPrefix(p.Name, "cnpg-netpol-twin-") }))
	}
	command := plugged(t.Context(), t, kubeconfig, "prober", "explain", "deployment/frontend", "orders", "-n", "shop", "--probe")
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	for running := false; !running; {
		select {
		case err := <-ended:
			t.Fatalf("it has ended without a twin: %v\n%s", err, &out)
		case <-time.After(100 * time.Millisecond):
			running = twins() > 0
		}
	}
	if err := standin.RunPods(t.Context(), config, standin.PodOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil || !strings.Contains(out.String(), "no command could be run in pod") || strings.Contains(out.String(), "forbidden") {
		t.Errorf("%v\n%s", err, &out)
	}
	owners, err := kube.CoreV1().ConfigMaps("shop").List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/managed-by=kubectl-cnpg-netpol"})
	if err != nil || len(owners.Items) > 0 || twins() > 0 {
		t.Errorf("left: %d twins, %+v, %v", twins(), owners, err)
	}
}

func run(t *testing.T, kubeconfig, user string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	command := plugged(t.Context(), t, kubeconfig, user, args...)
	var out, errOut bytes.Buffer
	command.Stdout, command.Stderr = &out, &errOut
	err := command.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return out.String(), errOut.String(), exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), errOut.String(), 0
}

// plugged is the plugin as the user runs it.
func plugged(ctx context.Context, t *testing.T, kubeconfig, user string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(ctx, self, append(args, "--kubeconfig", kubeconfig, "--as", user)...)
	command.Env = append(os.Environ(), asPlugin+"=1")
	return command
}

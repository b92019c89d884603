//go:build e2e

package kind_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const (
	defaultDeny = "cnp/cluster-example-default-deny"
	// soon is long enough for what a case does meanwhile.
	soon = "30s"
	// manager is the manifest by which the kubelet runs the controller manager.
	manager = "/etc/kubernetes/manifests/kube-controller-manager.yaml"
)

// complete is a Job that is complete as soon as a controller manager runs.
const complete = `{apiVersion: batch/v1, kind: Job, metadata: {name: complete, namespace: default}, spec: {completions: 0, parallelism: 0,
	template: {spec: {restartPolicy: Never, containers: [{name: none, image: none}]}}}}`

// timers looks at what ends by itself while something is out of order.
func timers(t *testing.T, w *world) {
	trial := []string{"lockdown", "cluster-example", "--allow-pods", "role=backend", "--yes", "--confirm-within", soon, "--timeout", soon}

	w.it(t, "the plugin is killed as soon as default deny is there: it goes", func(t *testing.T) {
		w.killedAt(t, "default-deny created", trial...)
		w.expectEnds(t)
		w.expectAccess(t, toPrimary, everybody, everybody...)
	})
	w.it(t, "the plugin's network goes when default deny is there: it ends all the same", func(t *testing.T) {
		var gone atomic.Bool
		kubeconfig := w.proxied(t, func(r *http.Request) {
			if gone.Load() {
				r.URL.Host = "127.0.0.1:1"
			}
			if r.Method == http.MethodPatch && strings.HasSuffix(r.URL.Path, "cluster-example-default-deny") && !strings.Contains(r.URL.RawQuery, "dryRun") {
				gone.Store(true) // For what comes after this one, however fast the plugin is.
			}
		})
		a, err := askWith(t.Context(), kubeconfig, trial...)
		if err != nil || a.code == 0 {
			t.Errorf("it has not noticed: %v\n%s%s", err, a.out, a.errors)
		}
		w.expectEnds(t)
	})
	w.it(t, "the API server is restarted meanwhile", func(t *testing.T) {
		w.answered(t, 0, "", trial...)
		w.onNode(t, "pkill", "-KILL", "kube-apiserver")
		eventually(t, func(ctx context.Context) error {
			_, err := w.lab.Kubectl(ctx, nil, "get", "--raw", "/readyz")
			return err
		})
		w.expectEnds(t)
	})
	w.it(t, "the controller manager is restarted meanwhile", func(t *testing.T) {
		w.answered(t, 0, "", trial...)
		w.onNode(t, "pkill", "-KILL", "kube-controller")
		w.expectEnds(t)
	})
	w.it(t, "no controller manager runs: lockdown that would end is refused, and what runs is called overdue until one does", func(t *testing.T) {
		w.answered(t, 0, "", trial...)
		w.onNode(t, "mv", manager, "/var/")
		node := w.node(t)
		back := func() {
			_ = exec.Command("docker", "exec", node, "mv", "/var/kube-controller-manager.yaml", manager).Run()
		} // it may be back
		t.Cleanup(back)
		eventually(t, func(ctx context.Context) error {
			for _, f := range w.status(t, "cluster-example").Findings {
				if f.Code == "ACCESS_OVERDUE" {
					return nil
				}
			}
			return errors.New("nothing is overdue")
		})
		if !w.exists(t, defaultDeny) {
			t.Error("default deny has ended without a controller manager")
		}
		w.unlock(t, "cluster-example")
		// Not with the suite's patience: nobody comes.
		a, err := ask(t.Context(), trial...)
		if err != nil || a.code != 2 {
			t.Errorf("exit code %d, %v", a.code, err)
		}
		if !strings.Contains(a.errors, "is a kube-controller-manager running?") || w.exists(t, defaultDeny) {
			t.Errorf("%s%s", a.out, a.errors)
		}
		back()
		eventually(t, func(ctx context.Context) error { return w.lab.Apply(ctx, []byte(complete)) })
		w.kubectl(t, "wait", "--for=condition=Complete", "job/complete", "--timeout=5m")
		w.remove(t, "job", "complete")
	})

	rounds := 3
	if n, err := strconv.Atoi(os.Getenv("E2E_LAST_SECOND_ROUNDS")); err == nil {
		rounds = n
	}
	w.it(t, fmt.Sprintf("confirmed in the last second, %d times: kept or gone, and never both", rounds), func(t *testing.T) {
		kept, ended := 0, 0
		for round := range rounds {
			if w.confirmedAtTheEnd(t, round) {
				kept++
			} else {
				ended++
			}
		}
		t.Logf("%d times it was confirmed and is kept, %d times it was too late and has ended", kept, ended)
	})

	for _, ahead := range []time.Duration{5 * time.Minute, -5 * time.Minute} {
		w.it(t, fmt.Sprintf("the server's clock is %s ahead of that of the plugin's machine", ahead), func(t *testing.T) { w.clocks(t, ahead) })
	}
	w.it(t, "a rehearsal ends by itself, with all of its policies, and nobody is cut off before or after", func(t *testing.T) {
		w.answered(t, 0, "", append(trial, "--rehearse")...)
		w.expectAccess(t, toPrimary, everybody, everybody...)
		took := eventually(t, func(context.Context) error {
			if left := w.kubectl(t, "get", "cnp,jobs", "-l", "app.kubernetes.io/managed-by=kubectl-cnpg-netpol", "-o", "name"); left != "" {
				return fmt.Errorf("still there: %s", left)
			}
			return nil
		})
		t.Logf("the rehearsal has gone after %s", took.Round(time.Second))
		w.expectAccess(t, toPrimary, everybody, everybody...)
		// Confirmed, it stays for longer than that.
		w.answered(t, 0, "", append(trial, "--rehearse")...)
		w.answered(t, 0, "", "confirm", "cluster-example")
		time.Sleep(40 * time.Second)
		if owners := w.kubectl(t, "get", "cnp", "-l", "app.kubernetes.io/managed-by=kubectl-cnpg-netpol", "-o", "jsonpath={.items[*].metadata.name} {.items[*].metadata.ownerReferences}"); strings.TrimSpace(owners) != "cluster-example-internal-access cluster-example-postgres-access-role-backend" {
			t.Errorf("confirmed, and then: %q", owners)
		}
		w.unlock(t, "cluster-example")
	})

	w.it(t, "a grant ends while a session is open: it gets no answer from then on", func(t *testing.T) {
		w.removePolicies(t)
		w.lockdown(t, "cluster-example", "--allow-pods", "role=backend")
		w.answered(t, 0, "", "grant", "cluster-example", "--allow-namespace", "backend", "--for", soon, "--yes")
		p := w.probeSession(t, inBackend, toPrimary)
		w.expectProgress(t, p)
		t.Logf("the grant has ended %s after the session began", w.grantEnds(t).Round(time.Second))
		// The question that is open then gets no answer, and none is begun after it.
		ended := time.Now().Add(2 * time.Second)
		w.expectAccess(t, toPrimary, everybody, labelledHere, theHost)
		time.Sleep(10 * time.Second)
		for _, a := range p.since(ended) {
			if a.Answered {
				t.Errorf("a question of %s was answered", a.Begun.Format(clock))
			}
		}
		p.stop()
	})
}

// node is the kind node, which is a container.
func (w *world) node(t *testing.T) string {
	t.Helper()
	return w.nodes(t)[0]
}

// onNode runs a program on the node.
func (w *world) onNode(t *testing.T, command ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "docker", append([]string{"exec", w.node(t)}, command...)...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
}

func (w *world) exists(t *testing.T, object string) bool {
	t.Helper()
	return w.kubectl(t, "get", object, "--ignore-not-found", "-o", "name") != ""
}

// expectEnds waits until default deny has gone by itself.
func (w *world) expectEnds(t *testing.T) {
	t.Helper()
	if !w.exists(t, defaultDeny) {
		t.Fatal("default deny is not there")
	}
	took := eventually(t, func(ctx context.Context) error {
		out, err := w.lab.Kubectl(ctx, nil, "get", defaultDeny, "--ignore-not-found", "-o", "name")
		if err == nil && len(out) > 0 {
			err = fmt.Errorf("still there: %s", out)
		}
		return err
	})
	t.Logf("default deny has gone after %s", took.Round(time.Second))
	w.unlock(t, "cluster-example")
}

// killedAt kills the plugin when it has said something.
func (w *world) killedAt(t *testing.T, said string, arguments ...string) {
	t.Helper()
	cmd := command(t.Context(), "", arguments...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	found := false
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if found = strings.Contains(lines.Text(), said); found {
			break
		}
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // it may have ended
	_ = cmd.Wait()                                      // killed
	if !found || cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("said: %t, %s", found, cmd.ProcessState)
	}
}

// confirmedAtTheEnd confirms a lockdown within a second around its deadline, each round at another moment. It is kept when that is
// what was said, and gone when it was not.
func (w *world) confirmedAtTheEnd(t *testing.T, round int) bool {
	t.Helper()
	const within = 5 * time.Second
	w.answered(t, 0, "", "lockdown", "cluster-example", "--allow-pods", "role=backend", "--yes", "--confirm-within", within.String())
	ends := w.deadline(t)
	// The plugin and the machine take some tenths of a second; on a busy machine, it may have ended already.
	time.Sleep(time.Until(ends.Add(-time.Second + time.Duration(round%10)*100*time.Millisecond)))
	a, err := ask(t.Context(), "confirm", "cluster-example")
	if err != nil {
		t.Fatal(err)
	}
	// Whoever would still delete it has had the time.
	time.Sleep(5 * time.Second)
	owner := w.kubectl(t, "get", defaultDeny, "--ignore-not-found", "-o", "jsonpath={.metadata.name} {.metadata.ownerReferences}")
	switch {
	case a.code == 0 && strings.TrimSpace(owner) != "cluster-example-default-deny":
		t.Errorf("confirmed, and then: %q\n%s%s", owner, a.out, a.errors)
	case a.code != 0:
		eventually(t, func(context.Context) error {
			if w.exists(t, defaultDeny) {
				return errors.New("not confirmed, and there: " + a.errors)
			}
			return nil
		})
	}
	w.unlock(t, "cluster-example")
	return a.code == 0
}

// deadline is when the timer of a lockdown ends, by the server; zero when it has ended.
func (w *world) deadline(t *testing.T) time.Time {
	t.Helper()
	var ends time.Time
	for _, line := range strings.Fields(w.kubectl(t, "get", "jobs", "-l", "cnpg-netpol/timer=lockdown", "-o",
		`jsonpath={range .items[*]}{.status.conditions[?(@.type=="Complete")].lastTransitionTime} {.spec.ttlSecondsAfterFinished}{end}`)) {
		if at, err := time.Parse(time.RFC3339, line); err == nil {
			ends = at
		} else if seconds, err := strconv.Atoi(line); err == nil {
			ends = ends.Add(time.Duration(seconds) * time.Second)
		}
	}
	return ends
}

// grantEnds waits until nothing is granted, and says how long that took.
func (w *world) grantEnds(t *testing.T) time.Duration {
	t.Helper()
	return eventually(t, func(context.Context) error {
		if granted := w.kubectl(t, "get", "cnp", "-l", "cnpg-netpol/policy=granted-access", "-o", "name"); granted != "" {
			return fmt.Errorf("still there: %s", granted)
		}
		return nil
	})
}

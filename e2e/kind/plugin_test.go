//go:build e2e

package kind_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// The plugin's machine output, as far as these tests read it. It is written down here once more on
// purpose: whoever changes the schema sees who reads it.
type (
	reportList struct {
		Items    []report  `json:"items"`
		Findings []finding `json:"findings"`
	}
	report struct {
		Metadata struct {
			Name string `json:"name"`
		} `json:"metadata"`
		Posture  string   `json:"posture"`
		Policies []policy `json:"policies"`
		Flows    []flow   `json:"requiredFlows"`
		Exposure []struct {
			Target   string   `json:"target"`
			Port     int      `json:"port"`
			Entities []string `json:"entities"`
			Clients  []struct {
				Namespace string `json:"namespace"`
				Workload  string `json:"workload"`
			} `json:"clients"`
		} `json:"exposure"`
		Findings []finding `json:"findings"`
	}
	policy struct {
		Name    string `json:"name"`
		Valid   bool   `json:"valid"`
		Message string `json:"message"`
	}
	flow struct {
		Name     string   `json:"name"`
		Verdict  string   `json:"verdict"`
		Policies []policy `json:"policies"`
	}
	finding struct {
		Code     string `json:"code"`
		Severity string `json:"severity"`
		Message  string `json:"message"`
		Remedy   string `json:"remedy"`
	}
)

// answer is what the plugin printed, and its exit code.
type answer struct {
	out, errors string
	code        int
}

// command prepares "kubectl cnpg-netpol …" with another kubeconfig than the suite's when one is given.
func command(ctx context.Context, kubeconfig string, arguments ...string) *exec.Cmd {
	if kubeconfig == "" {
		kubeconfig = theLab.Kubeconfig
	}
	cmd := exec.CommandContext(ctx, "kubectl", append([]string{"cnpg-netpol"}, arguments...)...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
	return cmd
}

// ask runs the plugin and returns what it says; an exit code is an answer, too.
func ask(ctx context.Context, arguments ...string) (answer, error) {
	return askWith(ctx, "", arguments...)
}

// askWith is ask with another kubeconfig than the suite's when one is given.
func askWith(ctx context.Context, kubeconfig string, arguments ...string) (answer, error) {
	var out, errs bytes.Buffer
	cmd := command(ctx, kubeconfig, arguments...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	a := answer{out: out.String(), errors: errs.String(), code: cmd.ProcessState.ExitCode()}
	if _, exited := errors.AsType[*exec.ExitError](err); exited {
		err = nil
	}
	return a, err
}

// plugin runs the plugin, which must succeed, and tells what was run.
func (w *world) plugin(t *testing.T, arguments ...string) {
	t.Helper()
	arguments = patiently(arguments)
	begun := time.Now()
	a, err := ask(t.Context(), arguments...)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("$ kubectl cnpg-netpol %s  (exit code %d, %s)", strings.Join(arguments, " "), a.code, time.Since(begun).Round(10*time.Millisecond))
	if a.code != 0 {
		t.Fatalf("kubectl cnpg-netpol %s: exit code %d\n%s\n%s", strings.Join(arguments, " "), a.code, a.out, a.errors)
	}
}

// patiently lets a command that waits for Cilium wait for a busy machine, too.
func patiently(arguments []string) []string {
	if arguments[0] == "lockdown" || arguments[0] == "unlock" {
		return append(slices.Clone(arguments), "--timeout="+patience.String())
	}
	return arguments
}

func (w *world) lockdown(t *testing.T, cluster string, flags ...string) {
	t.Helper()
	w.plugin(t, slices.Concat([]string{"lockdown", cluster}, flags, []string{"--yes"})...)
}

func (w *world) unlock(t *testing.T, cluster string) {
	t.Helper()
	w.plugin(t, "unlock", cluster, "--yes")
}

// statusAll is what status says about all clusters of the namespace default.
func (w *world) statusAll(t *testing.T, names ...string) reportList {
	t.Helper()
	a, err := ask(t.Context(), append([]string{"status", "-o", "json"}, names...)...)
	if err != nil {
		t.Fatal(err)
	}
	var list reportList
	if err := json.Unmarshal([]byte(a.out), &list); err != nil {
		t.Fatalf("status -o json: exit code %d, %v\n%s%s", a.code, err, a.out, a.errors)
	}
	return list
}

// status is what status says about one cluster.
func (w *world) status(t *testing.T, cluster string) report {
	t.Helper()
	list := w.statusAll(t, cluster)
	if len(list.Items) != 1 {
		t.Fatalf("status %s: %d reports", cluster, len(list.Items))
	}
	r := list.Items[0]
	var codes []string
	for _, f := range r.Findings {
		codes = append(codes, f.Code)
	}
	t.Logf("status: %s is %s, findings %v", cluster, r.Posture, codes)
	return r
}

// expectPosture fails unless a cluster has a posture, and exactly these findings of severity error
// and warning.
func (w *world) expectPosture(t *testing.T, cluster, posture string, findings ...string) report {
	t.Helper()
	r := w.status(t, cluster)
	if err := differs("posture of "+cluster, posture, r.Posture); err != nil {
		t.Error(err)
	}
	var seen []string
	for _, f := range r.Findings {
		if f.Severity != "info" && !slices.Contains(seen, f.Code) {
			seen = append(seen, f.Code)
		}
	}
	slices.Sort(seen)
	slices.Sort(findings)
	if !slices.Equal(seen, findings) {
		t.Errorf("findings of %s: want %v, got %v: %+v", cluster, findings, seen, r.Findings)
	}
	return r
}

// flow is a required flow of a report.
func (r report) flow(t *testing.T, name string) flow {
	t.Helper()
	for _, f := range r.Flows {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("no required flow %q in %+v", name, r.Flows)
	return flow{}
}

// expectFlow fails unless a required flow has a verdict, decided by the policies of these names.
func (r report) expectFlow(t *testing.T, name, verdict string, policies ...string) {
	t.Helper()
	f := r.flow(t, name)
	var names []string
	for _, p := range f.Policies {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	slices.Sort(policies)
	if f.Verdict != verdict || !slices.Equal(names, policies) {
		t.Errorf("required flow %s: want %s by %v, got %s by %v", name, verdict, policies, f.Verdict, names)
		return
	}
	t.Logf("status: required flow %s is %s by %v", name, f.Verdict, names)
}

// explain is the plugin's verdict about one client: "allowed" or "denied".
func explain(ctx context.Context, source, cluster string, flags ...string) (string, error) {
	a, err := ask(ctx, append([]string{"explain", source, cluster}, flags...)...)
	if err != nil {
		return "", err
	}
	switch a.code {
	case 0:
		return allowed, nil
	case 1:
		return denied, nil
	}
	return "", errors.New("explain " + source + ": " + a.errors)
}

// explainedEach is the plugin's verdict about one client and each instance of a cluster, by the instance's name.
func (w *world) explainedEach(t *testing.T, source, cluster string, flags ...string) map[string]string {
	t.Helper()
	a, err := ask(t.Context(), append([]string{"explain", source, cluster, "-o", "json"}, flags...)...)
	if err != nil {
		t.Fatal(err)
	}
	var e struct {
		Answers []struct {
			Targets []string `json:"targets"`
			Verdict string   `json:"verdict"`
		} `json:"answers"`
	}
	if err := json.Unmarshal([]byte(a.out), &e); err != nil {
		t.Fatalf("explain %s: exit code %d, %v\n%s%s", source, a.code, err, a.out, a.errors)
	}
	said := map[string]string{}
	for _, answer := range e.Answers {
		for _, pod := range answer.Targets {
			said[pod] = answer.Verdict
		}
	}
	return said
}

//go:build e2e

package kind_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// workloads are those of workloads.yaml, in explain's words.
var workloads = []string{"deployment", "replicaset", "statefulset", "daemonset", "job", "cronjob", "pod"}

// proofs asks the data path about verdicts, by pods with clients' identities.
func proofs(t *testing.T, w *world) {
	w.applyFile(t, "workloads.yaml")
	t.Cleanup(func() { w.remove(t, "namespace", "workloads") })
	w.kubectl(t, "create", "job", "--from=cronjob/cronjob", "cronjob-29000000", "-n", "workloads")
	w.kubectl(t, "wait", "--for=condition=Ready", "pod", "--all", "-n", "workloads", "--timeout=10m")
	watched := w.watchTwins(t)

	w.it(t, "clients of every kind of workload connect to an open database", func(t *testing.T) {
		for _, kind := range workloads {
			w.expectProbed(t, "workloads/"+kind+"/"+kind, 0, "connected")
		}
	})
	w.it(t, "lockdown proves that a label keeps access, that others lose it, and that the cluster has what it needs", func(t *testing.T) {
		a := w.answered(t, 0, "", "lockdown", "cluster-example", "--allow-pods", "role=backend", "--prove", "--yes")
		if strings.Contains(a.out, "inconclusive") || !strings.Contains(a.errors, "did what the engine says of them, and 0 could not tell") {
			t.Errorf("%s%s", a.out, a.errors)
		}
		w.expectAccess(t, toPrimary, everybody, labelledHere, theHost)
	})
	w.it(t, "clients of every kind of workload are dropped, and explain says the same", func(t *testing.T) {
		for _, kind := range workloads {
			w.expectProbed(t, "workloads/"+kind+"/"+kind, 1, "dropped")
		}
	})
	w.it(t, "a Service that sends traffic to pods that are not ready keeps twins away", func(t *testing.T) {
		w.apply(t, `{apiVersion: v1, kind: Service, metadata: {name: any, namespace: workloads},
			spec: {clusterIP: None, publishNotReadyAddresses: true, selector: {app: pod}, ports: [{port: 8080}]}}`)
		w.expectProbed(t, "workloads/pod/pod", 1, "inconclusive")
		w.remove(t, "service", "any", "-n", "workloads")
	})

	w.it(t, "lockdown --egress proves what the database's pods reach, and what they are kept from", func(t *testing.T) {
		a := w.answered(t, 0, "", "lockdown", "cluster-example", "--allow-pods", "role=backend", "--egress", "--prove", "--yes")
		for _, want := range []string{"the API server", "kube-system/pod/coredns", "service/kubernetes", "dropped"} {
			if !strings.Contains(a.out, want) {
				t.Errorf("want %q\n%s%s", want, a.out, a.errors)
			}
		}
		if strings.Contains(a.out, "inconclusive") || !strings.Contains(a.errors, "did what the engine says of them, and 0 could not tell") {
			t.Errorf("%s%s", a.out, a.errors)
		}
		for target, code := range map[string]int{"api-server": 0, "dns": 0} {
			a = w.answered(t, code, "", "explain", "cluster-example", "--to", target, "--probe")
			if !strings.Contains(a.out, "connected") {
				t.Errorf("%s%s", a.out, a.errors)
			}
		}
	})
	w.it(t, "a policy that denies egress, hidden from the plugin: lockdown --egress is contradicted, and puts everything back", func(t *testing.T) {
		hiding := w.withoutClusterwide(t)
		w.unlock(t, "cluster-example")
		w.apply(t, `{apiVersion: cilium.io/v2, kind: CiliumClusterwideNetworkPolicy, metadata: {name: hidden}, spec: {
			endpointSelector: {matchLabels: {"cnpg.io/cluster": cluster-example}}, enableDefaultDeny: {egress: false},
			egressDeny: [{toEndpoints: [{matchLabels: {k8s-app: kube-dns, "io.kubernetes.pod.namespace": kube-system}}], toPorts: [{ports: [{port: "53", protocol: TCP}]}]}]}}`)
		a := w.answered(t, 2, hiding, "lockdown", "cluster-example", "--allow-pods", "role=backend", "--egress", "--prove", "--yes")
		for _, want := range []string{"VERDICT_CONTRADICTED: the engine says allowed", "kube-system/pod/coredns", "rolled back: removed cluster-example-default-deny"} {
			if !strings.Contains(a.errors, want) {
				t.Errorf("want %q\n%s%s", want, a.out, a.errors)
			}
		}
		if left := w.kubectl(t, "get", "cnp", "-A", "-o", "name"); left != "" {
			t.Errorf("left: %s", left)
		}
		w.remove(t, "ciliumclusterwidenetworkpolicy", "hidden")
		w.lockdown(t, "cluster-example", "--allow-pods", "role=backend")
	})

	hiding := w.withoutClusterwide(t)
	w.it(t, "a policy that denies, hidden from the plugin: explain is contradicted", func(t *testing.T) {
		w.apply(t, clusterwide("ingressDeny"))
		eventually(t, func(ctx context.Context) error { return w.contradicted(ctx, hiding, labelledHere.source, "dropped") })
	})
	w.it(t, "lockdown is contradicted, and puts everything back", func(t *testing.T) {
		w.unlock(t, "cluster-example")
		a := w.answered(t, 2, hiding, "lockdown", "cluster-example", "--allow-pods", "role=backend", "--prove", "--yes")
		for _, want := range []string{"VERDICT_CONTRADICTED: the engine says allowed", "rolled back: removed cluster-example-default-deny"} {
			if !strings.Contains(a.errors, want) {
				t.Errorf("want %q\n%s%s", want, a.out, a.errors)
			}
		}
		if left := w.kubectl(t, "get", "cnp", "-A", "-o", "name"); left != "" {
			t.Errorf("left: %s", left)
		}
		w.remove(t, "ciliumclusterwidenetworkpolicy", "hidden")
	})
	w.it(t, "a policy that allows, hidden from the plugin: explain is contradicted, too", func(t *testing.T) {
		w.lockdown(t, "cluster-example")
		w.apply(t, clusterwide("ingress"))
		eventually(t, func(ctx context.Context) error { return w.contradicted(ctx, hiding, labelledHere.source, "connected") })
		w.remove(t, "ciliumclusterwidenetworkpolicy", "hidden")
	})

	runs := 6
	if n, err := strconv.Atoi(os.Getenv("E2E_TWIN_RUNS")); err == nil {
		runs = n
	}
	w.it(t, fmt.Sprintf("of %d runs, most of them killed, no twin is left", runs), func(t *testing.T) {
		for i := range runs {
			w.killedLater(t, "explain", "workloads/"+workloads[i%len(workloads)]+"/"+workloads[i%len(workloads)], "cluster-example", "--probe")
		}
		took := eventually(t, func(ctx context.Context) error { return w.nothingLeft(ctx) })
		t.Logf("all is gone after %s", took.Round(time.Second))
	})
	w.it(t, "no twin was in any Service's ready endpoints, and none was adopted", func(t *testing.T) {
		watched.tell(t)
	})
}

// clusterwide is a policy that lets role=backend in to the databases, or does not.
func clusterwide(direction string) string {
	return `{apiVersion: cilium.io/v2, kind: CiliumClusterwideNetworkPolicy, metadata: {name: hidden}, spec: {
		endpointSelector: {matchLabels: {"cnpg.io/cluster": cluster-example}}, enableDefaultDeny: {ingress: false},
		` + direction + `: [{fromEndpoints: [{matchLabels: {role: backend, "io.kubernetes.pod.namespace": default}}]}]}}`
}

// answered runs the plugin, which must end with an exit code.
func (w *world) answered(t *testing.T, code int, kubeconfig string, arguments ...string) answer {
	t.Helper()
	a, err := askWith(t.Context(), kubeconfig, patiently(arguments)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("$ kubectl cnpg-netpol %s  (exit code %d)", strings.Join(arguments, " "), a.code)
	if a.code != code {
		t.Fatalf("exit code %d, want %d\n%s%s", a.code, code, a.out, a.errors)
	}
	return a
}

// probed is what explain --probe says.
type probed struct {
	Verdict  string    `json:"verdict"`
	Findings []finding `json:"findings"`
	Probes   []struct {
		Target  string `json:"target"`
		Result  string `json:"result"`
		Message string `json:"message"`
	} `json:"probes"`
}

// expectProbed asks the data path for a source, all of whose connections must have the result.
func (w *world) expectProbed(t *testing.T, source string, code int, want string) {
	t.Helper()
	a := w.answered(t, code, "", "explain", source, "cluster-example", "--probe", "-o", "json")
	var p probed
	if err := json.Unmarshal([]byte(a.out), &p); err != nil || len(p.Probes) == 0 {
		t.Fatalf("%v: %s", err, a.out)
	}
	for _, one := range p.Probes {
		if one.Result != want {
			t.Errorf("%s → %s: %s, want %s: %s", source, one.Target, one.Result, want, one.Message)
		}
	}
}

// contradicted is an error unless explain says that the data path contradicts the engine.
func (w *world) contradicted(ctx context.Context, kubeconfig, source, result string) error {
	a, err := askWith(ctx, kubeconfig, "explain", source, "cluster-example", "--probe", "-o", "json")
	if err != nil {
		return err
	}
	var p probed
	if err := json.Unmarshal([]byte(a.out), &p); err != nil {
		return fmt.Errorf("%w: %s%s", err, a.out, a.errors)
	}
	if a.code != 2 || p.Verdict != "unknown" || len(p.Findings) == 0 || p.Findings[0].Code != "VERDICT_CONTRADICTED" || p.Probes[0].Result != result {
		return fmt.Errorf("exit code %d, %s", a.code, a.out)
	}
	return nil
}

// withoutClusterwide is a kubeconfig by which no clusterwide policy can be seen, as by a server that tells lies.
func (w *world) withoutClusterwide(t *testing.T) string {
	t.Helper()
	return w.proxied(t, func(r *http.Request) {
		if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/ciliumclusterwidenetworkpolicies") {
			query := r.URL.Query()
			query.Set("labelSelector", "cnpg-netpol-e2e=nobody")
			r.URL.RawQuery = query.Encode()
		}
	})
}

// proxied is a kubeconfig that leads to the server by way of a proxy of the test, which sees each request first.
func (w *world) proxied(t *testing.T, see func(*http.Request)) string {
	t.Helper()
	return w.proxiedWith(t, see, nil)
}

// proxiedWith lets a function see each answer, too.
func (w *world) proxiedWith(t *testing.T, see func(*http.Request), seeAnswer func(*http.Response) error) string {
	t.Helper()
	transport, err := rest.TransportFor(w.config)
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(w.config.Host)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Transport:      transport,
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(target); see(r.Out) },
		ModifyResponse: seeAnswer,
		ErrorHandler:   func(rw http.ResponseWriter, _ *http.Request, _ error) { rw.WriteHeader(http.StatusBadGateway) },
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: proxy}
	go func() { _ = server.Serve(listener) }() // returns when it is closed
	t.Cleanup(func() { _ = server.Close() })   // nobody is left to be served
	return w.proxiedKubeconfig(t, listener.Addr().String())
}

// killedLater kills the plugin at some moment while it runs, or lets it end.
func (w *world) killedLater(t *testing.T, arguments ...string) {
	t.Helper()
	after := time.Duration(200+rand.IntN(6000)) * time.Millisecond
	cmd := command(t.Context(), "", arguments...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(after, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }) // it may have ended
	_ = cmd.Wait()                                                                                // killed, or an answer
	kill.Stop()
	t.Logf("$ kubectl cnpg-netpol %s  (%s, after %s)", strings.Join(arguments, " "), cmd.ProcessState, after)
}

const twinPrefix = "cnpg-netpol-twin-"

// nothingLeft is an error that names what is left of twins.
func (w *world) nothingLeft(ctx context.Context) error {
	out, err := w.lab.Kubectl(ctx, nil, "get", "pods,configmaps,jobs", "-A", "-o", "name")
	if err != nil {
		return err
	}
	var left []string
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, twinPrefix) {
			left = append(left, strings.TrimSpace(line))
		}
	}
	if len(left) > 0 {
		return fmt.Errorf("left: %s", left)
	}
	return nil
}

// twinWatch is what was seen of twins.
type twinWatch struct {
	mutex   sync.Mutex
	seen    map[string]bool
	adopted []string
	ready   []string
}

// watchTwins looks at all pods and endpoints, until the test ends.
func (w *world) watchTwins(t *testing.T) *twinWatch {
	watch := &twinWatch{seen: map[string]bool{}}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			watch.look(ctx, w)
			time.Sleep(200 * time.Millisecond)
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return watch
}

func (watch *twinWatch) look(ctx context.Context, w *world) {
	pods, err := w.kube.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return // The next time.
	}
	slices, err := w.kube.DiscoveryV1().EndpointSlices("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return
	}
	watch.mutex.Lock()
	defer watch.mutex.Unlock()
	for i := range pods.Items {
		pod := &pods.Items[i]
		if !strings.HasPrefix(pod.Name, twinPrefix) {
			continue
		}
		watch.seen[pod.Name] = true
		if owner := metav1.GetControllerOf(pod); owner == nil || owner.Kind != "ConfigMap" || len(pod.OwnerReferences) != 1 {
			watch.adopted = append(watch.adopted, fmt.Sprintf("%s: %v", pod.Name, pod.OwnerReferences))
		}
	}
	for i := range slices.Items {
		for _, e := range slices.Items[i].Endpoints {
			if isReady(e) && e.TargetRef != nil && strings.HasPrefix(e.TargetRef.Name, twinPrefix) {
				watch.ready = append(watch.ready, slices.Items[i].Name+": "+e.TargetRef.Name)
			}
		}
	}
}

func isReady(e discoveryv1.Endpoint) bool {
	return e.Conditions.Ready == nil || *e.Conditions.Ready || e.Conditions.Serving != nil && *e.Conditions.Serving
}

// tell fails where a twin was anything but alone.
func (watch *twinWatch) tell(t *testing.T) {
	t.Helper()
	watch.mutex.Lock()
	defer watch.mutex.Unlock()
	t.Logf("%d twins were seen: %d adopted, %d times in the ready endpoints of a Service", len(watch.seen), len(watch.adopted), len(watch.ready))
	if len(watch.seen) == 0 || len(watch.adopted) > 0 || len(watch.ready) > 0 {
		t.Errorf("adopted: %v\nready: %v", watch.adopted, watch.ready)
	}
}

// remove deletes what need not be there.
func (w *world) remove(t *testing.T, arguments ...string) {
	t.Helper()
	if _, err := w.lab.Kubectl(context.WithoutCancel(t.Context()), nil, append([]string{"delete", "--ignore-not-found", "--wait=false"}, arguments...)...); err != nil {
		t.Error(err)
	}
}

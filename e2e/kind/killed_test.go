//go:build e2e

package kind_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

// killed ends the plugin with SIGKILL at each of its steps, and runs it again.
func killed(t *testing.T, w *world) {
	const cluster = "cluster-example"
	w.expectStreaming(t, 1)
	started := time.Now()
	senders := w.senders(t)
	probes := w.probeAllowed(t, cluster)

	const (
		first   = "lockdown cluster-example --allow-pods role=backend --yes"
		other   = "lockdown cluster-example --allow-pods-any-namespace role=backend --yes"
		both    = "lockdown cluster-example orders --allow-pods role=backend --scope namespace --yes"
		release = "unlock cluster-example orders --yes"
	)
	for _, c := range []struct {
		what string
		// before leads to the state in which the command begins.
		before, command string
		want            []client
	}{
		{"lockdown", "", first, []client{labelledHere, theHost}},
		{"lockdown with other flags", first, other, []client{labelledHere, labelledThere, theHost}},
		{"lockdown of the namespace", first, both, []client{labelledHere, theHost}},
		{"unlock", both, release, everybody},
	} {
		begin := func(t *testing.T) {
			t.Helper()
			if w.kubectl(t, "get", "cnp", "-o", "name") != "" {
				w.plugin(t, strings.Fields(release)...)
			}
			if c.before != "" {
				w.plugin(t, strings.Fields(c.before)...)
			}
		}
		var want string
		writes := 0
		w.it(t, c.what+", undisturbed", func(t *testing.T) {
			begin(t)
			writes = w.pluginKilledAfter(t, -1, strings.Fields(c.command)...)
			want = w.policies(t)
			t.Logf("%d changes lead to the policies %s", writes, strings.Fields(w.kubectl(t, "get", "cnp", "-o", "jsonpath={.items[*].metadata.name}")))
			w.expectAccess(t, toPrimary, everybody, c.want...)
		})
		for n := range writes + 1 {
			w.it(t, fmt.Sprintf("%s, killed after %d of %d changes, then run again: the same end", c.what, n, writes), func(t *testing.T) {
				begin(t)
				w.pluginKilledAfter(t, n, strings.Fields(c.command)...)
				between := w.policies(t)
				w.expectProgress(t, probes...)
				t.Logf("in between there are %d policies", strings.Count(between, "kind: CiliumNetworkPolicy"))
				w.plugin(t, strings.Fields(c.command)...)
				if got := w.policies(t); got != want {
					t.Errorf("want\n%s\ngot\n%s", want, got)
				}
				w.expectAccess(t, toPrimary, everybody, c.want...)
			})
		}
	}

	w.it(t, "through all of it, no packet of those who may was denied", func(t *testing.T) {
		w.expectProgress(t, probes...)
		for _, p := range probes {
			w.expectNeverDenied(t, p)
		}
		w.expectNoneLost(t, started, senders)
	})
}

// policies are all policies, without what the server writes into them.
func (w *world) policies(t *testing.T) string {
	t.Helper()
	var list struct {
		Items []map[string]any `json:"items"`
	}
	if err := yaml.Unmarshal([]byte(w.kubectl(t, "get", "cnp", "-o", "yaml")), &list); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, item := range list.Items {
		delete(item, "status")
		metadata, ok := item["metadata"].(map[string]any)
		if !ok {
			t.Fatalf("no metadata: %v", item)
		}
		for _, field := range []string{"creationTimestamp", "generation", "managedFields", "resourceVersion", "uid"} {
			delete(metadata, field)
		}
		text, err := yaml.Marshal(item)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(text))
	}
	slices.Sort(out)
	return strings.Join(out, "---\n")
}

// pluginKilledAfter runs the plugin and kills it when the server has made a number of changes to
// policies, before the plugin learns of the last one; with 0, before the first. With a negative
// number it lets the plugin end. It returns the number of changes.
func (w *world) pluginKilledAfter(t *testing.T, changes int, arguments ...string) int {
	t.Helper()
	transport, err := rest.TransportFor(w.config)
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(w.config.Host)
	if err != nil {
		t.Fatal(err)
	}
	dead := make(chan struct{})
	var made, process atomic.Int64
	kill := func() {
		// The group: kubectl becomes the plugin where it can, and starts it where it can't.
		if err := syscall.Kill(-int(process.Load()), syscall.SIGKILL); err != nil {
			t.Errorf("kill: %v", err)
		}
		<-dead
	}
	isChange := func(r *http.Request) bool {
		return r.Method != http.MethodGet && strings.Contains(r.URL.Path, "/ciliumnetworkpolicies")
	}
	proxy := &httputil.ReverseProxy{
		Transport: transport,
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(r *http.Response) error {
			if isChange(r.Request) && r.StatusCode < 300 && int(made.Add(1)) == changes {
				kill()
			}
			return nil
		},
		ErrorHandler: func(rw http.ResponseWriter, _ *http.Request, _ error) { rw.WriteHeader(http.StatusBadGateway) },
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if changes == 0 && isChange(r) {
			kill()
			return
		}
		proxy.ServeHTTP(rw, r)
	})}
	go func() { _ = server.Serve(listener) }() // returns when it is closed
	defer func() { _ = server.Close() }()      // nobody is left to be served

	arguments = patiently(arguments)
	cmd := command(t.Context(), w.proxiedKubeconfig(t, listener.Addr().String()), arguments...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	process.Store(int64(cmd.Process.Pid))
	err = cmd.Wait()
	close(dead)
	t.Logf("$ kubectl cnpg-netpol %s  (%s)", strings.Join(arguments, " "), cmd.ProcessState)
	if killed := cmd.ProcessState.ExitCode() == -1; killed != (changes >= 0) {
		t.Fatalf("killed: %t, %v\n%s", killed, err, out.String())
	}
	if changes < 0 && err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	return int(made.Load())
}

// proxiedKubeconfig leads to a server at an address of this machine, that needs no credentials.
func (w *world) proxiedKubeconfig(t *testing.T, address string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	content := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: proxy, cluster: {server: "http://%s"}}]
contexts: [{name: proxy, context: {cluster: proxy, namespace: default}}]
current-context: proxy
`, address)
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

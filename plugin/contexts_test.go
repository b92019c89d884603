package plugin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/golden"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// apiServer answers lists from a recording.
func apiServer(t *testing.T, recording string) *httptest.Server {
	t.Helper()
	data, err := os.ReadFile(recording)
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Items []json.RawMessage `json:"items"`
	}
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	lists := map[string][]json.RawMessage{
		"/api/v1/namespaces": {}, "/apis/apps/v1/deployments": {}, "/apis/networking.k8s.io/v1/networkpolicies": {},
		"/apis/postgresql.cnpg.io/v1/clusters": {}, "/apis/postgresql.cnpg.io/v1/poolers": {},
		"/apis/cilium.io/v2/ciliumnetworkpolicies": {}, "/apis/cilium.io/v2/ciliumclusterwidenetworkpolicies": {},
		"/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations": {},
	}
	types := map[string]string{}
	for _, item := range all.Items {
		var o struct {
			APIVersion, Kind string
		}
		if err := json.Unmarshal(item, &o); err != nil {
			t.Fatal(err)
		}
		plural := strings.ToLower(o.Kind) + "s"
		if stem, ok := strings.CutSuffix(plural, "ys"); ok {
			plural = stem + "ies"
		}
		path := "/apis/" + o.APIVersion + "/" + plural
		if o.APIVersion == "v1" {
			path = "/api/v1/" + plural
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, item); err != nil {
			t.Fatal(err)
		}
		lists[path] = append(lists[path], compact.Bytes())
		types[path] = fmt.Sprintf(`"apiVersion":%q,"kind":"%sList"`, o.APIVersion, o.Kind)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		path, namespace := collection(r.URL.Path)
		items, found := lists[path]
		items = slices.DeleteFunc(slices.Clone(items), func(item json.RawMessage) bool {
			return namespace != "" && !strings.Contains(string(item), fmt.Sprintf(`"namespace":%q`, namespace))
		})
		switch {
		case r.URL.Path == "/api/v1/namespaces/kube-system/configmaps/cilium-config":
			fmt.Fprint(w, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"cilium-config","namespace":"kube-system"},"data":{"cluster-name":"default"}}`)
		case found:
			if types[path] == "" {
				fmt.Fprint(w, `{"items":[]}`)
				return
			}
			list, _ := json.Marshal(items)
			fmt.Fprintf(w, `{%s,"items":%s}`, types[path], list)
		default:
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","message":"not found","code":404}`)
		}
	}))
	t.Cleanup(server.Close)
	return server
}

// refusing is the same server for somebody who may not list one kind.
func refusing(t *testing.T, of *httptest.Server, path string) *httptest.Server {
	t.Helper()
	return answering(t, of, path, http.StatusForbidden,
		`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","message":"you may not list clusters","code":403}`)
}

// answering is the same server with another answer to one path.
func answering(t *testing.T, of *httptest.Server, path string, code int, body string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path {
			of.Config.Handler.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(server.Close)
	return server
}

// inMesh is the same server as one of a mesh of Cilium's.
func inMesh(t *testing.T, of *httptest.Server, name string, id int) *httptest.Server {
	t.Helper()
	own := regexp.MustCompile(`(io\.cilium\.k8s\.policy\.cluster=)[a-z0-9-]+`)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		of.Config.Handler.ServeHTTP(answer, r)
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "/configmaps/cilium-config") {
			fmt.Fprintf(w, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"cilium-config","namespace":"kube-system"},"data":{"cluster-name":%q,"cluster-id":"%d"}}`, name, id)
			return
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(own.ReplaceAll(answer.Body.Bytes(), []byte("${1}"+name))) // The client may have gone.
	}))
	t.Cleanup(server.Close)
	return server
}

// A pod of one Kubernetes cluster and a database of another.
func TestExplainAcrossContexts(t *testing.T) {
	west := inMesh(t, apiServer(t, recordings+"live-open.json"), "west", 1)
	east := inMesh(t, apiServer(t, recordings+"live-locked.json"), "east", 2)
	t.Setenv("KUBECONFIG", kubeconfig(t,
		"west", west.URL, "east", east.URL, "open", inMesh(t, apiServer(t, recordings+"live-open.json"), "open", 3).URL,
		"alone", apiServer(t, recordings+"live-open.json").URL, "far away", nobodyListens))
	for _, test := range []struct {
		name string
		args string
		code int
	}{
		{"denied", "pod/backend cluster-example --contexts west,east", kit.ExitNo},
		{"allowed", "pod/backend cluster-example --contexts west,open", kit.ExitFine},
		{"nobody", "pod/nobody cluster-example --contexts west,east", kit.ExitFailed},
		{"no-mesh", "pod/backend cluster-example --contexts alone,east", kit.ExitFailed},
		{"no-answer", "pod/backend cluster-example --contexts far%20away,east", kit.ExitFailed},
		{"no-database", "pod/backend gone --contexts west,east", kit.ExitFailed},
		{"one", "pod/backend cluster-example --contexts west", kit.ExitFailed},
		{"combined", "pod/backend cluster-example --contexts west,east --why-not --context west --probe", kit.ExitFailed},
		{"by-label-why-not", "--labels role=backend,io.cilium.k8s.policy.cluster=west --source-namespace default cluster-example --context east --why-not", kit.ExitFailed},
		{"by-label", "--labels role=backend,io.cilium.k8s.policy.cluster=west --source-namespace default cluster-example --context east", kit.ExitNo},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, stdout, stderr := run(t, append([]string{"explain"}, contextArguments(test.args)...)...)
			if code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			golden.Compare(t, filepath.Join("testdata", "contexts", "explain-"+test.name+".txt"), []byte(stdout+"--- stderr\n"+stderr))
		})
	}
}

// collection splits the path of a namespaced list.
func collection(path string) (all, namespace string) {
	before, after, found := strings.Cut(path, "/namespaces/")
	if namespace, plural, ok := strings.Cut(after, "/"); found && ok {
		return before + "/" + plural, namespace
	}
	return path, ""
}

// kubeconfig has a context for each pair of a name and a server.
func kubeconfig(t *testing.T, pairs ...string) string {
	t.Helper()
	var clusters, contexts strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		fmt.Fprintf(&clusters, "- {name: %q, cluster: {server: %q}}\n", pairs[i], pairs[i+1])
		fmt.Fprintf(&contexts, "- {name: %q, context: {cluster: %q}}\n", pairs[i], pairs[i])
	}
	path := filepath.Join(t.TempDir(), "config")
	text := "apiVersion: v1\nkind: Config\nclusters:\n" + clusters.String() + "contexts:\n" + contexts.String()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const nobodyListens = "http://127.0.0.1:1"

func fleet(t *testing.T) string {
	t.Helper()
	open := apiServer(t, recordings+"live-open.json")
	return kubeconfig(t,
		"staging", open.URL,
		"production", apiServer(t, recordings+"live-locked.json").URL,
		"far away", nobodyListens)
}

// contextArguments are words, in which "%20" stands for a space.
func contextArguments(line string) []string {
	words := strings.Fields(line)
	for i := range words {
		words[i] = strings.ReplaceAll(words[i], "%20", " ")
	}
	return words
}

func TestStatusOfSeveralContexts(t *testing.T) {
	t.Setenv("KUBECONFIG", fleet(t))
	for _, test := range []struct {
		name string
		args string
		code int
	}{
		{"two", "--contexts staging,production", kit.ExitFine},
		{"in-the-order-asked-for", "--contexts production --contexts staging,production", kit.ExitFine},
		{"all", "--all-contexts", kit.ExitFailed},
		{"failed-in-between", "--contexts staging,far%20away,production", kit.ExitFailed},
		{"one", "--contexts production", kit.ExitFine},
		{"none-answers", "--contexts moon", kit.ExitFailed},
		{"fail-on", "--contexts staging,production --fail-on error", kit.ExitNo},
		{"fail-on-and-failed", "--all-contexts --fail-on error", kit.ExitFailed},
		{"empty", "--contexts staging,production -n nowhere", kit.ExitFine},
		{"name-in-none", "gone --contexts staging", kit.ExitFailed},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, stdout, stderr := run(t, append([]string{"status"}, contextArguments(test.args)...)...)
			if code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			golden.Compare(t, filepath.Join("testdata", "contexts", test.name+".txt"), []byte(stdout+"--- stderr\n"+stderr))
		})
	}
}

func TestStatusOfSeveralContextsAsJSON(t *testing.T) {
	t.Setenv("KUBECONFIG", fleet(t))
	code, stdout, _ := run(t, "status", "--all-contexts", "-o", "json")
	var list v1alpha1.IsolationReportList
	if err := json.Unmarshal([]byte(stdout), &list); err != nil {
		t.Fatal(err)
	}
	var contexts []string
	for _, r := range list.Items {
		contexts = append(contexts, r.Metadata.Context+" "+string(r.Posture))
	}
	if want := []string{"production LOCKED", "staging OPEN"}; !slices.Equal(contexts, want) {
		t.Errorf("items %q, want %q", contexts, want)
	}
	if len(list.Errors) != 1 || list.Errors[0].Context != "far away" || !strings.Contains(list.Errors[0].Message, "was refused") {
		t.Errorf("errors %+v", list.Errors)
	}
	if code != kit.ExitFailed {
		t.Errorf("exit code %d", code)
	}
}

// A command from a finding must not reach the cluster of the same name in another context.
func TestRemediesNameTheContext(t *testing.T) {
	t.Setenv("KUBECONFIG", kubeconfig(t, "it's staging", apiServer(t, recordings+"live-open.json").URL))
	_, stdout, _ := run(t, "status", "--all-contexts")
	if want := `→ kubectl cnpg-netpol --context 'it'\''s staging' lockdown cluster-example -n default`; !strings.Contains(stdout, want) {
		t.Errorf("no %s in\n%s", want, stdout)
	}
}

// Nor must one from an error, whether there are several contexts or one.
func TestHintsNameTheContext(t *testing.T) {
	server := refusing(t, apiServer(t, recordings+"live-open.json"), "/apis/postgresql.cnpg.io/v1/namespaces/forbidden/clusters")
	t.Setenv("KUBECONFIG", kubeconfig(t, "good", server.URL, "far away", nobodyListens))
	for args, want := range map[string][]string{
		"status gone --contexts good":         {"'kubectl cnpg-netpol --context good status -A' lists all"},
		"status gone --context good":          {"'kubectl cnpg-netpol --context good status -A' lists all"},
		"status --context good":               {"→ kubectl cnpg-netpol --context good lockdown cluster-example -n default"},
		"status --contexts far%20away":        {"was refused: does it run?"},
		"status --contexts good -n forbidden": {"you may not list clusters"},
	} {
		_, stdout, stderr := run(t, contextArguments(args)...)
		for _, words := range want {
			if !strings.Contains(stdout+stderr, words) {
				t.Errorf("%s: lacks %q in\n%s%s", args, words, stdout, stderr)
			}
		}
	}
}

func TestCompletionOfClustersOfSeveralContexts(t *testing.T) {
	t.Setenv("KUBECONFIG", fleet(t))
	for args, want := range map[string]string{
		"--contexts staging,production": "cluster-example\n:4\n",
		"--all-contexts":                "cluster-example\n:4\n",
		"--contexts far%20away":         ":4\n",
	} {
		words := append(append([]string{"__complete", "status"}, contextArguments(args)...), "")
		if _, stdout, _ := run(t, words...); stdout != want {
			t.Errorf("%s: got %q, want %q", args, stdout, want)
		}
	}
}

func TestContextFlags(t *testing.T) {
	t.Setenv("KUBECONFIG", "testdata/kubeconfig.yaml")
	for args, want := range map[string]string{
		"--contexts a -f x.yaml":               "--contexts can't be combined with --filename",
		"--all-contexts --watch":               "--all-contexts can't be combined with --watch",
		"--contexts a --context b":             "--contexts can't be combined with --context",
		"--contexts a --server http://x":       "--contexts can't be combined with --server",
		"--contexts a --cluster x":             "--contexts can't be combined with --cluster",
		"--contexts a --all-contexts":          "--contexts and --all-contexts can't be combined",
		"--contexts=":                          "--contexts has an empty name: 'kubectl config get-contexts' lists what there is",
		"--contexts a,,b":                      "--contexts has an empty name: 'kubectl config get-contexts' lists what there is",
		"--watch -o html":                      "--watch prints one report after the other: it can't be combined with -o html",
		"--all-contexts --kubeconfig nowhere/": "nowhere",
	} {
		t.Run(args, func(t *testing.T) {
			code, stdout, stderr := run(t, append([]string{"status"}, strings.Fields(args)...)...)
			if code != kit.ExitFailed || stdout != "" || !strings.Contains(stderr, want) {
				t.Errorf("exit code %d, stdout %q, stderr %q, want %q", code, stdout, stderr, want)
			}
		})
	}
}

func TestAKubeconfigWithoutContexts(t *testing.T) {
	t.Setenv("KUBECONFIG", kubeconfig(t))
	code, _, stderr := run(t, "status", "--all-contexts")
	if want := "error: the kubeconfig has no contexts: set KUBECONFIG or use --kubeconfig\n"; code != kit.ExitFailed || stderr != want {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
}

func TestCompletionOfContexts(t *testing.T) {
	t.Setenv("KUBECONFIG", "testdata/kubeconfig.yaml")
	for typed, want := range map[string]string{
		"":            "production\nstaging\n:4\n",
		"production,": "production,staging\n:4\n",
	} {
		if _, stdout, _ := run(t, "__complete", "status", "--contexts", typed); stdout != want {
			t.Errorf("%q: got %q, want %q", typed, stdout, want)
		}
	}
}

// Ctrl-C ends all contexts at once, and prints no half of a table.
func TestInterruptingSeveralContexts(t *testing.T) {
	asked := make(chan struct{}, 100)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	defer server.Close()
	t.Setenv("KUBECONFIG", kubeconfig(t, "a", server.URL, "b", server.URL))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		<-asked
		cancel()
	}()
	var out, errOut strings.Builder
	code := Main(ctx, []string{"status", "--all-contexts"}, genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut})
	if code != kit.ExitFailed || out.Len() > 0 || errOut.String() != "error: interrupted\n" {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, out.String(), errOut.String())
	}
}

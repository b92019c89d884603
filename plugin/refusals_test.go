package plugin

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

const (
	policiesOfAll     = "/apis/cilium.io/v2/ciliumnetworkpolicies"
	policiesOfDefault = "/apis/cilium.io/v2/namespaces/default/ciliumnetworkpolicies"
)

// policyStore is the API server of a recording without policies, on which policies can be made and
// removed. Cilium calls each of them valid.
type policyStore struct {
	mu       sync.Mutex
	policies map[string]map[string]any
	// writes are the requests that change something.
	writes []string
	// after is what somebody else does after a write.
	after map[string]func()
}

func newPolicyStore(t *testing.T) (*policyStore, *httptest.Server) {
	t.Helper()
	s := &policyStore{policies: map[string]map[string]any{}, after: map[string]func(){}}
	recorded := apiServer(t, recordings+"live-open.json")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, one := strings.CutPrefix(r.URL.Path, policiesOfDefault+"/")
		if !one && r.URL.Path != policiesOfAll && r.URL.Path != policiesOfDefault {
			recorded.Config.Handler.ServeHTTP(w, r)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		answer := map[string]any{"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicyList", "items": slices.Collect(maps.Values(s.policies))}
		if one {
			body, _ := io.ReadAll(r.Body)
			answer = s.write(r.Method, name, body)
		}
		if answer == nil {
			w.WriteHeader(http.StatusNotFound)
			answer = map[string]any{"apiVersion": "v1", "kind": "Status", "status": "Failure", "reason": "NotFound", "code": http.StatusNotFound}
		}
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(server.Close)
	return s, server
}

func (s *policyStore) write(method, name string, body []byte) map[string]any {
	answer := s.policies[name]
	switch method {
	case http.MethodPatch:
		answer = map[string]any{}
		if json.Unmarshal(body, &answer) != nil {
			return nil
		}
		s.put(name, answer)
	case http.MethodDelete:
		delete(s.policies, name)
		answer = map[string]any{"apiVersion": "v1", "kind": "Status", "status": "Success"}
	default:
		return answer
	}
	write := method + " " + name
	s.writes = append(s.writes, write)
	if other := s.after[write]; other != nil {
		other()
	}
	return answer
}

func (s *policyStore) put(name string, policy map[string]any) {
	metadata, _ := policy["metadata"].(map[string]any)
	metadata["namespace"], metadata["name"], metadata["uid"], metadata["resourceVersion"], metadata["generation"] = "default", name, name, "1", 1
	policy["status"] = map[string]any{"conditions": []any{map[string]any{"type": "Valid", "status": "True"}}}
	s.policies[name] = policy
}

// shutsOut is a policy that keeps the operator from the cluster.
func shutsOut() map[string]any {
	return map[string]any{
		"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": map[string]any{},
		"spec": map[string]any{
			"endpointSelector": map[string]any{"matchLabels": map[string]any{"cnpg.io/cluster": "cluster-example"}},
			"ingressDeny":      []any{map[string]any{"fromEndpoints": []any{map[string]any{"matchLabels": map[string]any{"k8s:io.kubernetes.pod.namespace": "cnpg-system"}}}}},
		},
	}
}

func (s *policyStore) names() []string { return slices.Sorted(maps.Keys(s.policies)) }

const exampleDefaultDeny = "cluster-example-default-deny"

// lockdown goes on only when nothing speaks against it, or with --force.
func TestLockdownRefuses(t *testing.T) {
	for _, test := range []struct {
		name   string
		stands string
		args   string
		code   int
		stderr string
	}{
		{name: "nothing stands in the way", code: kit.ExitFine},
		{name: "the operator would be shut out", stands: "shuts-out", code: kit.ExitNo,
			stderr: "error: refused: the required flow operator "},
		{name: "a policy of others has the name", stands: exampleDefaultDeny, code: kit.ExitNo,
			stderr: `error: refused: a policy named "` + exampleDefaultDeny + `" exists in namespace "default" and is not managed by lockdown`},
		{name: "the operator would be shut out, forced", stands: "shuts-out", args: "--force", code: kit.ExitFine},
		{name: "a policy of others has the name, in a dry run on the server", stands: exampleDefaultDeny, args: "--dry-run=server", code: kit.ExitNo,
			stderr: "error: refused: a policy named"},
		{name: "a policy of others has the name, and policies are printed", stands: exampleDefaultDeny, args: "--dry-run=client -o yaml", code: kit.ExitNo,
			stderr: "error: refused: a policy named"},
	} {
		t.Run(test.name, func(t *testing.T) {
			store, server := newPolicyStore(t)
			t.Setenv("KUBECONFIG", kubeconfig(t, "a", server.URL))
			if test.stands != "" {
				store.put(test.stands, shutsOut())
			}
			code, stdout, stderr := run(t, strings.Fields("lockdown cluster-example -n default --context a --yes "+test.args)...)
			if code != test.code || !strings.Contains(stderr, test.stderr) {
				t.Errorf("exit code %d, want %d, stderr\n%swant %q", code, test.code, stderr, test.stderr)
			}
			if refused := code == kit.ExitNo; refused != (len(store.writes) == 0) || refused && strings.Contains(stdout, "kind: CiliumNetworkPolicy") {
				t.Errorf("writes %q, stdout\n%s", store.writes, stdout)
			}
			if code == kit.ExitNo && !strings.HasSuffix(stderr, "error: nothing was changed; --force goes on all the same\n") {
				t.Errorf("stderr\n%s", stderr)
			}
		})
	}
}

// When the result is not what the preview said, it is undone.
func TestLockdownVerifies(t *testing.T) {
	for _, test := range []struct {
		name   string
		comes  string
		args   string
		code   int
		stderr string
	}{
		{name: "as the preview said", code: kit.ExitFine, stderr: "Cluster cluster-example is LOCKED.\n"},
		{name: "somebody shuts the operator out meanwhile", comes: "shuts-out", code: kit.ExitFailed,
			stderr: `verification of cluster "cluster-example": the required flow operator is denied, the preview said allowed`},
		{name: "nobody waits", comes: "shuts-out", args: "--wait=false", code: kit.ExitFine, stderr: "was not waited for"},
	} {
		t.Run(test.name, func(t *testing.T) {
			store, server := newPolicyStore(t)
			t.Setenv("KUBECONFIG", kubeconfig(t, "a", server.URL))
			if test.comes != "" {
				store.after["PATCH "+exampleDefaultDeny] = func() { store.put(test.comes, shutsOut()) }
			}
			code, _, stderr := run(t, strings.Fields("lockdown cluster-example -n default --context a --yes "+test.args)...)
			if code != test.code || !strings.Contains(stderr, test.stderr) {
				t.Errorf("exit code %d, want %d, stderr\n%swant %q", code, test.code, stderr, test.stderr)
			}
			if code == kit.ExitFailed && (!strings.Contains(stderr, "rolled back: removed "+exampleDefaultDeny) || !slices.Equal(store.names(), []string{test.comes})) {
				t.Errorf("left are %q, stderr\n%s", store.names(), stderr)
			}
		})
	}
}

// What comes back while unlock runs is not gone.
func TestUnlockVerifies(t *testing.T) {
	for _, test := range []struct {
		name   string
		again  bool
		code   int
		stderr string
	}{
		{"all is gone", false, kit.ExitFine, "Cluster cluster-example is OPEN.\n"},
		{"somebody applies it again", true, kit.ExitFailed, "verification: CiliumNetworkPolicy/default/" + exampleDefaultDeny + " is still there"},
	} {
		t.Run(test.name, func(t *testing.T) {
			store, server := newPolicyStore(t)
			t.Setenv("KUBECONFIG", kubeconfig(t, "a", server.URL))
			if code, _, stderr := run(t, strings.Fields("lockdown cluster-example -n default --context a --yes")...); code != kit.ExitFine {
				t.Fatal(stderr)
			}
			if again := store.policies[exampleDefaultDeny]; test.again {
				store.after["DELETE "+exampleDefaultDeny] = func() { store.put(exampleDefaultDeny, again) }
			}
			code, _, stderr := run(t, strings.Fields("unlock cluster-example -n default --context a --yes")...)
			if code != test.code || !strings.Contains(stderr, test.stderr) {
				t.Errorf("exit code %d, want %d, stderr\n%swant %q", code, test.code, stderr, test.stderr)
			}
		})
	}
}

// noPolicies is the server of a recording for somebody who may not list policies.
func noPolicies(t *testing.T, recording string) string {
	t.Helper()
	return refusing(t, refusing(t, apiServer(t, recordings+recording), policiesOfAll), policiesOfDefault).URL
}

// Policies that nobody may see are not taken for none.
func TestPoliciesThatNobodyMaySee(t *testing.T) {
	t.Setenv("KUBECONFIG", kubeconfig(t, "a", noPolicies(t, "live-locked.json")))
	for _, test := range []struct {
		args   string
		code   int
		stderr string
	}{
		{"unlock cluster-example --yes", kit.ExitFailed, "ask for permission to list ciliumnetworkpolicies.cilium.io"},
		{"unlock cluster-example --dry-run=client", kit.ExitFailed, "ask for permission to list ciliumnetworkpolicies.cilium.io"},
		{"unlock gone --yes", kit.ExitFailed, "ask for permission to list ciliumnetworkpolicies.cilium.io"},
		{"lockdown cluster-example --yes", kit.ExitNo, "error: refused: the preview is not reliable: "},
		{"status cluster-example", kit.ExitFailed, `error: the posture of cluster "cluster-example" in namespace "default" is unknown: `},
	} {
		code, _, stderr := run(t, append(strings.Fields(test.args), "-n", "default", "--context", "a")...)
		if code != test.code || !strings.Contains(stderr, test.stderr) || strings.Contains(stderr, "Nothing to remove") {
			t.Errorf("%s: exit code %d, want %d, stderr\n%swant %q", test.args, code, test.code, stderr, test.stderr)
		}
	}
}

// A posture that is not known is no success, whatever --fail-on says.
func TestStatusOfAnUnknownPosture(t *testing.T) {
	t.Setenv("KUBECONFIG", "testdata/missing.yaml")
	path := filepath.Join(t.TempDir(), "operator-to-services.yaml")
	if err := os.WriteFile(path, []byte(`
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: to-services, namespace: cnpg-system}
spec: {endpointSelector: {}, egress: [{toServices: [{k8sService: {serviceName: registry, namespace: tools}}]}]}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args string
		code int
	}{
		{"status", kit.ExitFine},
		{"status -f " + path, kit.ExitFailed},
		{"status -f " + path + " --fail-on error", kit.ExitFailed},
	} {
		code, stdout, stderr := run(t, append(strings.Fields(test.args), "-f", recordings+"live-locked.json")...)
		unknown := test.code == kit.ExitFailed
		if code != test.code || strings.Contains(stdout, "UNKNOWN") != unknown ||
			unknown != strings.Contains(stderr, `error: the posture of cluster "cluster-example" in namespace "default" is unknown: `) {
			t.Errorf("%s: exit code %d, want %d, stdout\n%sstderr\n%s", test.args, code, test.code, stdout, stderr)
		}
	}
}

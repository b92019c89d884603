package plugin

import (
	"net/http"
	"strings"
	"testing"
)

// Where names are wanted, files are none.
func TestCompletionOfFlags(t *testing.T) {
	server := answering(t, apiServer(t, recordings+"live-locked.json"), "/apis/cilium.io/v2/namespaces/default/ciliumnetworkpolicies", http.StatusOK,
		`{"apiVersion":"cilium.io/v2","kind":"CiliumNetworkPolicyList","items":[
			{"metadata":{"name":"a","labels":{"app.kubernetes.io/managed-by":"kubectl-cnpg-netpol","cnpg-netpol/cluster":"gone"}}},
			{"metadata":{"name":"b","labels":{"app.kubernetes.io/managed-by":"kubectl-cnpg-netpol","cnpg-netpol/cluster":"cluster-example"}}}]}`)
	for namespace, account := range map[string]string{"default": "web", "backend": "reports"} {
		server = answering(t, server, "/api/v1/namespaces/"+namespace+"/serviceaccounts", http.StatusOK,
			`{"apiVersion":"v1","kind":"ServiceAccountList","items":[{"metadata":{"name":"`+account+`"}}]}`)
	}
	t.Setenv("KUBECONFIG", kubeconfig(t, "a", server.URL))
	const nothing, files = ":4\n", ":0\n"
	for args, want := range map[string]string{
		"lockdown --allow-namespace":     "kube-system\n",
		"lockdown --allow-metrics":       "kube-system\n",
		"lockdown --operator-namespace":  "kube-system\n",
		"diff --operator-namespace":      "kube-system\n",
		"status --operator-namespace":    "kube-system\n",
		"explain --operator-namespace":   "kube-system\n",
		"diff --allow-service-account":   "web\n",
		"lockdown --allow-pods":          nothing,
		"lockdown --timeout":             nothing,
		"explain --pooler":               nothing,
		"explain --port":                 nothing,
		"explain --labels":               nothing,
		"status --as":                    nothing,
		"status --request-timeout":       nothing,
		"status --kubeconfig":            files,
		"status --certificate-authority": files,
		"unlock":                         "cluster-example\ngone\n",
		"unlock gone":                    "cluster-example\n",
	} {
		words := append(append([]string{"__complete", "--context", "a"}, strings.Fields(args)...), "")
		_, stdout, _ := run(t, words...)
		if want == nothing && stdout != want || !strings.Contains(stdout, want) || want != files && !strings.HasSuffix(stdout, nothing) {
			t.Errorf("%s: got %q, want %q", args, stdout, want)
		}
	}
	if _, stdout, _ := run(t, "__complete", "--context", "a", "lockdown", "--allow-service-account", "backend/"); stdout != "backend/reports\n"+nothing {
		t.Errorf("names of another namespace: got %q", stdout)
	}
}

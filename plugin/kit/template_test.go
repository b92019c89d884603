package kit

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// A workload without pods is asked about by its template.
func TestExplainTemplateOfAWorkloadWithoutPods(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/apis/apps/v1/namespaces/shop/deployments/idle":
			fmt.Fprint(w, `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"idle","namespace":"shop"},
				"spec":{"replicas":0,"template":{"metadata":{"labels":{"app":"idle"}},"spec":{"serviceAccountName":"idle","containers":[{"name":"c"}]}}}}`)
		case "/apis/batch/v1/namespaces/shop/cronjobs/report":
			fmt.Fprint(w, `{"apiVersion":"batch/v1","kind":"CronJob","metadata":{"name":"report","namespace":"shop"},
				"spec":{"jobTemplate":{"spec":{"template":{"metadata":{"labels":{"app":"report"}},"spec":{}}}}}}`)
		case "/apis/apps/v1/namespaces/shop/deployments/secret":
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","message":"you may not","code":403}`)
		default:
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","message":"not found","code":404}`)
		}
	}))
	defer server.Close()
	t.Setenv("KUBECONFIG", "testdata/missing.yaml")
	root := NewGlobals(genericiooptions.NewTestIOStreamsDiscard(), "test")
	*root.Config.APIServer = server.URL
	for _, test := range []struct{ source, label, err string }{
		{source: "deploy/idle", label: "idle"},
		{source: "cj/report", label: "report"},
		{source: "deploy/gone", err: `there is no deployment/gone in namespace "shop", and no pod of it: 'kubectl get deployments -n shop' lists what there is`},
		{source: "deploy/secret", err: "no pod of deployment/secret runs, and its pod template can't be read: you may not"},
		{source: "deploy/web"},
		{source: "pod/gone"},
		{source: "rollout/gone"},
		{source: "world"},
	} {
		t.Run(test.source, func(t *testing.T) {
			source := Source{Globals: root}
			from, err := explain.ParseSource(test.source)
			if err != nil {
				t.Fatal(err)
			}
			from = from.In("shop")
			running := inventory.Pod{Namespace: "shop", Name: "web-1", Workload: inventory.Workload{Kind: "deployment", Name: "web"}}
			inv := &inventory.Inventory{Origin: inventory.Live, Pods: []inventory.Pod{running}}
			note, err := source.AddTemplate(t.Context(), inv, from)
			if test.err != "" {
				if err == nil || err.Error() != test.err {
					t.Errorf("got %v, want %s", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if test.label == "" {
				if len(inv.Pods) != 1 || note != "" {
					t.Errorf("pods %+v, note %q", inv.Pods, note)
				}
				return
			}
			if len(inv.Pods) != 2 || inv.Pods[1].Labels["app"] != test.label || !from.Matches(&inv.Pods[1]) || !strings.Contains(note, "runs: the answer is for a pod of its template") {
				t.Errorf("pods %+v, note %q", inv.Pods, note)
			}
		})
	}
}

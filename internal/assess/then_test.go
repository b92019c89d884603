package assess_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// Endings share worlds, and what is told of each is what holds when it alone is over: of databases that have nothing to do with
// each other, of two in one namespace, of a replica cluster and its source, and of egress.
func TestEndingsAreToldAsIfAlone(t *testing.T) {
	var text strings.Builder
	database := func(namespace, name, more string) {
		fmt.Fprintf(&text, "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: %s, namespace: %s}\nspec: {instances: 2, storage: {size: 1Gi}%s}\n---\n", name, namespace, more)
	}
	text.WriteString("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: operator, namespace: cnpg-system, labels: {app.kubernetes.io/name: cloudnative-pg}}\n" +
		"spec:\n  selector: {matchLabels: {app.kubernetes.io/name: cloudnative-pg}}\n  template: {metadata: {labels: {app.kubernetes.io/name: cloudnative-pg}}, spec: {containers: [{name: manager, image: operator}]}}\n---\n")
	for i := range 5 {
		database(fmt.Sprint("team-", i), "pg", "")
	}
	database("team-0", "second", "")
	database("copies", "copy", ", replica: {enabled: true, source: pg}, bootstrap: {pg_basebackup: {source: pg}}, externalClusters: [{name: pg, connectionParameters: {host: pg-rw.team-1.svc, user: streaming_replica}}]")
	file := filepath.Join(t.TempDir(), "all.yaml")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	inv := fixture.Load(t, file)
	for i, c := range inv.Clusters {
		options, err := policyset.Parse(policyset.FlagValues{})
		if err != nil {
			t.Fatal(err)
		}
		options.Egress = i%2 == 1
		set, err := policyset.Build(options.For(types.NamespacedName{Namespace: c.Namespace, Name: c.Name}, []policyset.Operator{{Namespace: "cnpg-system"}}))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range set {
			object := p.Object
			if p.Role.Denies() {
				object = policyset.EndingWith(object, policyset.Timer{Name: c.Name + "-" + strings.ReplaceAll(string(p.Role), "/", "-"), UID: "1"})
			}
			policy, err := json.Marshal(object)
			if err != nil {
				t.Fatal(err)
			}
			fixture.Policy(string(policy))(inv)
		}
	}
	inv.Finish()
	m, err := model.New(inv, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	endings, changes := 0, 0
	for i, r := range assess.Evaluate(m).Items {
		for _, timed := range r.Timed {
			then, err := assess.WhenEnded(m, timed)
			if err != nil {
				t.Fatal(err)
			}
			want := assess.Posture(then, m.Clusters()[i])
			endings++
			if timed.Then != want {
				t.Errorf("%s/%s after %s: %s, alone %s", r.Metadata.Namespace, r.Metadata.Name, timed.Name, timed.Then, want)
			}
			if want != r.Posture {
				changes++
			}
			if timed.Then == v1alpha1.PostureUnknown {
				t.Errorf("%s/%s after %s is unknown", r.Metadata.Namespace, r.Metadata.Name, timed.Name)
			}
		}
	}
	if endings < len(inv.Clusters) || changes == 0 {
		t.Errorf("%d endings, %d of them change a posture", endings, changes)
	}
}

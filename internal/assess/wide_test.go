package assess_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// What has more labels than are evaluated is told where it matters, and nothing else becomes unknown because of it.
func TestTooManyLabels(t *testing.T) {
	labels := func(n int) string {
		all := map[string]string{"cnpg.io/cluster": "pg", "cnpg.io/podRole": "instance"}
		for i := range n - len(all) {
			all[fmt.Sprint("key-", i)] = "x"
		}
		text, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	const plain = `{apiVersion: postgresql.cnpg.io/v1, kind: Cluster, metadata: {name: pg, namespace: db}, spec: {instances: 2}}`
	of := func(text string) string { return strings.Replace(text, "LABELS", labels(inventory.MostLabels+1), 1) }
	for name, tc := range map[string]struct {
		object, database string
		// posture is that of the database beside the object, and finding what it is told.
		posture v1alpha1.Posture
		finding string
		// others is what a database of another namespace is told.
		others string
		// nobody is true where of none of the database's pods can be said who it is.
		nobody bool
	}{
		"a cluster that hands many to its pods": {"", `{apiVersion: postgresql.cnpg.io/v1, kind: Cluster, metadata: {name: pg, namespace: db}, spec: {instances: 2, inheritedMetadata: {labels: LABELS}}}`,
			v1alpha1.PostureUnknown, `error: cluster "pg" in namespace "db" hands 10001 labels to its pods`, "", false},
		"a pooler": {`{apiVersion: postgresql.cnpg.io/v1, kind: Pooler, metadata: {name: rw, namespace: db}, spec: {cluster: {name: pg}, pgbouncer: {poolMode: session}, template: {metadata: {labels: LABELS}, spec: {containers: []}}}}`, plain,
			v1alpha1.PostureUnknown, `error: pooler "rw" in namespace "db" gives 10001 labels to its pods`, "", false},
		"an instance": {`{apiVersion: v1, kind: Pod, metadata: {name: pg-1, namespace: db, labels: LABELS}}`, plain,
			v1alpha1.PostureUnknown, `error: pod "pg-1" in namespace "db" has 10001 labels`, "", true},
		"its namespace": {`{apiVersion: v1, kind: Namespace, metadata: {name: db, labels: LABELS}}`, plain,
			v1alpha1.PostureUnknown, `error: namespace "db" has 10001 labels`, "", true},
		"a client": {strings.Replace(`{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: db}, spec: {replicas: 3, template: {metadata: {labels: LABELS}, spec: {containers: []}}}}`, "LABELS", strings.ReplaceAll(labels(inventory.MostLabels+1), "cnpg.io/", "example.com/"), 1), plain,
			v1alpha1.PostureOpen, `warning: a pod of deployment/web in namespace "db" has 10001 labels`, "", false},
		"a client elsewhere": {`{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: app, labels: LABELS}}`, plain,
			v1alpha1.PostureOpen, "", "", false},
		"a group of addresses": {`{apiVersion: cilium.io/v2, kind: CiliumCIDRGroup, metadata: {name: g, labels: LABELS}, spec: {externalCIDRs: [10.0.0.0/8]}}`, plain,
			v1alpha1.PostureOpen, `warning: CiliumCIDRGroup "g" has 10001 labels`, `warning: CiliumCIDRGroup "g" has 10001 labels`, false},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Join([]string{
				`{apiVersion: apps/v1, kind: Deployment, metadata: {name: cnpg, namespace: cnpg-system, labels: {app.kubernetes.io/name: cloudnative-pg}}, spec: {template: {metadata: {labels: {app.kubernetes.io/name: cloudnative-pg}}, spec: {containers: []}}}}`, "---", of(tc.database), "---", of(tc.object), "---",
				`{apiVersion: postgresql.cnpg.io/v1, kind: Cluster, metadata: {name: other, namespace: other}, spec: {instances: 2}}`, "---",
				`{apiVersion: v1, kind: ConfigMap, metadata: {name: cilium-config, namespace: kube-system}, data: {}}`, "",
			}, "\n")
			m, err := model.New(fixture.Text(t, text), model.Options{})
			if err != nil {
				t.Fatal(err)
			}
			list := assess.Evaluate(m)
			if len(list.Items) != 2 {
				t.Fatalf("%d databases", len(list.Items))
			}
			if got := list.Items[0].Posture; got != tc.posture {
				t.Errorf("beside it: %s, want %s", got, tc.posture)
			}
			if got := len(list.Items[0].Pods); (got == 0) != tc.nobody {
				t.Errorf("%d pods, of whom nobody can say who they are: %t", got, tc.nobody)
			}
			if got := list.Items[1].Posture; got != v1alpha1.PostureOpen {
				t.Errorf("elsewhere: %s", got)
			}
			for i, want := range []string{tc.finding, tc.others} {
				var got []string
				for _, f := range list.Items[i].Findings {
					if f.Code == v1alpha1.EvidenceMissing {
						got = append(got, fmt.Sprintf("%s: %s", f.Severity, f.Message))
					}
				}
				if want != "" {
					want += ": whom policies select by more than 10000 is not worked out"
				}
				if strings.Join(got, "\n") != want {
					t.Errorf("%s is told %q, want %q", list.Items[i].Metadata.Name, got, want)
				}
			}
		})
	}
}

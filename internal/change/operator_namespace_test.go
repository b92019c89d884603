package change_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/resource"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/manifests"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// single is a cluster with one instance and an operator in the namespace operators.
const single = `
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: pg, namespace: shop}
spec: {instances: INSTANCES, storage: {size: 1Gi}}
---
apiVersion: v1
kind: Pod
metadata: {name: operator, namespace: operators, labels: {app.kubernetes.io/name: cloudnative-pg}}
spec: {containers: [{name: manager, image: operator}]}
status: {phase: Running}
`

// refusals previews a lockdown of the cluster above.
func refusals(t *testing.T, instances string, flags policyset.FlagValues) []v1alpha1.Refusal {
	t.Helper()
	return lockdownOf(t, strings.ReplaceAll(single, "INSTANCES", instances), flags).Refusals
}

// lockdownOf proposes to lock down the cluster of manifests.
func lockdownOf(t *testing.T, text string, flags policyset.FlagValues) change.Proposal {
	t.Helper()
	file := filepath.Join(t.TempDir(), "world.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	inv, err := manifests.Load(t.Context(), manifests.Options{FilenameOptions: resource.FilenameOptions{Filenames: []string{file}}})
	if err != nil {
		t.Fatal(err)
	}
	options, err := policyset.Parse(flags)
	if err != nil {
		t.Fatal(err)
	}
	var named string
	if len(flags.OperatorNamespaces) == 1 {
		named = flags.OperatorNamespaces[0]
	}
	before, err := model.New(inv, model.Options{OperatorNamespace: named})
	if err != nil {
		t.Fatal(err)
	}
	return propose(t, before, options.For(types.NamespacedName{Namespace: "shop", Name: "pg"}, assess.Operators(before)))
}

// Whoever may create Deployments can call one an operator. That several get in is said before it is done, unless somebody has said
// that they may.
func TestSeveralOperatorsArePointedOut(t *testing.T) {
	fake := strings.NewReplacer("INSTANCES", "1", "name: operator, namespace: operators", "name: fake, namespace: evil").Replace(single)
	text := strings.ReplaceAll(single, "INSTANCES", "1") + "---" + fake[strings.Index(fake, "---")+3:]
	for name, tc := range map[string]struct {
		text  string
		flags policyset.FlagValues
		want  bool
	}{
		"one":               {strings.ReplaceAll(single, "INSTANCES", "1"), policyset.FlagValues{}, false},
		"two":               {text, policyset.FlagValues{}, true},
		"one of two named":  {text, policyset.FlagValues{OperatorNamespaces: []string{"operators"}}, false},
		"both of two named": {text, policyset.FlagValues{OperatorNamespaces: []string{"operators", "evil"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, note := range lockdownOf(t, tc.text, tc.flags).Previews[0].Notes {
				if note.Subject == "Operators" {
					got = append(got, note.Message+": "+note.Remedy.String())
				}
			}
			want := []string{`operators were seen in the namespaces "evil", "operators", and each of them gets in: the label of a Deployment makes one: ` +
				`If one of them is none, say which one counts: --operator-namespace NAMESPACE`}
			if !tc.want {
				want = nil
			}
			if !slices.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

// A namespace that --operator-namespace names counts, unless it would lock the only operator out
// that is there.
func TestAMisspeltOperatorNamespaceIsRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		namespaces []string
		refused    bool
	}{
		"detected":            {nil, false},
		"named":               {[]string{"operators"}, false},
		"misspelt":            {[]string{"operator"}, true},
		"both":                {[]string{"operators", "hidden"}, false},
		"misspelt with other": {[]string{"operator", "hidden"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			got := refusals(t, "1", policyset.FlagValues{OperatorNamespaces: tc.namespaces})
			if (len(got) > 0) != tc.refused {
				t.Errorf("refusals %+v", got)
			}
		})
	}
}

// A single instance has no peers that it could lose.
func TestOperatorOnlyIsForASingleInstance(t *testing.T) {
	if got := refusals(t, "1", policyset.FlagValues{OperatorOnly: true}); len(got) > 0 {
		t.Errorf("refused for a single instance: %+v", got)
	}
	if got := refusals(t, "2", policyset.FlagValues{OperatorOnly: true}); len(got) != 2 {
		t.Errorf("refusals for two instances: %+v", got)
	}
}

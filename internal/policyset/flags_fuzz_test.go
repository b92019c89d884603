package policyset_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// Whatever flags hold, they are refused, or make a set that is the same when its own flags are read again.
func FuzzParseFlags(f *testing.F) {
	for _, flag := range []string{
		"--allow-pods=role=backend", "--allow-pods=a in (b,c),!d", "--allow-pods-any-namespace=tier=a", "--allow-namespace=web", "--allow-cluster-wide", "--allow-metrics=monitoring:app=prometheus",
		"--allow-kubectl-cnpg", "--allow-pods=", "--allow-metrics=:", "--allow-nobody=x", "", "=", "--allow-pods=\x1b=\u202e", "--allow-egress-cidr=[2001:db8::/32]:443", "--allow-egress-fqdn=a.*.example.com:443", "--allow-egress-pods=storage:app=minio:9000",
	} {
		f.Add(flag, "cnpg-system", "cluster")
	}
	f.Fuzz(func(t *testing.T, flag, operator, scope string) {
		options, err := policyset.Parse(policyset.FlagValues{Scope: scope, OperatorNamespaces: []string{operator}, Egress: true, Allow: []string{flag}})
		if err != nil {
			if strings.TrimSpace(err.Error()) == "" {
				t.Errorf("%q is refused without a word", flag)
			}
			return
		}
		key := types.NamespacedName{Namespace: "db", Name: "pg"}
		set, err := policyset.Build(options.For(key, nil))
		if err != nil {
			return
		}
		text, err := policyset.YAML(set)
		if err != nil {
			t.Fatal(err)
		}
		var again policyset.FlagValues
		for _, word := range policyset.Flags(options) {
			name, value, _ := strings.Cut(word, "=")
			switch name {
			case policyset.FlagScope:
				again.Scope = value
			case policyset.FlagEgress:
				again.Egress = true
			case policyset.FlagOperatorNamespace:
				again.OperatorNamespaces = append(again.OperatorNamespaces, value)
			default:
				again.Allow = append(again.Allow, word)
			}
		}
		parsed, err := policyset.Parse(again)
		if err != nil {
			t.Fatalf("its own flags are refused: %v", err)
		}
		set, err = policyset.Build(parsed.For(key, nil))
		if err != nil {
			t.Fatal(err)
		}
		if other, err := policyset.YAML(set); err != nil || string(other) != string(text) {
			t.Errorf("%q: another set from its own flags %q (%v)", flag, policyset.Flags(options), err)
		}
	})
}

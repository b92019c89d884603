package rbac

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"slices"
	"testing"

	"github.com/spf13/cobra"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	strict "sigs.k8s.io/yaml"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

func TestCompleteAndValidate(t *testing.T) {
	for _, test := range []struct {
		name  string
		args  []string
		roles []role
		err   string
	}{
		{"both", nil, []role{roleView, roleLockdown}, ""},
		{"view", []string{"view"}, []role{roleView}, ""},
		{"lockdown", []string{"lockdown"}, []role{roleLockdown}, ""},
		{"unknown", []string{"admin"}, nil, `unknown role "admin": use view, lockdown, observe, probe, or none for view and lockdown`},
		{"empty", []string{""}, nil, `unknown role "": use view, lockdown, observe, probe, or none for view and lockdown`},
		{"too many", []string{"view", "lockdown"}, nil, `one role at a time, or none for view and lockdown: "lockdown" is too much`},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := newOptions(kit.NewGlobals(genericiooptions.NewTestIOStreamsDiscard(), "test"))
			err := errors.Join(o.complete(test.args), o.validate())
			if test.err != "" {
				if usage := (kit.UsageError{}); err == nil || err.Error() != test.err || !errors.As(err, &usage) {
					t.Errorf("got %v, want %s", err, test.err)
				}
				return
			}
			if err != nil || !slices.Equal(o.roles, test.roles) || o.output != formatYAML {
				t.Errorf("got %+v, %v", o, err)
			}
		})
	}
}

// printed is what the command prints, read strictly.
func printed(t *testing.T, output format, args ...string) []rbacv1.ClusterRole {
	t.Helper()
	var out bytes.Buffer
	o := newOptions(kit.NewGlobals(genericiooptions.IOStreams{Out: &out}, "test"))
	o.output = output
	if err := errors.Join(o.complete(args), o.run()); err != nil {
		t.Fatal(err)
	}
	if output == formatJSON != json.Valid(bytes.SplitAfter(out.Bytes(), []byte("\n}\n"))[0]) {
		t.Errorf("not %s:\n%s", output, out.String())
	}
	documents := yaml.NewYAMLOrJSONDecoder(&out, 1<<16)
	var found []rbacv1.ClusterRole
	for {
		var document json.RawMessage
		err := documents.Decode(&document)
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		var role rbacv1.ClusterRole
		if err := strict.UnmarshalStrict(document, &role); err != nil {
			t.Fatal(err)
		}
		found = append(found, role)
	}
}

// Whatever the format, it is the same roles, and all of their fields are known.
func TestFormatsSayTheSame(t *testing.T) {
	for _, test := range []struct {
		args  []string
		names []string
	}{
		{nil, []string{"cnpg-netpol-view", "cnpg-netpol-lockdown"}},
		{[]string{"view"}, []string{"cnpg-netpol-view"}},
		{[]string{"lockdown"}, []string{"cnpg-netpol-lockdown"}},
		{[]string{"observe"}, []string{"cnpg-netpol-observe"}},
	} {
		asYAML, asJSON := printed(t, formatYAML, test.args...), printed(t, formatJSON, test.args...)
		if !reflect.DeepEqual(asYAML, asJSON) {
			t.Errorf("%q: YAML says %+v, JSON says %+v", test.args, asYAML, asJSON)
		}
		var names []string
		for _, role := range asYAML {
			names = append(names, role.Name)
			if role.Kind != "ClusterRole" || role.APIVersion != rbacv1.SchemeGroupVersion.String() || len(role.Rules) == 0 {
				t.Errorf("%q: got %+v", test.args, role)
			}
		}
		if !slices.Equal(names, test.names) {
			t.Errorf("%q prints %q, want %q", test.args, names, test.names)
		}
	}
}

func TestCompletionOfRoles(t *testing.T) {
	if got, directive := completeRoles(nil, nil, ""); !slices.Equal(got, []string{"view", "lockdown", "observe", "probe"}) || directive != cobra.ShellCompDirectiveNoFileComp {
		t.Errorf("got %q, %d", got, directive)
	}
	if got, _ := completeRoles(nil, []string{"view"}, ""); got != nil {
		t.Errorf("after a role, got %q", got)
	}
}

package rbac

import (
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"
	"sigs.k8s.io/yaml"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// files are the ClusterRoles, each in a file that is called as its role is on the command line.
//
//go:embed view.yaml lockdown.yaml observe.yaml probe.yaml
var files embed.FS

// role is an argument of the command.
type role string

const (
	roleView     role = "view"
	roleLockdown role = "lockdown"
	roleObserve  role = "observe"
	roleProbe    role = "probe"
)

// roles are all of them, in the order in which they are printed.
func roles() []role { return []role{roleView, roleLockdown, roleObserve, roleProbe} }

// format is the value of -o.
type format string

const (
	formatYAML format = "yaml"
	formatJSON format = "json"
)

// options are what run needs: the flags, and what the arguments mean.
type options struct {
	genericiooptions.IOStreams
	output format
	roles  []role
}

func newOptions(globals *kit.Globals) *options {
	return &options{IOStreams: globals.IOStreams, output: formatYAML}
}

// NewCommand returns the command rbac.
func NewCommand(globals *kit.Globals) *cobra.Command { return newOptions(globals).command() }

func (o *options) command() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rbac [view|lockdown|observe|probe]",
		Short: "Print the ClusterRoles that the commands need",
		Long: kit.Long(`
			Prints ClusterRoles with exactly the permissions that the commands need, ready for
			kubectl apply. No server is asked, and nobody has a role before it is bound.

			  view      cnpg-netpol-view, for status, explain, clients, test, diff and previews: bind it
			            with a ClusterRoleBinding, because clients can be in any namespace
			  lockdown  cnpg-netpol-lockdown, for lockdown, confirm, unlock, grant and revoke, in
			            addition: bind it with a RoleBinding in the namespace of the database
			  observe   cnpg-netpol-observe, for clients, in addition: it lets commands run in the
			            database's pods, and reaches Hubble's relay. It is powerful, and optional
			  probe     cnpg-netpol-probe, for explain --probe, lockdown --prove and test --probe, in
			            addition: it makes pods in the namespaces of clients. It is powerful, and optional
			Without an argument, view and lockdown.
		`),
		Example: kit.Examples(`
			# Make both roles
			kubectl cnpg-netpol rbac | kubectl apply -f -

			# Let a group look at all databases, and lock down those of one namespace
			kubectl create clusterrolebinding cnpg-netpol-view --clusterrole=cnpg-netpol-view --group=dba
			kubectl create rolebinding cnpg-netpol-lockdown -n shop \
			  --clusterrole=cnpg-netpol-lockdown --group=dba

			# Only the role for those who look
			kubectl cnpg-netpol rbac view
		`),
		GroupID:           kit.GroupOther,
		Annotations:       map[string]string{kit.OfflineAnnotation: ""},
		ValidArgsFunction: completeRoles,
		RunE: func(_ *cobra.Command, args []string) error {
			if err := errors.Join(o.complete(args), o.validate()); err != nil {
				return err
			}
			return o.run()
		},
	}
	kit.EnumVarP(cmd, cmd.Flags(), &o.output, "output", "o", "Output format", formatYAML, formatJSON)
	return cmd
}

// completeRoles completes the name of a role.
func completeRoles(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return names(), cobra.ShellCompDirectiveNoFileComp
}

func names() []string {
	var names []string
	for _, r := range roles() {
		names = append(names, string(r))
	}
	return names
}

// complete takes the arguments. None stands for the two that everybody needs.
func (o *options) complete(args []string) error {
	switch len(args) {
	case 0:
		o.roles = []role{roleView, roleLockdown}
	case 1:
		o.roles = []role{role(args[0])}
	default:
		return kit.UsageErrorf("one role at a time, or none for view and lockdown: %q is too much", args[1])
	}
	return nil
}

// validate finds what is no role.
func (o *options) validate() error {
	for _, r := range o.roles {
		if !slices.Contains(roles(), r) {
			return kit.UsageErrorf("unknown role %q: use %s, or none for view and lockdown", r, strings.Join(names(), ", "))
		}
	}
	return nil
}

func (o *options) run() error {
	for i, r := range o.roles {
		text, err := files.ReadFile(string(r) + ".yaml")
		if err != nil {
			return err
		}
		if err := o.print(text, i == 0); err != nil {
			return fmt.Errorf("role %q: %w", r, err)
		}
	}
	return nil
}

// print prints a role; as YAML, with the comments that say what each permission is for.
func (o *options) print(text []byte, first bool) error {
	if o.output == formatJSON {
		var object unstructured.Unstructured
		if err := yaml.Unmarshal(text, &object.Object); err != nil {
			return err
		}
		return (&printers.JSONPrinter{}).PrintObj(&object, o.Out)
	}
	if !first {
		text = append([]byte("---\n"), text...)
	}
	_, err := o.Out.Write(text)
	return err
}

package kit

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// SetFlags are the flags that shape the policy set; lockdown and diff have them.
type SetFlags struct {
	values            policyset.FlagValues
	operatorNamespace *string
}

func NewSetFlags() SetFlags {
	return SetFlags{values: policyset.FlagValues{Scope: string(policyset.ScopeCluster)}}
}

// AddFlags binds the flags. Selectors contain commas, so their flags are repeated instead.
func (s *SetFlags) AddFlags(cmd *cobra.Command, root *Globals, operatorNamespace *string) {
	s.operatorNamespace = operatorNamespace
	flags := cmd.Flags()
	list := func(into *[]string, flag, usage string) {
		flags.StringArrayVar(into, strings.TrimPrefix(flag, "--"), nil, usage)
	}
	list(&s.values.AllowPods, policyset.FlagAllowPods,
		"Let in pods of the cluster's namespace with these labels, as in role=backend (repeatable)")
	list(&s.values.AllowPodsAnyNamespace, policyset.FlagAllowPodsAnyNamespace,
		"Let in pods of any namespace with these labels (repeatable)")
	list(&s.values.AllowNamespaces, policyset.FlagAllowNamespace, "Let in all pods of this namespace (repeatable)")
	flags.BoolVar(&s.values.AllowClusterWide, strings.TrimPrefix(policyset.FlagAllowClusterWide, "--"), false,
		"Let in everything in the Kubernetes cluster, and nobody outside of it")
	list(&s.values.AllowMetrics, policyset.FlagAllowMetrics,
		"Let pods of this namespace read the metrics on 9187 and 9127 (repeatable)")
	flags.BoolVar(&s.values.AllowKubectlCNPG, strings.TrimPrefix(policyset.FlagAllowKubectlCNPG, "--"), false,
		"Let API server and nodes reach port 8000, for kubectl cnpg status")
	flags.StringVar(&s.values.Scope, strings.TrimPrefix(policyset.FlagScope, "--"), s.values.Scope,
		"What default deny and internal access select: the cluster's pods (cluster), or every pod of the namespace (namespace)")
	flags.BoolVar(&s.values.OperatorOnly, strings.TrimPrefix(policyset.FlagOperatorOnly, "--"), false,
		"Let in the operator and not the cluster's own pods; only for a single instance without poolers")
	list(&s.values.OperatorNamespaces, policyset.FlagOperatorNamespace,
		"Namespace of the CloudNativePG operator, instead of detecting it (repeatable)")
	for _, flag := range []string{policyset.FlagAllowNamespace, policyset.FlagAllowMetrics, policyset.FlagOperatorNamespace} {
		_ = cmd.RegisterFlagCompletionFunc(strings.TrimPrefix(flag, "--"), root.CompleteNamespaces)
	}
	_ = cmd.RegisterFlagCompletionFunc(strings.TrimPrefix(policyset.FlagScope, "--"),
		cobra.FixedCompletions([]string{string(policyset.ScopeCluster), string(policyset.ScopeNamespace)}, cobra.ShellCompDirectiveNoFileComp))
}

// Parse checks all values; its errors are usage errors.
func (s *SetFlags) Parse() (policyset.Options, error) {
	options, err := policyset.Parse(s.values)
	if err != nil {
		return options, UsageError{Err: err}
	}
	if len(s.values.OperatorNamespaces) == 1 {
		*s.operatorNamespace = s.values.OperatorNamespaces[0]
	}
	return options, nil
}

// Given is true when a flag that shapes the set was on the command line.
func (s *SetFlags) Given(cmd *cobra.Command) bool {
	given := false
	for _, flag := range []string{
		policyset.FlagAllowPods, policyset.FlagAllowPodsAnyNamespace, policyset.FlagAllowNamespace,
		policyset.FlagAllowClusterWide, policyset.FlagAllowMetrics, policyset.FlagAllowKubectlCNPG,
		policyset.FlagScope, policyset.FlagOperatorOnly,
	} {
		given = given || cmd.Flags().Changed(strings.TrimPrefix(flag, "--"))
	}
	return given
}

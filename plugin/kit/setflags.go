package kit

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// SetFlags are the flags that shape the policy set; lockdown and diff have them.
type SetFlags struct {
	values            policyset.FlagValues
	clients           []*clientFlag
	operatorNamespace *string
}

// clientFlag is the flag of one kind of client and what was typed for it.
type clientFlag struct {
	policyset.Definition
	values []string
	given  bool
}

// arguments are the flag as it was typed, each value by itself.
func (c *clientFlag) arguments() []string {
	if c.given {
		return []string{c.Flag}
	}
	var out []string
	for _, value := range c.values {
		out = append(out, c.Flag+"="+value)
	}
	return out
}

// NewSetFlags are the flags with their defaults.
func NewSetFlags() SetFlags {
	return SetFlags{values: policyset.FlagValues{Scope: string(policyset.ScopeCluster)}}
}

// AddFlags binds the flags. Selectors contain commas, so their flags are repeated instead.
func (s *SetFlags) AddFlags(cmd *cobra.Command, root *Globals, operatorNamespace *string) {
	s.operatorNamespace = operatorNamespace
	s.addGrants(cmd, root, policyset.Ingress)
	s.addGrants(cmd, root, policyset.Egress)
	s.addOthers(cmd, root)
}

// AddClientFlags binds the flags that let clients in, and no others.
func (s *SetFlags) AddClientFlags(cmd *cobra.Command, root *Globals) {
	s.addGrants(cmd, root, policyset.Ingress)
}

// addGrants binds the flags of one direction.
func (s *SetFlags) addGrants(cmd *cobra.Command, root *Globals, direction policyset.Direction) {
	flags := cmd.Flags()
	for _, d := range policyset.Definitions() {
		if d.Direction != direction {
			continue
		}
		client := &clientFlag{Definition: d}
		s.clients = append(s.clients, client)
		name := flagName(d.Flag)
		if d.Placeholder == "" {
			flags.BoolVar(&client.given, name, false, d.Usage)
			continue
		}
		flags.StringArrayVar(&client.values, name, nil, d.Usage)
		if d.Completes.Resource != "" {
			_ = cmd.RegisterFlagCompletionFunc(name, root.completeNames(d.Completes))
		}
	}
}

// addOthers binds those that shape the set.
func (s *SetFlags) addOthers(cmd *cobra.Command, root *Globals) {
	flags := cmd.Flags()
	flags.StringVar(&s.values.Scope, flagName(policyset.FlagScope), s.values.Scope,
		"What default deny and internal access select: the cluster's pods (cluster), or every pod of the namespace (namespace)")
	flags.BoolVar(&s.values.OperatorOnly, flagName(policyset.FlagOperatorOnly), false,
		"Let in the operator and not the cluster's own pods; only for a single instance without poolers")
	flags.BoolVar(&s.values.ThroughPoolers, flagName(policyset.FlagThroughPoolers), false,
		"Let clients reach the poolers and not the instances")
	flags.BoolVar(&s.values.Egress, flagName(policyset.FlagEgress), false,
		"Also restrict what the cluster's pods open: to what their specs say that they need, and to what --allow-egress-… names")
	flags.StringArrayVar(&s.values.OperatorNamespaces, flagName(policyset.FlagOperatorNamespace), nil,
		"Namespace of the CloudNativePG operator, instead of detecting it (repeatable)")
	_ = cmd.RegisterFlagCompletionFunc(flagName(policyset.FlagOperatorNamespace), root.CompleteNamespaces)
	_ = cmd.RegisterFlagCompletionFunc(flagName(policyset.FlagScope),
		cobra.FixedCompletions([]string{string(policyset.ScopeCluster), string(policyset.ScopeNamespace)}, cobra.ShellCompDirectiveNoFileComp))
}

// ParseClients is Parse for the flags of clients alone.
func (s *SetFlags) ParseClients() (policyset.Options, error) {
	unused := ""
	s.operatorNamespace = &unused
	return s.Parse()
}

// Parse checks all values; its errors are usage errors.
func (s *SetFlags) Parse() (policyset.Options, error) {
	values := s.values
	for _, client := range s.clients {
		values.Allow = append(values.Allow, client.arguments()...)
	}
	options, err := policyset.Parse(values)
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
	flags := []string{policyset.FlagScope, policyset.FlagOperatorOnly, policyset.FlagThroughPoolers, policyset.FlagEgress}
	for _, client := range s.clients {
		flags = append(flags, client.Flag)
	}
	return slices.ContainsFunc(flags, func(flag string) bool { return cmd.Flags().Changed(flagName(flag)) })
}

// flagName is a flag without the dashes.
func flagName(flag string) string { return strings.TrimPrefix(flag, "--") }

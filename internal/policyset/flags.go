package policyset

import (
	"errors"
	"fmt"
	"slices"
)

// The flags of lockdown that shape the set and let no client in, as they are typed. Those of clients
// are in Definitions.
const (
	FlagScope             = "--scope"
	FlagOperatorNamespace = "--operator-namespace"
	FlagOperatorOnly      = "--operator-only"
	FlagThroughPoolers    = "--through-poolers"
	FlagEgress            = "--egress"
	FlagOperator          = "--operator"
)

// FlagValues are the flags' values as they were typed. The repeatable ones must be bound with
// pflag's StringArray and not StringSlice, which would cut "a in (b,c)" at the comma.
type FlagValues struct {
	Scope              string
	OperatorNamespaces []string
	OperatorOnly       bool
	ThroughPoolers     bool
	Egress             bool
	// Allow are the client flags as Flags writes them: "--allow-pods=role=backend",
	// "--allow-cluster-wide".
	Allow []string
}

// Parse turns flags into Options without a cluster; For adds it. The error joins every problem of
// every flag, each naming flag and value.
func Parse(v FlagValues) (Options, error) {
	o := Options{Scope: ScopeCluster, OperatorOnly: v.OperatorOnly, ThroughPoolers: v.ThroughPoolers, Egress: v.Egress}
	var problems []error
	switch Scope(v.Scope) {
	case "", ScopeCluster:
	case ScopeNamespace:
		o.Scope = ScopeNamespace
	default:
		problems = append(problems, fmt.Errorf("%s %q: must be %q (the cluster's pods) or %q (every pod of its namespace)", FlagScope, v.Scope, ScopeCluster, ScopeNamespace))
	}
	var err error
	o.OperatorNamespaces, err = parseNamespaces(FlagOperatorNamespace, v.OperatorNamespaces)
	problems = append(problems, err)
	o.Grants, err = parseGrants(v.Allow)
	problems = append(problems, err, o.idle())
	if err := errors.Join(problems...); err != nil {
		return Options{}, err
	}
	return o, nil
}

// idle is an error for what says where to somebody may connect whom nothing keeps from connecting anywhere.
func (o Options) idle() error {
	var problems []error
	for _, g := range o.Grants {
		if d, known := definition(g.Kind); known && d.Direction == Egress && !o.Egress {
			problems = append(problems, fmt.Errorf("%s %q: without %s, nothing restricts what the cluster's pods open: add it, or leave this flag out", d.Flag, g.Value, FlagEgress))
		}
	}
	return errors.Join(problems...)
}

// parseNamespaces checks the values of one repeatable flag.
func parseNamespaces(flag string, values []string) ([]string, error) {
	var problems []error
	for i, value := range values {
		if err := checkNamespace(value); err != nil {
			problems = append(problems, fmt.Errorf("%s %w", flag, err))
		} else if slices.Contains(values[:i], value) {
			problems = append(problems, fmt.Errorf("%s %q: given twice: leave one out", flag, value))
		}
	}
	return slices.Clone(values), errors.Join(problems...)
}

// eachOf applies wrap to every error that was joined into err, so that each stays one line.
func eachOf(err error, wrap func(error) error) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return wrap(err)
	}
	var out []error
	for _, e := range joined.Unwrap() {
		out = append(out, wrap(e))
	}
	return errors.Join(out...)
}

// Flags are the arguments that ask lockdown for these options, one argument each
// ("--allow-pods=role=backend"), unquoted, in a fixed order. Defaults and detected operators
// are left out. Package command makes them fit for a shell.
func Flags(o Options) []string {
	var flags []string
	if o.forOperator() {
		flags = append(flags, FlagOperator, FlagOperatorNamespace+"="+o.Cluster.Namespace)
		o.OperatorNamespaces = nil
	}
	if o.scope() != ScopeCluster {
		flags = append(flags, FlagScope+"="+string(o.scope()))
	}
	for _, ns := range sortedSet(o.OperatorNamespaces) {
		flags = append(flags, FlagOperatorNamespace+"="+ns)
	}
	if o.OperatorOnly {
		flags = append(flags, FlagOperatorOnly)
	}
	if o.ThroughPoolers {
		flags = append(flags, FlagThroughPoolers)
	}
	if o.Egress {
		flags = append(flags, FlagEgress)
	}
	for _, g := range o.canonical() {
		flags = append(flags, g.Argument())
	}
	return flags
}

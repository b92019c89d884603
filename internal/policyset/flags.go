package policyset

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// The flags of lockdown that shape the set, as they are typed.
const (
	FlagScope                 = "--scope"
	FlagOperatorNamespace     = "--operator-namespace"
	FlagOperatorOnly          = "--operator-only"
	FlagAllowPods             = "--allow-pods"
	FlagAllowPodsAnyNamespace = "--allow-pods-any-namespace"
	FlagAllowNamespace        = "--allow-namespace"
	FlagAllowClusterWide      = "--allow-cluster-wide"
	FlagAllowMetrics          = "--allow-metrics"
	FlagAllowKubectlCNPG      = "--allow-kubectl-cnpg"
)

// FlagValues are the flags' values as they were typed. The repeatable ones must be bound with
// pflag's StringArray and not StringSlice, which would cut "a in (b,c)" at the comma.
type FlagValues struct {
	Scope                 string
	OperatorNamespaces    []string
	OperatorOnly          bool
	AllowPods             []string
	AllowPodsAnyNamespace []string
	AllowNamespaces       []string
	AllowClusterWide      bool
	AllowMetrics          []string
	AllowKubectlCNPG      bool
}

// Parse turns flags into Options without a cluster; For adds it. The error joins every problem of
// every flag, each naming flag and value.
func Parse(v FlagValues) (Options, error) {
	o := Options{
		Scope:            ScopeCluster,
		OperatorOnly:     v.OperatorOnly,
		AllowClusterWide: v.AllowClusterWide,
		AllowKubectlCNPG: v.AllowKubectlCNPG,
	}
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
	o.AllowPods, err = parseSelectors(FlagAllowPods, v.AllowPods, "give "+FlagAllowNamespace+" with the cluster's namespace to allow all of its pods")
	problems = append(problems, err)
	o.AllowPodsAnyNamespace, err = parseSelectors(FlagAllowPodsAnyNamespace, v.AllowPodsAnyNamespace, "give "+FlagAllowClusterWide+" to allow every pod of the Kubernetes cluster")
	problems = append(problems, err)
	o.AllowNamespaces, err = parseNamespaces(FlagAllowNamespace, v.AllowNamespaces)
	problems = append(problems, err)
	o.AllowMetrics, err = parseNamespaces(FlagAllowMetrics, v.AllowMetrics)
	problems = append(problems, err)
	if err := errors.Join(problems...); err != nil {
		return Options{}, err
	}
	return o, nil
}

// parseSelectors reads the values of one repeatable flag. everybody is the remedy for an empty one.
func parseSelectors(flag string, values []string, everybody string) ([]Selector, error) {
	var selectors []Selector
	var problems []error
	seen := map[string]string{}
	for _, value := range values {
		selector, err := ParseSelector(value)
		if errors.Is(err, errEmptySelector) {
			problems = append(problems, fmt.Errorf("%s %q: %w: %s", flag, value, err, everybody))
			continue
		}
		if err != nil {
			problems = append(problems, eachOf(err, func(e error) error { return fmt.Errorf("%s %q: %w", flag, value, e) }))
			continue
		}
		if first, ok := seen[selector.String()]; ok {
			problems = append(problems, fmt.Errorf("%s %q: given twice, it means the same as %q: leave one out", flag, value, first))
			continue
		}
		seen[selector.String()] = value
		selectors = append(selectors, selector)
	}
	return selectors, errors.Join(problems...)
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

// checkNamespace accepts names that a namespace can have.
func checkNamespace(name string) error {
	if name == "" {
		return fmt.Errorf("%q: a namespace's name is missing", name)
	}
	if messages := validation.IsDNS1123Label(name); len(messages) > 0 {
		return fmt.Errorf("%q: not the name of a namespace: %s", name, strings.Join(messages, "; "))
	}
	return nil
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
// ("--allow-pods=role=backend"), unquoted, in a fixed order. Defaults and detected operator
// namespaces are left out. CommandLine makes them fit for a shell.
func Flags(o Options) []string {
	var flags []string
	if o.scope() != ScopeCluster {
		flags = append(flags, FlagScope+"="+string(o.scope()))
	}
	for _, ns := range sortedSet(o.OperatorNamespaces) {
		flags = append(flags, FlagOperatorNamespace+"="+ns)
	}
	if o.OperatorOnly {
		flags = append(flags, FlagOperatorOnly)
	}
	for _, c := range o.clients() {
		flags = append(flags, c.flag)
	}
	return flags
}

// harmless are the characters that mean nothing to a shell.
func harmless(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./=:", r)
}

// CommandLine joins arguments to one line that a POSIX shell and PowerShell read back as the same
// arguments: what is not plainly harmless is put into single quotes.
func CommandLine(arguments []string) string {
	quoted := make([]string, len(arguments))
	for i, a := range arguments {
		quoted[i] = a
		if a == "" || strings.ContainsFunc(a, func(r rune) bool {
			return !harmless(r)
		}) {
			quoted[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}

package kit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// enum is a flag with a fixed set of values.
type enum[T ~string] struct {
	value   *T
	allowed []T
}

// EnumVarP adds a flag to flags, a flag set of cmd, that takes one of the allowed values and
// completes them. The default is what value holds.
func EnumVarP[T ~string](cmd *cobra.Command, flags *pflag.FlagSet, value *T, name, shorthand, usage string, allowed ...T) {
	e := &enum[T]{value, allowed}
	flags.VarP(e, name, shorthand, fmt.Sprintf("%s: %s", usage, strings.Join(e.names(), ", ")))
	complete := cobra.FixedCompletions(e.names(), cobra.ShellCompDirectiveNoFileComp)
	// The only errors are a flag that does not exist and one that has completions already.
	_ = cmd.RegisterFlagCompletionFunc(name, complete)
}

// Set is called by pflag, which puts the flag's name and the rejected value into the message.
func (e *enum[T]) Set(value string) error {
	if !slices.Contains(e.allowed, T(value)) {
		return fmt.Errorf("must be one of %s", strings.Join(e.names(), ", "))
	}
	*e.value = T(value)
	return nil
}

// String is the present value.
func (e *enum[T]) String() string { return string(*e.value) }

// Type is what the help shows for the value.
func (e *enum[T]) Type() string { return "string" }

func (e *enum[T]) names() []string {
	names := make([]string, len(e.allowed))
	for i, value := range e.allowed {
		names[i] = string(value)
	}
	return names
}

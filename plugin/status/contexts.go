package status

import (
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// contextsAtOnce is how many contexts are asked at the same time: most of the work is waiting for
// their servers, but each one's inventory is in memory until it is judged.
const contextsAtOnce = 8

// contextOptions choose several contexts of the kubeconfig.
type contextOptions struct {
	names []string
	all   bool
}

func (c *contextOptions) addFlags(cmd *cobra.Command, o *kit.Globals) {
	cmd.Flags().StringSliceVar(&c.names, "contexts", nil, "Look at several contexts of the kubeconfig, in this order")
	cmd.Flags().BoolVar(&c.all, "all-contexts", false, "Look at all contexts of the kubeconfig")
	// The only errors are a flag that does not exist and one that has completions already.
	_ = cmd.RegisterFlagCompletionFunc("contexts", o.CompleteContexts)
}

// several is true when one of the flags was given.
func (c *contextOptions) several() bool { return c.all || c.names != nil }

// validate finds flags that are about one cluster, or about none.
func (c *contextOptions) validate(o *options) error {
	if !c.several() {
		return nil
	}
	flag := "--contexts"
	if c.all {
		flag = "--all-contexts"
	}
	var errs []error
	if c.all && c.names != nil {
		errs = append(errs, kit.UsageErrorf("--contexts and --all-contexts can't be combined"))
	}
	if c.names != nil && (len(c.names) == 0 || slices.ContainsFunc(c.names, func(name string) bool { return strings.TrimSpace(name) == "" })) {
		errs = append(errs, kit.UsageErrorf("--contexts has an empty name: 'kubectl config get-contexts' lists what there is"))
	}
	for _, other := range []struct {
		given bool
		name  string
	}{
		{o.source.Offline(), "--filename"}, {o.watch, "--watch"},
		{*o.source.Config.Context != "", "--context"}, {*o.source.Config.ClusterName != "", "--cluster"}, {*o.source.Config.APIServer != "", "--server"},
	} {
		if other.given {
			errs = append(errs, kit.UsageErrorf("%s can't be combined with %s", flag, other.name))
		}
	}
	return errors.Join(errs...)
}

// completeClusters completes the names of clusters, with --contexts those of all that are named.
func (o *options) completeClusters(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if !o.contexts.several() {
		return o.source.CompleteClusters(cmd, args, typed)
	}
	const silent = cobra.ShellCompDirectiveNoFileComp
	contexts := kit.Unique(o.contexts.names)
	if o.contexts.all {
		var err error
		if contexts, err = o.source.ContextNames(); err != nil {
			return nil, silent
		}
	}
	found := make([][]string, len(contexts))
	var group errgroup.Group
	group.SetLimit(contextsAtOnce)
	for i, context := range contexts {
		group.Go(func() error {
			one := o.source
			one.Globals = o.source.ForContext(context, io.Discard)
			found[i], _ = one.CompleteClusters(cmd, args, typed)
			return nil
		})
	}
	_ = group.Wait() // A context that does not answer has no names.
	names := slices.Concat(found...)
	slices.Sort(names)
	return slices.Compact(names), silent
}

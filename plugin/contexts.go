package plugin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// contextsAtOnce is how many contexts are asked at the same time: most of the work is waiting for
// their servers, but each one's inventory is in memory until it is judged.
const contextsAtOnce = 8

// contextOptions choose several contexts of the kubeconfig.
type contextOptions struct {
	names []string
	all   bool
}

func (c *contextOptions) addFlags(cmd *cobra.Command, o *rootOptions) {
	cmd.Flags().StringSliceVar(&c.names, "contexts", nil, "Look at several contexts of the kubeconfig, in this order")
	cmd.Flags().BoolVar(&c.all, "all-contexts", false, "Look at all contexts of the kubeconfig")
	// The only errors are a flag that does not exist and one that has completions already.
	_ = cmd.RegisterFlagCompletionFunc("contexts", o.completeContexts)
}

// several is true when one of the flags was given.
func (c *contextOptions) several() bool { return c.all || c.names != nil }

// validate finds flags that are about one cluster, or about none.
func (c *contextOptions) validate(o *statusOptions) error {
	if !c.several() {
		return nil
	}
	flag := "--contexts"
	if c.all {
		flag = "--all-contexts"
	}
	var errs []error
	if c.all && c.names != nil {
		errs = append(errs, usageErrorf("--contexts and --all-contexts can't be combined"))
	}
	if c.names != nil && (len(c.names) == 0 || slices.ContainsFunc(c.names, func(name string) bool { return strings.TrimSpace(name) == "" })) {
		errs = append(errs, usageErrorf("--contexts has an empty name: 'kubectl config get-contexts' lists what there is"))
	}
	for _, other := range []struct {
		given bool
		name  string
	}{
		{o.offline(), "--filename"}, {o.watch, "--watch"},
		{*o.config.Context != "", "--context"}, {*o.config.ClusterName != "", "--cluster"}, {*o.config.APIServer != "", "--server"},
	} {
		if other.given {
			errs = append(errs, usageErrorf("%s can't be combined with %s", flag, other.name))
		}
	}
	return errors.Join(errs...)
}

// completeContexts completes the last of several names.
func (o *rootOptions) completeContexts(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	names, err := o.contextNames()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	before := typed[:strings.LastIndex(typed, ",")+1]
	given := strings.Split(before, ",")
	var values []string
	for _, name := range names {
		if !slices.Contains(given, name) {
			values = append(values, before+name)
		}
	}
	return values, cobra.ShellCompDirectiveNoFileComp
}

func (o *rootOptions) contextNames() ([]string, error) {
	config, err := o.config.ToRawKubeConfigLoader().RawConfig()
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(config.Contexts)), nil
}

// inContext is a copy that looks at another context, and writes commentary to errOut. It shares
// nothing that changes.
func (o *rootOptions) inContext(name string, errOut io.Writer) *rootOptions {
	other := newRootOptions(genericiooptions.IOStreams{In: o.In, Out: o.Out, ErrOut: errOut})
	other.color = o.color
	from, to := o.config, other.config
	to.CacheDir, to.KubeConfig = from.CacheDir, from.KubeConfig
	to.AuthInfoName, to.Namespace = from.AuthInfoName, from.Namespace
	to.TLSServerName, to.Insecure = from.TLSServerName, from.Insecure
	to.CertFile, to.KeyFile, to.CAFile = from.CertFile, from.KeyFile, from.CAFile
	to.BearerToken, to.Username, to.Password = from.BearerToken, from.Username, from.Password
	to.Impersonate, to.ImpersonateUID = from.Impersonate, from.ImpersonateUID
	to.ImpersonateGroup, to.ImpersonateUserExtra = from.ImpersonateGroup, from.ImpersonateUserExtra
	to.Timeout, to.DisableCompression = from.Timeout, from.DisableCompression
	to.Context = &name
	return other
}

// runContexts asks each context and prints one result. A context that fails is a line of it.
func (o *statusOptions) runContexts(ctx context.Context) error {
	names := unique(o.contexts.names)
	if o.contexts.all {
		var err error
		if names, err = o.contextNames(); err != nil {
			return err
		}
		if len(names) == 0 {
			return errors.New("the kubeconfig has no contexts: set KUBECONFIG or use --kubeconfig")
		}
	}
	answers := o.askContexts(ctx, names)
	if err := ctx.Err(); err != nil {
		return err
	}
	list, problem := merge(names, answers)
	for i, name := range names {
		for line := range strings.Lines(answers[i].commentary) {
			fmt.Fprintf(o.ErrOut, "%s: %s", terminal.Escape(name), line)
		}
	}
	if err := o.print(o.Out, list); err != nil {
		return err
	}
	return errors.Join(problem, o.tripped(list))
}

// lockedBuffer takes what several requests of a context write at once.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// contextAnswer is what one context says.
type contextAnswer struct {
	list       *v1alpha1.IsolationReportList
	err        error
	commentary string
}

// askContexts returns an answer for each name.
func (o *statusOptions) askContexts(ctx context.Context, names []string) []contextAnswer {
	progress := o.progress()
	defer progress.Stop()
	progress.Update("reading %d contexts", len(names))
	answers := make([]contextAnswer, len(names))
	var done atomic.Int32
	var group errgroup.Group
	group.SetLimit(contextsAtOnce)
	for i, name := range names {
		group.Go(func() error {
			var commentary lockedBuffer
			one := *o
			one.rootOptions = o.inContext(name, &commentary)
			answers[i].list, answers[i].err = one.evaluate(ctx)
			answers[i].commentary = commentary.String()
			progress.Update("read %d of %d contexts", done.Add(1), len(names))
			return nil
		})
	}
	_ = group.Wait() // A context that fails is an answer.
	return answers
}

// merge joins the answers in the order of the names. The error has what is wrong with each.
func merge(names []string, answers []contextAnswer) (v1alpha1.IsolationReportList, error) {
	list := v1alpha1.IsolationReportList{Items: []v1alpha1.IsolationReport{}}
	var errs []error
	for i, name := range names {
		answer := answers[i]
		problem := answer.err
		if answer.list != nil {
			problem = errors.Join(problem, unknownPostures(*answer.list))
			for _, r := range answer.list.Items {
				r.Metadata.Context = name
				r.Findings = inContext(name, r.Findings, "")
				list.Items = append(list.Items, r)
			}
			list.Findings = append(list.Findings, inContext(name, answer.list.Findings, fmt.Sprintf("context %q: ", name))...)
		}
		if answer.err != nil {
			list.Errors = append(list.Errors, v1alpha1.ContextError{Context: name, Message: strings.Join(errorLines(answer.err), "; ")})
		}
		if problem != nil {
			errs = append(errs, fmt.Errorf("context %q: %w", name, problem))
		}
	}
	return list, errors.Join(errs...)
}

// inContext is a copy of findings whose commands name the context: copied to a shell, they must not
// reach another cluster of the same name.
func inContext(name string, findings []v1alpha1.Finding, prefix string) []v1alpha1.Finding {
	findings = slices.Clone(findings)
	for i := range findings {
		f := &findings[i]
		f.Message = prefix + f.Message
		for _, command := range []string{"kubectl cnpg-netpol ", "kubectl get "} {
			f.Remedy = strings.ReplaceAll(f.Remedy, command, command+"--context "+policyset.CommandLine([]string{name})+" ")
		}
	}
	return findings
}

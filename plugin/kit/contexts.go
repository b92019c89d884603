package kit

import (
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// ForContext is a copy that looks at another context, and writes commentary to errOut. It shares
// nothing that changes.
func (o *Globals) ForContext(name string, errOut io.Writer) *Globals {
	other := NewGlobals(genericiooptions.IOStreams{In: o.In, Out: o.Out, ErrOut: errOut}, o.version)
	other.Color = o.Color
	from, to := o.Config, other.Config
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

// CompleteContexts completes the last of several names.
func (o *Globals) CompleteContexts(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	names, err := o.ContextNames()
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

// ContextNames are the contexts of the kubeconfig, in order.
func (o *Globals) ContextNames() ([]string, error) {
	config, err := o.Config.ToRawKubeConfigLoader().RawConfig()
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(config.Contexts)), nil
}

package kit

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/metadata"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

const (
	// completionTimeout is how long a shell waits for names from the server.
	completionTimeout = 3 * time.Second
	// CompletionLimit is how many names are asked for.
	CompletionLimit = 500
)

// addCompletions completes the values of kubectl's flags as kubectl does.
func (o *Globals) addCompletions(root *cobra.Command) {
	fromConfig := func(names func(clientcmdapi.Config) []string) cobra.CompletionFunc {
		return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			config, err := o.Config.ToRawKubeConfigLoader().RawConfig()
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return names(config), cobra.ShellCompDirectiveNoFileComp
		}
	}
	for flag, complete := range map[string]cobra.CompletionFunc{
		"context":   fromConfig(func(c clientcmdapi.Config) []string { return slices.Sorted(maps.Keys(c.Contexts)) }),
		"cluster":   fromConfig(func(c clientcmdapi.Config) []string { return slices.Sorted(maps.Keys(c.Clusters)) }),
		"user":      fromConfig(func(c clientcmdapi.Config) []string { return slices.Sorted(maps.Keys(c.AuthInfos)) }),
		"namespace": o.CompleteNamespaces,
	} {
		// The only errors are a flag that does not exist and one that has completions already.
		_ = root.RegisterFlagCompletionFunc(flag, complete)
	}
}

// CompleteNamespaces completes namespaces of the server; none when it does not answer.
func (o *Globals) CompleteNamespaces(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	namespaces := policyset.Resource{GroupVersionResource: corev1.SchemeGroupVersion.WithResource("namespaces")}
	return o.completeNames(namespaces)(cmd, args, toComplete)
}

// completeNames completes names of objects of the server; none when it does not answer. Namespaced ones
// are those of the namespace that stands before a slash, or of the command's.
func (o *Globals) completeNames(resource policyset.Resource) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		config, err := o.RESTConfig()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		namespace, prefix := "", ""
		if resource.Namespaced {
			var named bool
			if namespace, _, named = strings.Cut(toComplete, "/"); named {
				prefix = namespace + "/"
			} else if namespace, _, err = o.Config.ToRawKubeConfigLoader().Namespace(); err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
		}
		ctx, cancel := CompletionContext(cmd)
		defer cancel()
		client, err := metadata.NewForConfig(config)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		list, err := client.Resource(resource.GroupVersionResource).Namespace(namespace).List(ctx, metav1.ListOptions{Limit: CompletionLimit})
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []string
		for i := range list.Items {
			names = append(names, prefix+list.Items[i].Name)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// CompletionContext bounds what a completion may ask the server for.
func CompletionContext(cmd *cobra.Command) (context.Context, context.CancelFunc) {
	parent := cmd.Context()
	if parent == nil {
		parent = context.Background()
	}
	return context.WithTimeout(parent, completionTimeout)
}

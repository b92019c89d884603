package kit

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/live"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// Globals is what all commands share: streams and the flags of the root command.
type Globals struct {
	genericiooptions.IOStreams
	// Config are the usual flags of kubectl. It is the RESTClientGetter of cli-runtime's builders.
	Config *genericclioptions.ConfigFlags
	// Color is the value of --color.
	Color terminal.Mode
	// version is the plugin's own, which API servers are told.
	version string
	changes changes
}

// NewGlobals is what the flags are before anybody has given one. version is the plugin's.
func NewGlobals(streams genericiooptions.IOStreams, version string) *Globals {
	o := &Globals{IOStreams: streams, Color: terminal.ModeAuto, version: version}
	o.Config = genericclioptions.NewConfigFlags(true).
		WithDiscoveryQPS(live.QPS).
		WithWrapConfigFn(o.wrapConfig).
		WithWarningPrinter(streams)
	return o
}

// AddFlags adds the flags that every command takes.
func (o *Globals) AddFlags(root *cobra.Command) {
	flags := root.PersistentFlags()
	EnumVarP(root, flags, &o.Color, "color", "", "Color the output",
		terminal.ModeAuto, terminal.ModeAlways, terminal.ModeNever)
	kubectl := NewFlagGroup()
	o.Config.AddFlags(kubectl)
	// The help must not depend on who reads it.
	kubectl.Lookup("cache-dir").DefValue = "~/.kube/cache"
	markKubectl(kubectl)
	flags.AddFlagSet(kubectl)
	o.addCompletions(root)
}

// RESTConfig is the client configuration that the flags and the kubeconfig amount to. Requests
// carry userAgent, and the server's warnings go to stderr.
func (o *Globals) RESTConfig() (*rest.Config, error) {
	loader := o.Config.ToRawKubeConfigLoader()
	raw, err := loader.RawConfig()
	if err != nil {
		return nil, err
	}
	config, err := o.Config.ToRESTConfig()
	if err != nil {
		return nil, err
	}
	// Without any kubeconfig, clientcmd falls back to a server on this machine that is hardly ever
	// there, which users would then read about.
	if clientcmdapi.IsConfigEmpty(&raw) && config.Host == clientcmd.ClusterDefaults.Server &&
		*o.Config.APIServer == "" && os.Getenv(clientcmdMaster) == "" {
		return nil, fmt.Errorf("no kubeconfig found (%s): set KUBECONFIG or use --kubeconfig, or -f to evaluate manifests",
			strings.Join(loader.ConfigAccess().GetLoadingPrecedence(), ", "))
	}
	return rest.CopyConfig(config), nil
}

// clientcmdMaster is the variable that clientcmd.ClusterDefaults takes its server from.
const clientcmdMaster = "KUBERNETES_MASTER"

// wrapConfig prepares every configuration that o.config hands out, also those that cli-runtime's
// resource builder asks for.
func (o *Globals) wrapConfig(config *rest.Config) *rest.Config {
	config.UserAgent = o.userAgent()
	config.QPS, config.Burst = live.QPS, live.Burst
	config.WarningHandler = rest.NewWarningWriter(o.ErrOut, rest.WarningWriterOptions{
		Deduplicate: true,
		Color:       o.Colors(o.ErrOut).Enabled(),
	})
	return config
}

// Version is that of the plugin.
func (o *Globals) Version() string { return o.version }

// userAgent is how the plugin presents itself to API servers, for their audit logs.
func (o *Globals) userAgent() string {
	return fmt.Sprintf("kubectl-cnpg_netpol/%s (%s/%s)", o.version, runtime.GOOS, runtime.GOARCH)
}

// namespace is where names on the command line are looked up: --namespace, or else the namespace
// of the kubeconfig's context, or "default". explicit says that --namespace was given.
func (o *Globals) namespace() (name string, explicit bool, err error) {
	return o.Config.ToRawKubeConfigLoader().Namespace()
}

// manifestNamespace is the same for manifests that name no namespace. It reads no kubeconfig.
func (o *Globals) manifestNamespace() (name string, explicit bool) {
	if name := *o.Config.Namespace; name != "" {
		return name, true
	}
	return "default", false
}

// ManifestNamespace is where objects of manifests are that name no namespace.
func (o *Globals) ManifestNamespace() string {
	name, _ := o.manifestNamespace()
	return name
}

// scope is the namespace to list: empty, which means all, with allNamespaces.
func (o *Globals) scope(allNamespaces bool) (string, error) {
	if allNamespaces {
		return "", nil
	}
	name, _, err := o.namespace()
	return name, err
}

// AllNamespacesVar adds -A/--all-namespaces as kubectl has it.
func AllNamespacesVar(cmd *cobra.Command, all *bool) {
	cmd.Flags().BoolVarP(all, "all-namespaces", "A", *all,
		"Look at all namespaces; --namespace is ignored")
}

// Interactive says whether somebody can answer a question: stdin is a terminal.
func (o *Globals) Interactive() bool {
	isatty, _ := terminal.Detect(o.In)
	return isatty
}

// Colors are the colors for output to w, one of the streams.
func (o *Globals) Colors(w io.Writer) terminal.Colors {
	isatty, _ := terminal.Detect(w)
	return terminal.NewColors(o.Color, isatty, os.LookupEnv)
}

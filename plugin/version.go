package plugin

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

// versionOptions are the flags of version.
type versionOptions struct{ output string }

func newVersionCommand(o *kit.Globals) *cobra.Command {
	var options versionOptions
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Show the version of this plugin and of the Cilium engine in it",
		Long: kit.Long(`
			Shows the version of this plugin and of the Cilium policy engine that it judges policies
			with. No server is asked.
		`),
		Example: kit.Examples(`
			kubectl cnpg-netpol version
			kubectl cnpg-netpol version -o json
		`),
		GroupID:     kit.GroupOther,
		Annotations: map[string]string{kit.OfflineAnnotation: ""},
		Args:        kit.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			info, _ := debug.ReadBuildInfo()
			return printVersion(o.Out, readVersions(info), options.output)
		},
	}
	kit.EnumVarP(cmd, cmd.Flags(), &options.output, "output", "o", "Output format", "json", "yaml")
	return cmd
}

// printVersion prints versions as lines of text, or in the format that is asked for.
func printVersion(w io.Writer, v versions, format string) error {
	var text []byte
	var err error
	switch format {
	case "json":
		text, err = json.MarshalIndent(v, "", "  ")
		text = append(text, '\n')
	case "yaml":
		text, err = yaml.Marshal(v)
	default:
		text = fmt.Appendf(nil, "Client Version: %s\nGit Commit: %s\nGo Version: %s\nCilium Engine Version: %s\nCloudNativePG API Version: %s\n",
			v.Client.GitVersion, v.Client.GitCommit, v.Client.GoVersion, v.CiliumEngine, v.CloudNativePG)
	}
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

// versions is what version prints; the client's fields are called as in kubectl's version.
type versions struct {
	Client clientVersion `json:"clientVersion"`
	// CiliumEngine is the version of the module github.com/cilium/cilium.
	CiliumEngine string `json:"ciliumEngineVersion"`
	// CloudNativePG is the version of the module whose types read clusters and poolers.
	CloudNativePG string `json:"cloudNativePGVersion"`
}

type clientVersion struct {
	GitVersion string `json:"gitVersion"`
	GitCommit  string `json:"gitCommit"`
	GoVersion  string `json:"goVersion"`
	Compiler   string `json:"compiler"`
	Platform   string `json:"platform"`
}

package standin

import (
	"fmt"
	"log/slog"

	"github.com/cilium/cilium/pkg/labelsfilter"
	"github.com/cilium/cilium/pkg/option"
)

// clusterName is Cilium's option cluster-name, as it is without one.
const clusterName = "default"

// ConfigureCilium sets the options that Cilium's packages read as globals, to Cilium's defaults.
// Call it once, before anything else of this package.
func ConfigureCilium() error {
	option.Config.ClusterName = clusterName
	option.Config.EnableL7Proxy = true
	option.Config.EnableNonDefaultDenyPolicies = true
	option.Config.EnableICMPRules = true
	if err := labelsfilter.ParseLabelPrefixCfg(slog.New(slog.DiscardHandler), nil, nil, ""); err != nil {
		return fmt.Errorf("set Cilium's default label filter: %w", err)
	}
	return nil
}

package engine

import (
	"fmt"
	"log/slog"
	"reflect"
	"sync"

	cmtypes "github.com/cilium/cilium/pkg/clustermesh/types"
	"github.com/cilium/cilium/pkg/labelsfilter"
	"github.com/cilium/cilium/pkg/option"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/api"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// agent is the lock around the configuration that Cilium's packages keep in variables. Whoever holds it
// has the engine configured as one particular agent is; several can, if they want the same.
var agent sync.RWMutex //nolint:gochecknoglobals // The variables that it guards are Cilium's, and global.

// configured are the settings that Cilium's packages have now; nil when nobody knows.
var configured *inventory.Settings //nolint:gochecknoglobals // It describes globals; guarded by agent.

// withAgent runs f with Cilium's packages configured as an agent with these settings would be. Calls
// must not be nested.
func withAgent(s *inventory.Settings, f func()) error {
	if asConfigured(s, f) {
		return nil
	}
	agent.Lock()
	defer agent.Unlock()
	if configured == nil || !reflect.DeepEqual(configured, s) {
		configured = nil
		if err := configure(*s); err != nil {
			return err
		}
		configured = s
	}
	f()
	return nil
}

// asConfigured runs f if the settings are those that Cilium's packages have now.
func asConfigured(s *inventory.Settings, f func()) bool {
	agent.RLock()
	defer agent.RUnlock()
	if configured == nil || configured != s && !reflect.DeepEqual(configured, s) {
		return false
	}
	f()
	return true
}

// configure sets every variable of Cilium's packages that changes a verdict. The list is what
// pkg/policy, pkg/policy/api, pkg/policy/types and pkg/labels read of option.Config in v1.20.2.
func configure(s inventory.Settings) error {
	c := option.Config
	c.ClusterName = s.ClusterName
	c.ClusterID = s.ClusterID
	c.EnableNonDefaultDenyPolicies = s.NonDefaultDeny
	c.EnableL7Proxy = s.L7Proxy
	c.EnableNodeSelectorLabels = s.NodeSelectorLabels
	c.EnableHostFirewall = s.HostFirewall
	c.PolicyCIDRMatchMode = s.CIDRMatchMode
	c.EnableIPv4, c.EnableIPv6 = s.IPv4, s.IPv6
	// These two decide what counts as valid; the agent enables them unless told otherwise.
	c.EnableICMPRules = true
	c.EnableExtendedIPProtocols = true
	// On Kubernetes the agent turns auto into always (daemon/cmd/daemon_main.go); the engine
	// knows only the outcome.
	c.UnsafeDaemonConfigOption.AllowLocalhost = s.AllowLocalhost
	if s.AllowLocalhost == option.AllowLocalhostAuto {
		c.UnsafeDaemonConfigOption.AllowLocalhost = option.AllowLocalhostAlways
	}
	policy.SetPolicyEnabled(enforcementMode(&s))
	// Without it the entity "cluster" has no selectors, which the engine reads as a wildcard.
	api.InitEntities(s.ClusterName)
	if err := labelsfilter.ParseLabelPrefixCfg(quiet, s.LabelFilter, nil, ""); err != nil {
		return fmt.Errorf("reading the option labels of %q: %w", s.Source, err)
	}
	return nil
}

// enforcementMode is what holds in the data path: in audit mode verdicts are logged and nothing
// is dropped, which is the same as never for whoever connects.
func enforcementMode(s *inventory.Settings) string {
	if s.AuditMode {
		return option.NeverEnforce
	}
	return s.EnablePolicy
}

// policyCluster is the cluster that selectors without a cluster label are limited to.
func policyCluster(s inventory.Settings) string {
	return cmtypes.LocalClusterNameForPolicies(
		cmtypes.PolicyConfig{PolicyDefaultLocalCluster: s.DefaultLocalCluster}, s.ClusterName)
}

// quiet swallows the agent's log lines: what matters of them comes back as values.
var quiet = slog.New(slog.DiscardHandler) //nolint:gochecknoglobals // It has no state.

// Command engine answers flows with the policy engine of Cilium 1.18. See ../protocol.md.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"sync"

	cmtypes "github.com/cilium/cilium/pkg/clustermesh/types"
	"github.com/cilium/cilium/pkg/fqdn/re"
	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/identity/identitymanager"
	ipcachetypes "github.com/cilium/cilium/pkg/ipcache/types"
	"github.com/cilium/cilium/pkg/k8s"
	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	slim_networkingv1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/networking/v1"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/option"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/api"
	"github.com/cilium/cilium/pkg/spanstat"
	testidentity "github.com/cilium/cilium/pkg/testutils/identity"
	testpolicy "github.com/cilium/cilium/pkg/testutils/policy"
	"github.com/cilium/cilium/pkg/u8proto"
)

type request struct {
	ClusterName         string
	DefaultLocalCluster bool
	EnablePolicy        string
	AllowLocalhost      string
	CIDRMatchMode       []string
	IPv4, IPv6          bool
	Policies            []struct {
		Kind, Namespace, Name string
		Object                json.RawMessage
	}
	Identities []struct {
		Number     uint32
		Reserved   bool
		Labels     []string
		NamedPorts map[string]uint16
	}
	Flows []flow
}

type flow struct {
	From, To int
	Protocol uint8
	Port     uint16
}

type response struct {
	// Invalid are the policies that this version refuses, by their position.
	Invalid map[int]string
	// Ignored are those of kinds that this version does not know.
	Ignored []int
	// Ingress and Egress are true for what is allowed, by flow.
	Ingress, Egress []bool
	Error           string `json:",omitempty"`
}

func main() {
	if err := re.InitRegexCompileLRU(slog.New(slog.DiscardHandler), 0); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 64<<20)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		var r request
		answer := response{}
		err := json.Unmarshal(in.Bytes(), &r)
		if err == nil {
			answer, err = decide(r)
		}
		if err != nil {
			answer.Error = err.Error()
		}
		if err := out.Encode(answer); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	if err := in.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// configure sets the globals from which Cilium reads its options.
func configure(r request) {
	option.Config.EnableIPv4, option.Config.EnableIPv6 = r.IPv4, r.IPv6
	option.Config.EnableL7Proxy = true
	option.Config.EnableNonDefaultDenyPolicies = true
	option.Config.EnableK8sNetworkPolicy = true
	option.Config.ClusterName = r.ClusterName
	option.Config.PolicyCIDRMatchMode = r.CIDRMatchMode
	option.Config.AllowLocalhost = r.AllowLocalhost
	policy.SetPolicyEnabled(r.EnablePolicy)
	api.InitEntities(r.ClusterName)
}

func decide(r request) (response, error) {
	configure(r)
	logger := slog.New(slog.DiscardHandler)
	out := response{Invalid: map[int]string{}}
	all := identity.ListReservedIdentities()
	var identities []*identity.Identity
	for _, i := range r.Identities {
		id := identity.NewIdentity(identity.NumericIdentity(i.Number), labels.NewLabelsFromModel(i.Labels))
		identities = append(identities, id)
		all[id.ID] = id.LabelArray
	}
	manager := identitymanager.NewIDManager(logger)
	repository := policy.NewPolicyRepository(logger, all, nil, nil, manager, testpolicy.NewPolicyMetricsNoop())
	repository.GetSelectorCache().SetLocalIdentityNotifier(testidentity.NewDummyIdentityNotifier())
	repository.GetSelectorCache().UpdateIdentities(all, nil, &sync.WaitGroup{})
	for _, id := range identities {
		manager.Add(id)
	}
	local := cmtypes.LocalClusterNameForPolicies(cmtypes.PolicyConfig{PolicyDefaultLocalCluster: r.DefaultLocalCluster}, r.ClusterName)
	for i, p := range r.Policies {
		var rules api.Rules
		var err error
		switch p.Kind {
		case "CiliumNetworkPolicy":
			object := &ciliumv2.CiliumNetworkPolicy{}
			if err = json.Unmarshal(p.Object, object); err == nil {
				rules, err = object.Parse(logger, local)
			}
		case "CiliumClusterwideNetworkPolicy":
			object := &ciliumv2.CiliumClusterwideNetworkPolicy{}
			if err = json.Unmarshal(p.Object, object); err == nil {
				rules, err = object.Parse(logger, local)
			}
		case "NetworkPolicy":
			object := &slim_networkingv1.NetworkPolicy{}
			if err = json.Unmarshal(p.Object, object); err == nil {
				rules, err = k8s.ParseNetworkPolicy(logger, local, object)
			}
		default:
			out.Ignored = append(out.Ignored, i)
			continue
		}
		if err != nil {
			out.Invalid[i] = err.Error()
			continue
		}
		repository.ReplaceByResource(rules, ipcachetypes.NewResourceID(ipcachetypes.ResourceKind(p.Kind), p.Namespace, p.Name))
	}
	for _, f := range r.Flows {
		ingress, err := side(logger, repository, identities[f.To], identities[f.From], r.Identities[f.To].NamedPorts, policy.IngressKey(), f)
		if err != nil {
			return out, err
		}
		egress, err := side(logger, repository, identities[f.From], identities[f.To], r.Identities[f.To].NamedPorts, policy.EgressKey(), f)
		if err != nil {
			return out, err
		}
		out.Ingress, out.Egress = append(out.Ingress, ingress), append(out.Egress, egress)
	}
	return out, nil
}

// side asks one end of a connection as policy.LookupFlow does, which says no more than the sum of both.
func side(logger *slog.Logger, repository *policy.Repository, subject, peer *identity.Identity, ports map[string]uint16, key policy.Key, f flow) (bool, error) {
	selected, _, err := repository.GetSelectorPolicy(subject, 0, &stats{}, uint64(subject.ID))
	if err != nil {
		return false, err
	}
	endpoint := selected.DistillPolicy(logger, &policy.EndpointInfo{ID: uint64(subject.ID), TCPNamedPorts: ports}, nil)
	endpoint.Ready()
	endpoint.Detach(logger)
	entry, _, _ := endpoint.Lookup(key.WithIdentity(peer.ID).WithPortProto(u8proto.U8proto(f.Protocol), f.Port))
	return !entry.IsDeny(), nil
}

// stats take the times that nobody wants to know.
type stats struct{ waiting, calculating spanstat.SpanStat }

// WaitingForPolicyRepository takes one of them.
func (s *stats) WaitingForPolicyRepository() *spanstat.SpanStat { return &s.waiting }

// SelectorPolicyCalculation takes the other one.
func (s *stats) SelectorPolicyCalculation() *spanstat.SpanStat { return &s.calculating }

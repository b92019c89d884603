package engine

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/cilium/cilium/pkg/identity"
	ipcachetypes "github.com/cilium/cilium/pkg/ipcache/types"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/policy"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Engine answers for a fixed set of policies and identities. It is safe for concurrent use.
type Engine struct {
	settings   *inventory.Settings
	policies   []Policy
	identities *Identities
	alike      *alike
	// byNamespace are the indexes of the policies that can select pods of a namespace; those
	// without a namespace are under "".
	byNamespace map[string][]int
	// candidatesFor are the indexes of the policies with this namespace and with none, once somebody has asked: string to []int.
	candidatesFor sync.Map
	// restricted tells of the identities that were asked about whether their own egress is restricted: *Identity to bool.
	restricted sync.Map
	// selections are those of the identities that were asked about: *Identity to selected.
	selections sync.Map
	// inNamespace are the identities by namespace, once somebody has asked for them.
	indexed     sync.Once
	inNamespace map[string][]keyed

	// mu guards what is worked out when it is first asked for.
	mu sync.Mutex
	// readings are made when they are first needed.
	readings [assumptions]*reading
	subjects map[identity.NumericIdentity]*subject
	// distilled are the policies of the subjects, by what they are made of.
	distilled map[string]*distilled
	// made is what there is of these of each namespace.
	made map[string]*made
}

// New returns an engine for policies that Read has returned. All identities that will be asked
// about must be in the collection by now: the engine knows no others.
func New(identities *Identities, policies []Policy) (*Engine, error) {
	e := &Engine{
		settings:    identities.settings,
		policies:    policies,
		identities:  identities,
		byNamespace: map[string][]int{},
		subjects:    map[identity.NumericIdentity]*subject{},
		distilled:   map[string]*distilled{},
		made:        map[string]*made{},
	}
	for i := range policies {
		e.byNamespace[policies[i].Namespace] = append(e.byNamespace[policies[i].Namespace], i)
	}
	return e, withAgent(e.settings, func() {
		e.alike = findAlike(identities, policies)
		e.policies = e.alike.limit(policies, identities)
		e.alike.dividePods(identities, e.policies)
		e.reading(whatIsSeen)
	})
}

const ruleLabelSource = "cnpg-netpol"

func ruleLabel(policy, entry int) labels.Label {
	return labels.NewLabel("rule", ruleName(policy, entry), ruleLabelSource)
}

// ruleName is the position of a rule among those of the engine.
func ruleName(policy, entry int) string { return strconv.Itoa(policy) + "." + strconv.Itoa(entry) }

// rules turns the labels that come with a verdict back into rules, and names what is no rule of a
// policy.
func (e *Engine) rules(meta policy.RuleMeta) (rules []Rule, builtin string) {
	for _, array := range meta.LabelArray() {
		for _, label := range array {
			if label.Source != ruleLabelSource {
				builtin = builtinName(label.Value)
				continue
			}
			p, i, _ := strings.Cut(label.Value, ".")
			policyIndex, errPolicy := strconv.Atoi(p)
			entryIndex, errEntry := strconv.Atoi(i)
			if errors.Join(errPolicy, errEntry) != nil {
				continue
			}
			rules = append(rules, Rule{e.policies[policyIndex].PolicyReference, e.policies[policyIndex].entries[entryIndex].path})
		}
	}
	slices.SortFunc(rules, compareRules)
	return slices.Compact(rules), builtin
}

func builtinName(derivedFrom string) string {
	switch derivedFrom {
	case policy.LabelAllowLocalHostIngress:
		return "the local host is always allowed (allow-localhost)"
	case policy.LabelAllowAnyIngress, policy.LabelAllowAnyEgress:
		return "no policy brings default deny"
	default:
		return derivedFrom
	}
}

func resourceID(ref v1alpha1.PolicyReference) ipcachetypes.ResourceID {
	kind := ipcachetypes.ResourceKindCNP
	switch ref.Kind {
	case v1alpha1.CiliumNetworkPolicy:
	case v1alpha1.CiliumClusterwideNetworkPolicy:
		kind = ipcachetypes.ResourceKindCCNP
	case v1alpha1.NetworkPolicy:
		kind = ipcachetypes.ResourceKindNetpol
	case v1alpha1.ClusterNetworkPolicy:
		kind = ipcachetypes.ResourceKindKCNP
	}
	return ipcachetypes.NewResourceID(kind, ref.Namespace, ref.Name)
}

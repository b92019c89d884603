package engine_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	slim_networkingv1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/networking/v1"
	"sigs.k8s.io/yaml"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

func TestVersionIsThatOfTheModule(t *testing.T) {
	content, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`github\.com/cilium/cilium v(\S+)`).FindSubmatch(content)
	if len(found) != 2 || string(found[1]) != engine.Version {
		t.Errorf("the engine says %s, go.mod %s", engine.Version, found)
	}
}

// What agents of another version take otherwise can't be read, and only where they do.
func TestReadOtherwise(t *testing.T) {
	allow := func(rule string) string {
		return "{endpointSelector: {matchLabels: {app: db}}, ingress: [" + rule + "]}"
	}
	for name, test := range map[string]struct {
		kind, spec string
		ignored    []string
		// kept tells that the server keeps the ignored fields.
		kept bool
		// reasons are parts of what is said by version; empty for nothing.
		reasons map[string]string
	}{
		"nothing": {"CiliumNetworkPolicy", allow("{fromEntities: [cluster]}"), nil, false, map[string]string{"1.18.6": "", "1.19.4": "", "1.20.2": "", "": ""}},
		"requires": {"CiliumNetworkPolicy", allow("{}"), []string{"spec.ingress[0].fromRequires[0].matchLabels"}, false,
			map[string]string{"1.18.6": "enforces fromRequires up to 1.18, and not from 1.19 on: 1.18.6 runs", "1.19.4": "", "1.20.2": "", "": "which version runs is not known"}},
		"a field that is called like one": {"CiliumNetworkPolicy", allow("{}"), []string{"spec.ingress[0].fromRequiresNothing"}, false, map[string]string{"1.18.6": "", "": ""}},
		"kafka": {"CiliumNetworkPolicy", allow("{}"), []string{"spec.ingress[0].toPorts[0].rules.kafka"}, false,
			map[string]string{"1.18.6": "rules.kafka up to 1.19", "1.19.4": "rules.kafka", "1.20.2": "", "": ""}},
		"kafka that the server keeps": {"CiliumNetworkPolicy", allow("{}"), []string{"spec.ingress[0].toPorts[0].rules.kafka"}, true,
			map[string]string{"1.19.4": "rules.kafka", "1.20.2": "", "": "which version runs is not known"}},
		"cluster-mesh": {"CiliumNetworkPolicy", allow("{fromEntities: [cluster-mesh]}"), nil, false,
			map[string]string{"1.18.6": "does not know the entity cluster-mesh", "1.19.4": "cluster-mesh", "1.20.2": "", "": ""}},
		"IGMP": {"CiliumNetworkPolicy", allow("{toPorts: [{ports: [{port: '0', protocol: IGMP}]}]}"), nil, false,
			map[string]string{"1.18.6": "does not know the protocol IGMP", "1.19.4": "", "1.20.2": ""}},
		"GRE": {"CiliumNetworkPolicy", allow("{toPorts: [{ports: [{port: '0', protocol: GRE}]}]}"), nil, false,
			map[string]string{"1.18.6": "the protocol GRE", "1.19.4": "the protocol GRE", "1.20.2": ""}},
		"a wide exception": {"CiliumNetworkPolicy", allow("{fromCIDRSet: [{cidr: 10.1.0.0/16, except: [10.1.0.0/8]}]}"), nil, false,
			map[string]string{"1.18.6": "may accept what later versions refuse", "1.19.4": "may accept", "1.20.2": ""}},
		"groups by label": {"CiliumClusterwideNetworkPolicy", allow("{fromCIDRSet: [{cidrGroupSelector: {matchLabels: {zone: in}}}]}"), nil, false,
			map[string]string{"1.18.6": "cidrGroupSelector depends", "1.19.4": "", "1.20.2": ""}},
		"not a namespace": {"CiliumNetworkPolicy", allow("{fromEndpoints: [{matchExpressions: [{key: io.kubernetes.pod.namespace, operator: NotIn, values: [other]}]}]}"), nil, false,
			map[string]string{"1.18.6": "reads NotIn and DoesNotExist", "1.19.4": "reads NotIn", "1.20.2": ""}},
		"a block": {"NetworkPolicy", "{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}", nil, false,
			map[string]string{"1.18.6": "refuses a NetworkPolicy that lets in an ipBlock", "1.19.4": "lets in all pods of a NetworkPolicy's namespace", "1.20.2": ""}},
		"a block to open": {"NetworkPolicy", "{podSelector: {matchLabels: {app: db}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}", nil, false,
			map[string]string{"1.18.6": "", "1.19.4": ""}},
	} {
		for version, want := range test.reasons {
			t.Run(name+" "+version, func(t *testing.T) {
				p := inventory.Policy{PolicyReference: v1alpha1.PolicyReference{Kind: v1alpha1.PolicyKind(test.kind), Namespace: "default", Name: "p"}, IgnoredFields: test.ignored}
				if test.kept {
					p.Unmodelled = test.ignored
				}
				text := []byte("{metadata: {name: p, namespace: default}, spec: " + test.spec + "}")
				var err error
				switch test.kind {
				case "NetworkPolicy":
					o := &slim_networkingv1.NetworkPolicy{}
					err, p.Object = yaml.Unmarshal(text, o), o
				case "CiliumClusterwideNetworkPolicy":
					o := &ciliumv2.CiliumClusterwideNetworkPolicy{}
					err, p.Object = yaml.Unmarshal(text, o), o
				default:
					o := &ciliumv2.CiliumNetworkPolicy{}
					err, p.Object = yaml.Unmarshal(text, o), o
				}
				if err != nil {
					t.Fatal(err)
				}
				s := inventory.DefaultSettings()
				s.Version = inventory.AgentVersionOf("cilium:v" + version)
				read, err := engine.Read(s, []inventory.Policy{p})
				if err != nil {
					t.Fatal(err)
				}
				if read[0].OtherVersion != (want != "") || !strings.Contains(read[0].Unreadable, want) {
					t.Errorf("%t, %q", read[0].OtherVersion, read[0].Unreadable)
				}
			})
		}
	}
}

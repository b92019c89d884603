package schema

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/kube-openapi/pkg/validation/strfmt"
	"k8s.io/kube-openapi/pkg/validation/validate"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// rich are policies that have something of everything that schemas ask for: lengths, patterns, formats, numbers, lists, alternatives.
func rich() []string {
	const subject = "spec: {endpointSelector: {matchLabels: {a: b}, matchExpressions: [{key: a, operator: In, values: [x, z]}, {key: b, operator: Exists}]}, "
	return []string{
		ciliumPolicy + subject + `ingress: [{fromCIDR: [10.0.0.0/8, "fd00::/8"], fromCIDRSet: [{cidr: 10.0.0.0/8, except: [10.1.0.0/16]}, {cidrGroupRef: g}],
  fromEntities: [world, host], toPorts: [{ports: [{port: "5432", endPort: 5440, protocol: TCP}, {port: name}], rules: {http: [{method: GET, path: /a, headerMatches: [{name: h, value: v, mismatch: LOG}]}]}}],
  icmps: [{fields: [{type: 8, family: IPv4}, {type: EchoReply}]}], authentication: {mode: required}}], ingressDeny: [{fromEntities: [all]}], enableDefaultDeny: {ingress: false}}`,
		ciliumPolicy + subject + `egress: [{toFQDNs: [{matchName: a.example.com}, {matchPattern: "*.example.com"}], toServices: [{k8sService: {serviceName: s, namespace: m}},
  {k8sServiceSelector: {selector: {matchLabels: {a: b}}, namespace: m}}], toPorts: [{ports: [{port: "53", protocol: ANY}], rules: {dns: [{matchPattern: "*"}, {matchName: a.example.com}]}}]}], egressDeny: [{toCIDR: [10.0.0.0/8]}], description: text}`,
		ciliumWide + "spec: {nodeSelector: {matchLabels: {a: b}}, ingress: [{fromNodes: [{matchLabels: {a: b}}]}]}",
		networkIngress + `{from: [{namespaceSelector: {matchExpressions: [{key: a, operator: NotIn, values: [x]}]}, podSelector: {matchLabels: {a: b}}}], ports: [{port: 1, endPort: 2, protocol: UDP}, {port: a}]}], policyTypes: [Ingress, Egress]}`,
		admin + `spec: {tier: Baseline, priority: 7, subject: {pods: {namespaceSelector: {matchLabels: {a: b}}, podSelector: {}}}, egress: [{name: m, action: Deny, to: [{networks: [10.0.0.0/8]}, {domainNames: ["*.example.com"]}],
  protocols: [{tcp: {destinationPort: {number: 5}}}, {udp: {destinationPort: {range: {start: 1, end: 2}}}}]}]}`,
		cluster + `spec: {instances: 3, storage: {size: 1Gi}, startDelay: 30, primaryUpdateStrategy: unsupervised, affinity: {tolerations: [{key: a, tolerationSeconds: 5}]}, backup: {barmanObjectStore: {destinationPath: "s3://b", wal: {maxParallel: 2}}, retentionPolicy: 30d},
  externalClusters: [{name: a, connectionParameters: {host: h}}], certificates: {serverAltDNSNames: [a]}, resources: {limits: {cpu: 1}}, minSyncReplicas: 1}`,
		pooler + "spec: {cluster: {name: c}, instances: 2, type: rw, pgbouncer: {poolMode: session, pg_hba: [a], parameters: {a: b}}}",
	}
}

// Whatever is made of an object: where it is certain that it has its form, the API server's validator has nothing to say, either. And of
// what the server takes it is certain, or else nothing would be won.
func TestCertainIsWhatTheValidatorSays(t *testing.T) {
	const mutations = 150
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random, kinds := rand.New(rand.NewPCG(seed, 1)), NewKinds()
	wrong, right := 0, 0
	texts := slices.Concat(rich(), slices.Sorted(maps.Values(taken())))
	for _, text := range texts {
		object, r := readable(t, kinds, text)
		r.form.dropNulls(object)
		if !r.form.certain(object) {
			t.Errorf("not certain: %s\n%v", text, r.whole(object))
		}
		for range mutations {
			changed := runtime.DeepCopyJSON(object)
			for range 1 + random.IntN(2) {
				mutate(random, changed)
			}
			said := r.whole(changed)
			if d := cmp.Diff(sorted(said), sorted(fromSchema(r.pieces().validate("", changed, r.form)))); d != "" {
				t.Fatalf("in pieces, the validator says something else: %s", d)
			}
			problems := slices.Concat(said, fromFields(listtype.ValidateListSetsAndMaps(nil, r.structural, changed)))
			if !r.form.certain(changed) {
				wrong++
				continue
			}
			right++
			if len(problems) > 0 {
				text, err := json.Marshal(changed)
				t.Fatalf("certain: %s, %v\n%s", text, err, Sentence(problems))
			}
		}
	}
	if most := mutations * len(texts); wrong < most/20 || right < most/20 {
		t.Errorf("%d of %d were certain: that says little", right, right+wrong)
	}
}

// whole is what the API server's validator says of an object.
func (r *rules) whole(object map[string]any) []Problem {
	return fromSchema(validate.NewSchemaValidator(r.openAPI, nil, "", strfmt.Default).Validate(object).Errors)
}

// Limits that mutations seldom meet.
func TestBeyondALimitNothingIsCertain(t *testing.T) {
	kinds := NewKinds()
	for _, text := range []string{
		ciliumIngress + `{toPorts: [{ports: [{port: "5432", endPort: 65536}]}]}]}`,
		ciliumIngress + `{toPorts: [{ports: [{port: "5432", endPort: -1}]}]}]}`,
		ciliumIngress + "{toPorts: [{ports: [" + strings.Repeat(`{port: "5432"}, `, 41) + "]}]}]}",
		ciliumIngress + "{fromEndpoints: [{matchLabels: {a: " + strings.Repeat("a", 64) + "}}]}]}",
		ciliumPolicy + `spec: {endpointSelector: {}, egress: [{toServices: [{k8sService: {}}], toFQDNs: [{matchName: "` + strings.Repeat("a", 256) + `"}]}]}`,
		adminIngress + "{action: Accept, from: []}]}",
		adminEgress + "{action: Accept, to: [{networks: [10.0.0.0/8, 10.0.0.0/8]}]}]}",
		cluster + "spec: {instances: 1, storage: {size: 1Gi}, resources: {claims: [{name: a}, {name: a}]}}",
		adminIngress + "{action: Accept, from: [{}]}]}",
		adminIngress + "{action: Accept, from: [{namespaces: {}, pods: {namespaceSelector: {}, podSelector: {}}}]}]}",
	} {
		object, r := readable(t, kinds, text)
		if r.whole(object) == nil && listtype.ValidateListSetsAndMaps(nil, r.structural, object) == nil {
			t.Errorf("the validator takes it: %s", text)
		}
		if r.form.certain(object) {
			t.Errorf("certain: %s", text)
		}
	}
}

func readable(t *testing.T, kinds *Kinds, text string) (map[string]any, *rules) {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err, text)
	}
	object := map[string]any{}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, &object); err != nil {
		t.Fatal(err)
	}
	r, err := kinds.Of(fmt.Sprint(object["apiVersion"]), fmt.Sprint(object["kind"])).read()
	if err != nil {
		t.Fatal(err)
	}
	return object, r
}

// mutate changes one value somewhere within a value.
func mutate(random *rand.Rand, value any) {
	values := []any{
		nil, "", "x", "TCP", "-", "a b", "10.0.0.0/33", "10.0.0.1/8", "Ünïcödé", "99999", int64(0), int64(-1), int64(70000), int64(1) << 40, int64(1) << 60,
		1.5, 3.0, true, map[string]any{}, map[string]any{"a": "b"}, []any{}, []any{"x"}, []any{nil}, []any{map[string]any{}},
	}
	another := func() any { return runtime.DeepCopyJSONValue(values[random.IntN(len(values))]) }
	for {
		switch v := value.(type) {
		case map[string]any:
			keys := slices.Sorted(maps.Keys(v))
			if len(keys) == 0 || random.IntN(8) == 0 {
				v[[]string{"a", "cidr", "matchName", "ingress", "nodeSelector", "http", "namespaces"}[random.IntN(7)]] = another()
				return
			}
			key := keys[random.IntN(len(keys))]
			switch child := v[key]; {
			case random.IntN(8) == 0:
				delete(v, key)
				return
			case random.IntN(4) == 0 || !nested(child):
				v[key] = another()
				return
			default:
				value = child
			}
		case []any:
			if len(v) == 0 {
				return
			}
			i := random.IntN(len(v))
			if random.IntN(4) == 0 || !nested(v[i]) {
				v[i] = another()
				return
			}
			value = v[i]
		}
	}
}

func nested(value any) bool {
	switch value.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}

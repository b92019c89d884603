package policyset

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"k8s.io/apimachinery/pkg/types"
)

func everyFlag() FlagValues {
	return FlagValues{
		Scope:              "namespace",
		OperatorNamespaces: []string{"platform"},
		OperatorOnly:       true,
		ThroughPoolers:     true,
		Egress:             true,
		Allow: []string{
			"--allow-egress-pods=storage:a=1:9000", "--allow-egress-fqdn=s3.example.com:443", "--allow-egress-cidr=192.0.2.0/24",
			"--allow-pods=role=backend", "--allow-kubectl-cnpg", "--allow-pods=!old,tier in (a,b)", "--allow-pods-any-namespace=role=backend",
			"--allow-namespace=shop", "--allow-namespace=backend", "--allow-cluster-wide", "--allow-metrics=monitoring", "--allow-metrics=monitoring:b,a=1",
		},
	}
}

var everyFlagText = []string{
	"--scope=namespace", "--operator-namespace=platform", "--operator-only", "--through-poolers", "--egress",
	"--allow-pods=!old,tier in (a,b)", "--allow-pods=role=backend",
	"--allow-pods-any-namespace=role=backend",
	"--allow-namespace=backend", "--allow-namespace=shop",
	"--allow-cluster-wide", "--allow-metrics=monitoring", "--allow-metrics=monitoring:a=1,b", "--allow-kubectl-cnpg",
	"--allow-egress-cidr=192.0.2.0/24", "--allow-egress-fqdn=s3.example.com:443", "--allow-egress-pods=storage:a=1:9000",
}

func TestParseAndFlags(t *testing.T) {
	o, err := Parse(everyFlag())
	if err != nil {
		t.Fatal(err)
	}
	if got := Flags(o); !slices.Equal(got, everyFlagText) {
		t.Errorf("got %q", got)
	}
	o, err = Parse(FlagValues{})
	if err != nil || o.Scope != ScopeCluster || len(Flags(o)) != 0 {
		t.Errorf("no flags: %+v, %v", o, err)
	}
	if got := Flags(example()); len(got) != 0 {
		t.Errorf("detected operator namespaces are no flags: %q", got)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tc := range []struct {
		name   string
		values FlagValues
		want   string
	}{
		{"scope", FlagValues{Scope: "pods"}, `--scope "pods": must be "cluster"`},
		{"empty selector", FlagValues{Allow: []string{"--allow-pods="}}, `--allow-pods "": an empty selector would mean every pod: give --allow-namespace`},
		{"empty selector, any namespace", FlagValues{Allow: []string{"--allow-pods-any-namespace= "}}, `--allow-pods-any-namespace " ": an empty selector would mean every pod: give --allow-cluster-wide`},
		{"wrong selector", FlagValues{Allow: []string{"--allow-pods=role=a b"}}, `--allow-pods "role=a b": not a label selector`},
		{"same selector twice", FlagValues{Allow: []string{"--allow-pods=a=b,c=d", "--allow-pods=c=d,a=b"}}, `--allow-pods "c=d,a=b": given twice, it means the same as "a=b,c=d"`},
		{"namespace", FlagValues{Allow: []string{"--allow-namespace=Back_end"}}, `--allow-namespace "Back_end": not the name of a namespace`},
		{"empty namespace", FlagValues{Allow: []string{"--allow-metrics="}}, `--allow-metrics "": a namespace's name is missing`},
		{"no namespace before the selector", FlagValues{Allow: []string{"--allow-metrics=:a=b"}}, `--allow-metrics ":a=b": a namespace's name is missing`},
		{"no selector after the namespace", FlagValues{Allow: []string{"--allow-metrics=monitoring:"}}, `--allow-metrics "monitoring:": an empty selector would mean every pod: leave out the colon to allow all of the namespace`},
		{"wrong selector of metrics", FlagValues{Allow: []string{"--allow-metrics=monitoring:a=b c"}}, `--allow-metrics "monitoring:a=b c": not a label selector`},
		{"same pods of a namespace twice", FlagValues{Allow: []string{"--allow-metrics=m:a,b", "--allow-metrics=m:b,a"}}, `--allow-metrics "m:b,a": given twice, it means the same as "m:a,b"`},
		{"service account", FlagValues{Allow: []string{"--allow-service-account=Web"}}, `--allow-service-account "Web": not the name of a ServiceAccount that a policy can select`},
		{"service account without a name", FlagValues{Allow: []string{"--allow-service-account=shop/"}}, `--allow-service-account "shop/": not the name of a ServiceAccount`},
		{"service account with an empty namespace", FlagValues{Allow: []string{"--allow-service-account=/web"}}, `--allow-service-account "/web": a namespace's name is missing`},
		{"service account that is no label value", FlagValues{Allow: []string{"--allow-service-account=" + strings.Repeat("a", 64)}}, "63"},
		{"same service account twice", FlagValues{Allow: []string{"--allow-service-account=a", "--allow-service-account=a"}}, `--allow-service-account "a": given twice`},
		{"same namespace twice", FlagValues{Allow: []string{"--allow-namespace=a", "--allow-namespace=a"}}, `--allow-namespace "a": given twice`},
		{"operator namespace", FlagValues{OperatorNamespaces: []string{"a.b"}}, `--operator-namespace "a.b": not the name`},
		{"egress without --egress", FlagValues{Allow: []string{"--allow-egress-cidr=192.0.2.0/24"}}, `--allow-egress-cidr "192.0.2.0/24": without --egress, nothing restricts what the cluster's pods open: add it, or leave this flag out`},
		{"all addresses", egress("--allow-egress-cidr=0.0.0.0/0"), `--allow-egress-cidr "0.0.0.0/0": means the whole world`},
		{"no port", egress("--allow-egress-cidr=192.0.2.1:x"), `--allow-egress-cidr "192.0.2.1:x": what follows the last colon is no port`},
		{"an empty port", egress("--allow-egress-cidr=192.0.2.1:"), `--allow-egress-cidr "192.0.2.1:": what follows the last colon is no port`},
		{"a port that is too high", egress("--allow-egress-cidr=[2001:db8::1]:70000"), `--allow-egress-cidr "[2001:db8::1]:70000": "70000" is no port: ports are 1 to 65535`},
		{"same addresses twice", egress("--allow-egress-cidr=192.0.2.1/32:443", "--allow-egress-cidr=192.0.2.1:443"), `--allow-egress-cidr "192.0.2.1:443": given twice, it means the same as "192.0.2.1/32:443"`},
		{"no name", egress("--allow-egress-fqdn=:443"), `--allow-egress-fqdn ":443": a DNS name is missing`},
		{"every name", egress("--allow-egress-fqdn=*.*"), `--allow-egress-fqdn "*.*": means every name`},
		{"two asterisks", egress("--allow-egress-fqdn=**.example.com"), `--allow-egress-fqdn "**.example.com": two asterisks follow each other`},
		{"an address as a name", egress("--allow-egress-fqdn=192.0.2.1:443"), `--allow-egress-fqdn "192.0.2.1:443": an address: give it with --allow-egress-cidr`},
		{"a Service as a name", egress("--allow-egress-fqdn=minio.storage.svc:9000"), `--allow-egress-fqdn "minio.storage.svc:9000": a Service of the Kubernetes cluster, and Cilium's rules for names select no pods: let out to the pods behind it with --allow-egress-pods`},
		{"one word as a name", egress("--allow-egress-fqdn=minio"), `--allow-egress-fqdn "minio": not a DNS name as in s3.example.com`},
		{"characters that no name has", egress("--allow-egress-fqdn=a b.example.com"), `--allow-egress-fqdn "a b.example.com": not a DNS name: letters, digits`},
		{"an empty label", egress("--allow-egress-fqdn=a..example.com"), `--allow-egress-fqdn "a..example.com": not a DNS name: between its dots`},
		{"a name's port", egress("--allow-egress-fqdn=s3.example.com:https"), `--allow-egress-fqdn "s3.example.com:https": what follows the colon is no port`},
		{"pods without a namespace", egress("--allow-egress-pods=:9000"), `--allow-egress-pods ":9000": a namespace's name is missing`},
		{"pods at port 0", egress("--allow-egress-pods=storage:0"), `--allow-egress-pods "storage:0": "0" is no port`},
		{"pods with a wrong selector", egress("--allow-egress-pods=storage:a=b c:9000"), `--allow-egress-pods "storage:a=b c:9000": not a label selector`},
		{"control characters", FlagValues{Allow: []string{"--allow-namespace=\x1b[2J"}}, `--allow-namespace "\x1b[2J": not the name`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := Parse(tc.values); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

func egress(allow ...string) FlagValues { return FlagValues{Egress: true, Allow: allow} }

func TestParseReportsEveryProblemOnALineOfItsOwn(t *testing.T) {
	_, err := Parse(FlagValues{Scope: "x", Allow: []string{"--allow-pods=a>1,b=c,b=d", "--allow-pods=", "--allow-namespace=A", "--allow-namespace=B", "--allow-metrics=", "--allow-metrics="}})
	if err == nil {
		t.Fatal("accepted")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 8 {
		t.Errorf("want 8 lines, got:\n%v", err)
	}
	for _, line := range lines {
		if !strings.HasPrefix(line, "--") {
			t.Errorf("line %q does not name its flag", line)
		}
	}
}

func TestFromLiveGivesBackWhatWasAskedFor(t *testing.T) {
	cluster := types.NamespacedName{Namespace: "default", Name: "cluster-example"}
	asked, err := Parse(everyFlag())
	if err != nil {
		t.Fatal(err)
	}
	asked = asked.For(cluster, nil)
	asked.SharedWith = []string{"orders"}
	live := objects(build(t, asked))
	foreign := live[1].DeepCopy()
	foreign.Labels[LabelCluster] = "orders"
	elsewhere := live[1].DeepCopy()
	elsewhere.Namespace = "elsewhere"
	unmanaged := &ciliumv2.CiliumNetworkPolicy{}
	unmanaged.Namespace = "default"

	got, err := FromLive(cluster, append(live, foreign, elsewhere, unmanaged))
	if err != nil {
		t.Fatal(err)
	}
	if flags := Flags(got); !slices.Equal(flags, everyFlagText) {
		t.Errorf("flags %q", flags)
	}
	if !slices.Equal(got.SharedWith, []string{"orders"}) {
		t.Errorf("shared with %q", got.SharedWith)
	}
	if !reflect.DeepEqual(build(t, got), build(t, asked)) {
		t.Error("a set built again differs")
	}
}

// A rehearsal is the set without its default deny, and knows since when it is there. With default deny it is none.
func TestRehearsedSets(t *testing.T) {
	since := time.Date(2026, 1, 2, 10, 0, 0, 123, time.FixedZone("", 3600))
	for _, peers := range []func(*Options){func(*Options) {}, operatorOnly} {
		lockdown := example(peers, scope(ScopeNamespace), allow(Namespace, "backend"))
		rehearsed := lockdown
		rehearsed.RehearsedSince = since
		set := build(t, rehearsed)
		if got, want := len(set), len(build(t, lockdown))-1; got != want || slices.ContainsFunc(set, func(p Policy) bool { return p.Role == DefaultDeny }) {
			t.Errorf("%d policies, want %d and no default deny", got, want)
		}
		for _, p := range set {
			mustBeValid(t, p)
			if deny := p.Object.Spec.EnableDefaultDeny.Ingress; deny == nil || *deny {
				t.Errorf("%s brings default deny", p.Object.Name)
			}
		}
		live := objects(set)
		if got := live[0].Annotations[AnnotationRehearsedSince]; got != "2026-01-02T09:00:00Z" {
			t.Errorf("since %q", got)
		}
		got, err := FromLive(rehearsed.Cluster, live)
		if err != nil || !got.RehearsedSince.Equal(since.Truncate(time.Second)) || got.Scope != ScopeNamespace {
			t.Errorf("%+v, %v", got, err)
		}
		if got, err := FromLive(rehearsed.Cluster, append(live, objects(build(t, lockdown))[2])); err != nil || !got.RehearsedSince.IsZero() {
			t.Errorf("with default deny: since %s, %v", got.RehearsedSince, err)
		}
		if slices.ContainsFunc(build(t, lockdown), func(p Policy) bool { return p.Object.Annotations[AnnotationRehearsedSince] != "" }) {
			t.Error("a lockdown would be taken for a rehearsal")
		}
	}
}

func TestFromLiveAfterALoss(t *testing.T) {
	cluster := types.NamespacedName{Namespace: "default", Name: "cluster-example"}
	full := build(t, example(scope(ScopeNamespace), allow(Namespace, "backend")))
	for _, lost := range full {
		t.Run(string(lost.Role), func(t *testing.T) {
			left := slices.DeleteFunc(slices.Clone(full), func(p Policy) bool { return p.Role == lost.Role })
			got, err := FromLive(cluster, objects(left))
			if err != nil {
				t.Fatal(err)
			}
			if got.Scope != ScopeNamespace || got.OperatorOnly {
				t.Errorf("scope %q, operator only %v", got.Scope, got.OperatorOnly)
			}
		})
	}
}

func TestFromLiveRefuses(t *testing.T) {
	cluster := types.NamespacedName{Namespace: "default", Name: "cluster-example"}
	rehearsed := objects(build(t, example()))[:1]
	rehearsed[0].Annotations[AnnotationRehearsedSince] = "yesterday"
	if _, err := FromLive(cluster, rehearsed); err == nil || !strings.HasSuffix(err.Error(), `annotation cnpg-netpol/rehearsed-since: "yesterday" is no time as in 2026-01-02T15:04:05Z`) {
		t.Errorf("a time that is none: %v", err)
	}
	if _, err := FromLive(cluster, nil); !errors.Is(err, ErrNotLocked) {
		t.Errorf("no policies: %v", err)
	}
	for _, tc := range []struct {
		name   string
		change func(*ciliumv2.CiliumNetworkPolicy)
		want   string
	}{
		{"no annotation", func(p *ciliumv2.CiliumNetworkPolicy) { p.Annotations = nil }, `annotation cnpg-netpol/grant: "" is no client`},
		{"another kind", func(p *ciliumv2.CiliumNetworkPolicy) { p.Annotations[AnnotationGrant] = "galaxy=m31" }, `"galaxy=m31" is no client that this version`},
		{"a value for a switch", func(p *ciliumv2.CiliumNetworkPolicy) { p.Annotations[AnnotationGrant] = "cluster-wide=no" }, "is no client"},
		{"no value", func(p *ciliumv2.CiliumNetworkPolicy) { p.Annotations[AnnotationGrant] = "namespace" }, "is no client"},
		{"another flag, as it was stored once", func(p *ciliumv2.CiliumNetworkPolicy) {
			p.Annotations = map[string]string{annotationFlag: "--force"}
		}, `annotation cnpg-netpol/flag: "--force" is no client`},
		{"control characters", func(p *ciliumv2.CiliumNetworkPolicy) {
			p.Annotations[AnnotationGrant] = "namespace=\x1b[2J"
		}, `"\x1b[2J": not the name of a namespace`},
		{"an unknown role", func(p *ciliumv2.CiliumNetworkPolicy) { p.Labels[LabelPolicy] = "x" }, `unknown role "x"`},
		{"an unknown scope", func(p *ciliumv2.CiliumNetworkPolicy) { p.Annotations[AnnotationScope] = "galaxy" }, `--scope "galaxy"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			live := objects(build(t, example(allow(Namespace, "backend", "shop"))))
			tc.change(live[1])
			for _, p := range live {
				delete(p.Annotations, AnnotationSet) // The others would know.
			}
			got, err := FromLive(cluster, live)
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), live[1].Name) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
			if !slices.Equal(got.Grants, []Grant{{Namespace, "shop"}}) {
				t.Errorf("the other policies count for %q, want shop", got.Grants)
			}
		})
	}
}

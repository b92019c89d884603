package engine_test

import (
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

const (
	lockedDatabase = `
kind: CiliumNetworkPolicy
metadata: {name: locked}
spec: {endpointSelector: {}, ingress: [{}]}
`
	passingAdmin = `
kind: ClusterNetworkPolicy
metadata: {name: admin}
spec:
  tier: Admin
  priority: 10
  subject: {namespaces: {}}
  ingress: [{action: Pass, from: [{namespaces: {matchLabels: {team: web}}}]}]
  egress: [{action: Pass, to: [{namespaces: {matchLabels: {team: web}}}]}]
`
)

// With rules that pass, the engine's default deny is a rule of its own: it is no answer to "who denies?".
func TestDefaultDenyIsNamedWhateverTheTiers(t *testing.T) {
	for name, policies := range map[string]string{
		"no tiers":             lockedDatabase,
		"passed to":            lockedDatabase + "---\n" + passingAdmin,
		"passed to, allowed 1": lockedDatabase + "---\n" + passingAdmin + "---\n" + "kind: CiliumNetworkPolicy\nmetadata: {name: api}\nspec: {endpointSelector: {}, ingress: [{fromEndpoints: [{matchLabels: {io.kubernetes.pod.namespace: app, app: api}}]}]}\n",
	} {
		t.Run(name, func(t *testing.T) {
			for _, source := range []string{"app/web", "world"} {
				d := smallWorldWith(policies).ask(t, source+" → db/pg", 5432).Ingress
				if d.Verdict != v1alpha1.VerdictDenied || len(d.Rules) > 0 || d.Builtin != "" || len(d.DefaultDeny) == 0 || !strings.Contains(d.DefaultDeny[len(d.DefaultDeny)-1].String(), "locked") {
					t.Errorf("from %s: %+v", source, d)
				}
			}
		})
	}
}

func TestReasonsOfWhatNoRuleDecides(t *testing.T) {
	for name, tc := range map[string]struct {
		policies string
		settings func(*inventory.Settings)
		question string
		verdict  v1alpha1.Verdict
		builtin  string
	}{
		"nothing selects":             {"", func(*inventory.Settings) {}, "app/web → db/pg", v1alpha1.VerdictAllowed, "no policy selects it"},
		"audit mode, selected":        {lockedDatabase, func(s *inventory.Settings) { s.AuditMode = true }, "world → db/pg", v1alpha1.VerdictAllowed, "the agent is in audit mode and drops nothing"},
		"audit mode, not selected":    {"", func(s *inventory.Settings) { s.AuditMode = true }, "world → db/pg", v1alpha1.VerdictAllowed, "the agent is in audit mode and drops nothing"},
		"enforces nothing, selected":  {lockedDatabase, func(s *inventory.Settings) { s.EnablePolicy = "never" }, "world → db/pg", v1alpha1.VerdictAllowed, "the agent enforces no policies (enable-policy: never)"},
		"no default deny":             {strings.Replace(lockedDatabase, "endpointSelector", "enableDefaultDeny: {ingress: false}, endpointSelector", 1), func(*inventory.Settings) {}, "world → db/pg", v1alpha1.VerdictAllowed, "no policy brings default deny"},
		"enforces always, no policy":  {"", func(s *inventory.Settings) { s.EnablePolicy = "always" }, "world → db/pg", v1alpha1.VerdictDenied, "the agent enforces a default deny on every pod (enable-policy: always)"},
		"the local host, locked pods": {lockedDatabase, func(*inventory.Settings) {}, "host → db/pg", v1alpha1.VerdictAllowed, "the local host is always allowed (allow-localhost)"},
	} {
		t.Run(name, func(t *testing.T) {
			d := smallWorldWith(tc.policies, tc.settings).ask(t, tc.question, 5432).Ingress
			if d.Verdict != tc.verdict || d.Builtin != tc.builtin {
				t.Errorf("%s, %q", d.Verdict, d.Builtin)
			}
		})
	}
}

// Each of them could decide, so each is named, with its place.
func TestUnreadablePoliciesAreNamed(t *testing.T) {
	const (
		nameless = "kind: CiliumNetworkPolicy\nmetadata: {namespace: db}\nspec: {}\n"
		broken   = "kind: CiliumNetworkPolicy\nmetadata: {name: NAME, uid: stored}\nspec: {endpointSelector: foo}\n"
	)
	for policies, want := range map[string][]string{
		nameless: {"a CiliumNetworkPolicy without a name (policies.yaml document 1) can't be read: metadata.name is missing; correct or remove"},
		nameless + "---\n" + broken: {
			"without a name (policies.yaml document 1) can't be read: metadata.name is missing; CiliumNetworkPolicy/db/NAME (policies.yaml document 1) can't be read: ",
		},
		nameless + "---\n" + broken + "---\n" + broken + "---\n" + broken + "---\n" + broken: {"; and 2 more can't be read"},
	} {
		d := storedWith(policies).ask(t, "app/web → db/pg", 5432).Ingress
		if d.Verdict != v1alpha1.VerdictUnknown {
			t.Errorf("%s under\n%s", d.Verdict, policies)
		}
		for _, part := range want {
			if !strings.Contains(d.Reason, part) {
				t.Errorf("%q lacks %q", d.Reason, part)
			}
		}
	}
}

// Cilium has accepted what the engine refuses: only those that it was meant for are in doubt.
func TestAcceptedButRefusedHere(t *testing.T) {
	const policy = `
kind: CiliumNetworkPolicy
metadata: {name: newer}
spec: {endpointSelector: {matchLabels: {app: other}}, ingress: [{fromEndpoints: [{}], fromCIDR: [10.0.0.0/8]}]}
status: {conditions: [{type: Valid, status: "True"}]}
`
	for policies, want := range map[string]v1alpha1.Verdict{
		policy: v1alpha1.VerdictAllowed,
		strings.Replace(policy, "{matchLabels: {app: other}}", "{}", 1):                             v1alpha1.VerdictUnknown,
		strings.Replace(policy, "{matchLabels: {app: other}}", "{matchLabels: {app: o/t/h/er}}", 1): v1alpha1.VerdictUnknown,
	} {
		if d := storedWith(policies).ask(t, "app/web → db/pg", 5432); d.Verdict != want {
			t.Errorf("%s, want %s, under\n%s", d.Verdict, want, policies)
		}
	}
}

// What no API server would store enforces nothing, and puts nothing in doubt. What one has stored is in force, for
// all that is known, whatever can be read of it.
func TestRefusedByTheServer(t *testing.T) {
	const policies = lockedDatabase + "---\nkind: CiliumNetworkPolicy\nmetadata: {name: broken}\nspec: {endpointSelector: foo}\n"
	for _, tc := range []struct {
		world smallWorld
		want  v1alpha1.Verdict
	}{
		{smallWorldWith(policies), v1alpha1.VerdictDenied},
		{storedWith(policies), v1alpha1.VerdictUnknown},
	} {
		if d := tc.world.ask(t, "app/web → db/pg", 5432); d.Verdict != tc.want {
			t.Errorf("stored %t: %s, want %s", tc.world.stored, d.Verdict, tc.want)
		}
	}
}

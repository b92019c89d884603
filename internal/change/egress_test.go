package change_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	barmanapi "github.com/cloudnative-pg/barman-cloud/pkg/api"
	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	machineryapi "github.com/cloudnative-pg/machinery/pkg/api"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// egress are the flags of a lockdown with egress.
func egress(allow ...string) policyset.FlagValues {
	return fixture.Flags(fixture.Backends, func(v *policyset.FlagValues) { v.Egress, v.Allow = true, append(v.Allow, allow...) })
}

// spec changes the spec of the database.
func spec(changes ...func(*cnpgv1.ClusterSpec)) func(*inventory.Inventory) {
	return func(inv *inventory.Inventory) {
		for _, change := range changes {
			change(&inv.Clusters[0].Spec)
		}
	}
}

func toBucket(s *cnpgv1.ClusterSpec) {
	s.Backup = &cnpgv1.BackupConfiguration{BarmanObjectStore: &barmanapi.BarmanObjectStoreConfiguration{DestinationPath: "s3://shop/"}}
}

func inRegion(s *cnpgv1.ClusterSpec) {
	s.Env = append(s.Env, corev1.EnvVar{Name: "AWS_REGION", Value: "eu-west-1"})
}

func regionInSecret(s *cnpgv1.ClusterSpec) {
	s.Backup.BarmanObjectStore.AWS = &barmanapi.S3Credentials{RegionReference: &machineryapi.SecretKeySelector{
		LocalObjectReference: machineryapi.LocalObjectReference{Name: "aws"}, Key: "region",
	}}
}

func unknownPlugin(s *cnpgv1.ClusterSpec) {
	s.Plugins = []cnpgv1.PluginConfiguration{{Name: "backup.example.com"}}
}

func proposeEgress(t *testing.T, m *model.Model, flags policyset.FlagValues) change.Proposal {
	t.Helper()
	options, err := policyset.Parse(flags)
	if err != nil {
		t.Fatal(err)
	}
	options.OperatorNamespaces = []string{"cnpg-system"}
	options = assess.Surrounded(m, options, fixture.Database())
	p, err := change.ProposeLockdown(m, []policyset.Options{options})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// What the specs tell is let out to, so that the database keeps everything that it needs; what they do not tell is asked
// for, with the field and the flag.
func TestLockdownOfEgress(t *testing.T) {
	for name, tc := range map[string]struct {
		change  func(*inventory.Inventory)
		flags   policyset.FlagValues
		refused []string
		noted   string
		posture v1alpha1.Posture
	}{
		"nothing but itself": {spec(), egress(), nil, "Egress", v1alpha1.PostureLocked},
		"a bucket":           {spec(toBucket, inRegion), egress(), nil, "Names", v1alpha1.PostureLocked},
		"a region in a Secret": {spec(toBucket, regionInSecret), egress(), []string{
			`EGRESS_UNKNOWN: no rule can be made for the S3 bucket shop (Cluster pg spec.backup.barmanObjectStore.s3Credentials.region), because the region of the bucket stands in the Secret "aws": say where it is with '--allow-egress-fqdn=shop.s3.*.amazonaws.com:443' --allow-egress-fqdn=shop.s3.amazonaws.com:443`,
		}, "Egress", v1alpha1.PostureBroken},
		"a region in a Secret, and the way to something else": {spec(toBucket, regionInSecret), egress("--allow-egress-cidr=192.0.2.0/24:22"), []string{
			`EGRESS_UNKNOWN: no rule can be made for the S3 bucket shop (Cluster pg spec.backup.barmanObjectStore.s3Credentials.region), because the region of the bucket stands in the Secret "aws": say where it is with '--allow-egress-fqdn=shop.s3.*.amazonaws.com:443' --allow-egress-fqdn=shop.s3.amazonaws.com:443`,
		}, "Egress", v1alpha1.PostureBroken},
		"the region is any": {spec(toBucket, regionInSecret), egress("--allow-egress-fqdn=shop.s3.*.amazonaws.com:443", "--allow-egress-fqdn=shop.s3.amazonaws.com:443"), nil, "Names", v1alpha1.PostureLocked},
		"the region is given": {spec(toBucket, regionInSecret), egress("--allow-egress-fqdn=shop.s3.eu-west-1.amazonaws.com:443"),
			nil, "On your word", v1alpha1.PostureUnknown},
		"another plugin": {spec(unknownPlugin), egress(), []string{
			`EGRESS_UNKNOWN: no rule can be made for what the plugin backup.example.com reaches (Cluster pg spec.plugins[0]), because what the plugin "backup.example.com" connects to stands in objects that are not known here: say where it is with --allow-egress-fqdn=NAME`,
		}, "Egress", v1alpha1.PostureUnknown},
		"another plugin, and where to": {spec(unknownPlugin), egress("--allow-egress-cidr=192.0.2.0/24:443"), nil, "On your word", v1alpha1.PostureUnknown},
		"no DNS proxy": {func(inv *inventory.Inventory) { spec(toBucket, inRegion)(inv); inv.Settings.L7Proxy = false }, egress(), []string{
			`EGRESS_UNKNOWN: no rule can be made for the S3 bucket shop (Cluster pg spec.backup.barmanObjectStore.destinationPath), because it is called shop.s3.eu-west-1.amazonaws.com, and Cilium's DNS proxy is off (enable-l7-proxy), without which no rule can name it: say where it is with --allow-egress-cidr=PREFIX:443`,
		}, "Egress", v1alpha1.PostureBroken},
		"no DNS proxy, and addresses": {func(inv *inventory.Inventory) { spec(toBucket, inRegion)(inv); inv.Settings.L7Proxy = false }, egress("--allow-egress-cidr=192.0.2.0/24:443"), nil, "On your word", v1alpha1.PostureUnknown},
		"no DNS proxy, and a name": {func(inv *inventory.Inventory) { inv.Settings.L7Proxy = false }, egress("--allow-egress-fqdn=s3.example.com:443"), []string{
			`EGRESS_UNKNOWN: Cilium's DNS proxy is off (enable-l7-proxy), so that the rule of --allow-egress-fqdn=s3.example.com:443 lets nothing out: give the addresses with --allow-egress-cidr instead`,
		}, "Egress", v1alpha1.PosturePartial},
	} {
		t.Run(name, func(t *testing.T) {
			m := newModel(t, fixture.World(t, tc.change))
			p := proposeEgress(t, m, tc.flags)
			var refused []string
			for _, r := range p.Refusals {
				refused = append(refused, string(r.Reason)+": "+r.Message)
			}
			if !slices.Equal(refused, tc.refused) {
				t.Errorf("refused:\n%s\nwant\n%s", strings.Join(refused, "\n"), strings.Join(tc.refused, "\n"))
			}
			preview := p.Previews[0]
			if preview.Posture.After != tc.posture {
				t.Errorf("the posture is %s, want %s", preview.Posture.After, tc.posture)
			}
			if !slices.ContainsFunc(preview.Notes, func(n v1alpha1.ChangeNote) bool { return n.Subject == tc.noted }) {
				t.Errorf("no note on %q: %+v", tc.noted, preview.Notes)
			}
		})
	}
}

// At every step of a lockdown of egress and of its end, what the database needs stays allowed, and only the two policies
// that say so deny.
func TestEveryPrefixOfEgressIsSafe(t *testing.T) {
	inv := fixture.World(t, spec(toBucket, inRegion))
	m := newModel(t, inv)
	p := proposeEgress(t, m, egress())
	locked := after(inv.Policies, p.Plan)
	m2, err := m.With(locked)
	if err != nil {
		t.Fatal(err)
	}
	for name, walk := range map[string]struct {
		m    *model.Model
		from []inventory.Policy
		plan change.Plan
	}{
		"lockdown":                   {m, inv.Policies, p.Plan},
		"unlock":                     {m2, locked, change.Unlock(locked, []types.NamespacedName{fixture.Database()})},
		"egress is given up":         {m2, locked, proposeEgress(t, m2, fixture.Flags(fixture.Backends)).Plan},
		"the journal, the other way": {m2, locked, p.Plan.Reverse(len(p.Plan.Steps))},
	} {
		for n := range len(walk.plan.Steps) + 1 {
			then, err := walk.m.With(walk.plan.After(walk.from, n))
			if err != nil {
				t.Fatal(err)
			}
			c := then.Cluster(fixture.Database())
			for _, f := range assess.RequiredFlows(then, c) {
				if !f.Advisory && f.Verdict != v1alpha1.VerdictAllowed {
					t.Errorf("%s, %d steps: %s is %s: %s", name, n, f.Name, f.Verdict, f.Message)
				}
			}
			denies := slices.ContainsFunc(walk.plan.After(walk.from, n), func(p inventory.Policy) bool {
				return p.Labels[policyset.LabelPolicy] == string(policyset.EgressDefaultDeny)
			})
			if _, egress := then.Engine().DefaultDeny(c.Members[0].Identity); egress != denies {
				t.Errorf("%s, %d steps: egress is denied by default: %t", name, n, egress)
			}
		}
	}
}

// A second lockdown changes nothing; one without egress takes it back, and says so.
func TestEgressIsKeptAndGivenUp(t *testing.T) {
	inv := fixture.World(t, spec(toBucket, inRegion))
	m := newModel(t, inv)
	then, err := m.With(after(inv.Policies, proposeEgress(t, m, egress()).Plan))
	if err != nil {
		t.Fatal(err)
	}
	if changing := proposeEgress(t, then, egress()).Plan.Changing(); len(changing) > 0 {
		t.Errorf("a second lockdown changes %q", fixture.Steps(change.Plan{Steps: changing}))
	}
	p := proposeEgress(t, then, fixture.Flags(fixture.Backends))
	steps := fixture.Steps(change.Plan{Steps: p.Plan.Changing()})
	if first := slices.IndexFunc(steps, func(s string) bool { return strings.HasPrefix(s, "delete") }); first < 0 || steps[first] != "delete pg-default-deny-egress" {
		t.Errorf("steps %q", steps)
	}
	if !slices.ContainsFunc(p.Previews[0].Notes, func(n v1alpha1.ChangeNote) bool {
		return n.Subject == "Egress" && strings.Contains(n.Message, "this one does not") && n.Remedy.String() == "--egress"
	}) {
		t.Errorf("notes %+v", p.Previews[0].Notes)
	}
}

// A database that is locked already rehearses egress, or tries it for a time, without losing its lockdown.
func TestEgressIsTriedOnALockedDatabase(t *testing.T) {
	inv := fixture.World(t, spec(toBucket, inRegion))
	m := newModel(t, inv)
	if change.LockedForGood(m, fixture.Database()) {
		t.Error("it is not locked")
	}
	locked, err := m.With(after(inv.Policies, proposeEgress(t, m, fixture.Flags(fixture.Backends)).Plan))
	if err != nil {
		t.Fatal(err)
	}
	if !change.LockedForGood(locked, fixture.Database()) {
		t.Error("it is locked")
	}
	options, err := policyset.Parse(egress())
	if err != nil {
		t.Fatal(err)
	}
	options.OperatorNamespaces = []string{"cnpg-system"}
	options = assess.Surrounded(locked, options, fixture.Database())
	options.InForce = true

	options.RehearsedSince = time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	rehearsal, err := change.ProposeRehearsal(locked, []policyset.Options{options})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range rehearsal.Plan.Steps {
		if s.After == nil || s.Policy.Name == "pg-default-deny-egress" {
			t.Errorf("a rehearsal of egress does %s %s", s.Action, s.Policy.Name)
		}
	}
	then, err := locked.With(after(locked.Inventory().Policies, rehearsal.Plan))
	if err != nil {
		t.Fatal(err)
	}
	if r := assess.RehearsalOf(then, then.Cluster(fixture.Database())); r == nil || !strings.Contains(r.Lockdown.String(), "--egress") {
		t.Errorf("rehearsed: %+v", r)
	}
	if posture := assess.Report(then, then.Cluster(fixture.Database())).Posture; posture != v1alpha1.PostureLocked {
		t.Errorf("it is %s while egress is rehearsed", posture)
	}

	options.RehearsedSince, options.Timer = time.Time{}, "pg-lockdown-timer"
	trial := func(o policyset.Options) error {
		p, err := change.ProposeLockdown(locked, []policyset.Options{o})
		if err != nil {
			return err
		}
		_, err = p.OnTrial(locked, "10m")
		return err
	}
	if err := trial(options); err != nil {
		t.Errorf("a trial of egress: %v", err)
	}
	options.InForce = false
	if err := trial(options); err == nil || !strings.Contains(err.Error(), "default deny is there for good already") {
		t.Errorf("a trial of both: %v", err)
	}
}

// A rehearsal or a trial is about egress alone where ingress is locked for good and egress is not.
func TestLockedForGood(t *testing.T) {
	for name, tc := range map[string]struct {
		flags []policyset.FlagValues
		want  bool
	}{
		"open":            {nil, false},
		"ingress":         {[]policyset.FlagValues{fixture.Flags(fixture.Backends)}, true},
		"ingress, egress": {[]policyset.FlagValues{egress()}, false},
		"egress given up": {[]policyset.FlagValues{egress(), fixture.Flags(fixture.Backends)}, true},
	} {
		m := newModel(t, fixture.World(t))
		for _, flags := range tc.flags {
			then, err := m.With(after(m.Inventory().Policies, proposeEgress(t, m, flags).Plan))
			if err != nil {
				t.Fatal(err)
			}
			m = then
		}
		if got := change.LockedForGood(m, fixture.Database()); got != tc.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

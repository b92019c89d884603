package assess_test

import (
	"slices"
	"strings"
	"testing"

	barmanapi "github.com/cloudnative-pg/barman-cloud/pkg/api"
	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	machineryapi "github.com/cloudnative-pg/machinery/pkg/api"
	corev1 "k8s.io/api/core/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// lockEgress locks the database of the world with egress, as it is then.
func lockEgress(t *testing.T, inv *inventory.Inventory) {
	t.Helper()
	m, err := model.New(inv, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	options, err := policyset.Parse(policyset.FlagValues{Egress: true, OperatorNamespaces: []string{"cnpg-system"}, Allow: []string{"--allow-pods=role=backend"}})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := change.Lockdown(inv.Policies, []policyset.Options{assess.Surrounded(m, options, fixture.Database())})
	if err != nil {
		t.Fatal(err)
	}
	inv.Policies = plan.After(inv.Policies, len(plan.Steps))
}

// What the spec asks for after the lockdown is missed, with the lockdown that mends it, and what it asks for no more is not.
func TestSetsThatLackWhatSpecsAskFor(t *testing.T) {
	const lockdown = "kubectl cnpg-netpol lockdown pg -n shop --operator-namespace=cnpg-system --egress --allow-pods=role=backend"
	store := func(inv *inventory.Inventory) {
		inv.Clusters[0].Spec.Backup = &cnpgv1.BackupConfiguration{BarmanObjectStore: &barmanapi.BarmanObjectStoreConfiguration{
			DestinationPath: "s3://b", EndpointURL: "https://s3.example.com",
		}}
	}
	external := func(host string) func(inv *inventory.Inventory) {
		return func(inv *inventory.Inventory) {
			s := &inv.Clusters[0].Spec
			s.ExternalClusters = []cnpgv1.ExternalCluster{{Name: "origin", ConnectionParameters: map[string]string{"host": host}}}
			s.ReplicaCluster = &cnpgv1.ReplicaClusterConfiguration{Source: "origin", Enabled: new(bool)}
			*s.ReplicaCluster.Enabled = true
		}
	}
	remove := func(names ...string) func(inv *inventory.Inventory) {
		return func(inv *inventory.Inventory) {
			inv.Policies = slices.DeleteFunc(inv.Policies, func(p inventory.Policy) bool { return slices.Contains(names, p.Name) })
		}
	}
	for name, tc := range map[string]struct {
		before, after func(*inventory.Inventory)
		posture       v1alpha1.Posture
		want          []string
	}{
		"nothing": {nil, func(*inventory.Inventory) {}, v1alpha1.PostureLocked, nil},
		"a backup": {nil, store, v1alpha1.PostureBroken, []string{
			"OBJECT_STORE_BLOCKED: the object store s3.example.com:443 can't be reached -> " + lockdown,
			"SET_INCOMPLETE: the set that lockdown manages is incomplete: what lets out to the object store s3.example.com:443 (Cluster pg spec.backup.barmanObjectStore.endpointURL) is missing -> " + lockdown,
		}},
		"a backup no more": {store, func(inv *inventory.Inventory) { inv.Clusters[0].Spec.Backup = nil }, v1alpha1.PostureLocked, nil},
		"a replica's source": {nil, external("db.example.com"), v1alpha1.PostureBroken, []string{
			"EXTERNAL_BLOCKED: the PostgreSQL server db.example.com:5432 can't be reached -> " + lockdown,
			"SET_INCOMPLETE: the set that lockdown manages is incomplete: what lets out to the PostgreSQL server db.example.com:5432 (Cluster pg spec.replica.source) is missing -> " + lockdown,
		}},
		"one in another place": {external("db.example.com"), external("192.0.2.9"), v1alpha1.PostureBroken, []string{
			"EXTERNAL_BLOCKED: the PostgreSQL server 192.0.2.9:5432 can't be reached -> " + lockdown,
			"SET_INCOMPLETE: the set that lockdown manages is incomplete: what lets out to the PostgreSQL server 192.0.2.9:5432 (Cluster pg spec.replica.source) is missing -> " + lockdown,
		}},
		"another pooler": {nil, func(inv *inventory.Inventory) {
			other := inv.Poolers[0].DeepCopy()
			other.Name = "pg-ro"
			inv.Poolers = append(inv.Poolers, other)
		}, v1alpha1.PostureLocked, nil},
		"more instances": {nil, func(inv *inventory.Inventory) { inv.Clusters[0].Spec.Instances = 5 }, v1alpha1.PostureLocked, nil},
		"default deny": {nil, remove("pg-default-deny-egress"), v1alpha1.PosturePartial, []string{
			"SET_INCOMPLETE: the set that lockdown manages is incomplete: default-deny-egress is missing -> " + lockdown,
		}},
		"DNS and peers": {nil, remove("pg-egress-dns", "pg-egress-peers"), v1alpha1.PostureBroken, []string{
			"SET_INCOMPLETE: the set that lockdown manages is incomplete: what lets out to the cluster's own pods, DNS (all places where it may be) are missing -> " + lockdown,
		}},
		"a region in a Secret": {nil, func(inv *inventory.Inventory) {
			store(inv)
			s := inv.Clusters[0].Spec.Backup.BarmanObjectStore
			s.EndpointURL, s.AWS = "", &barmanapi.S3Credentials{RegionReference: &machineryapi.SecretKeySelector{
				LocalObjectReference: machineryapi.LocalObjectReference{Name: "aws"}, Key: "region",
			}}
		}, v1alpha1.PostureBroken, []string{
			"OBJECT_STORE_BLOCKED: the S3 bucket b can't be reached -> " + lockdown + " '--allow-egress-fqdn=b.s3.*.amazonaws.com:443' --allow-egress-fqdn=b.s3.amazonaws.com:443",
		}},
		"regions of two stores in Secrets": {nil, func(inv *inventory.Inventory) {
			store(inv)
			spec := &inv.Clusters[0].Spec
			spec.Backup.BarmanObjectStore.EndpointURL, spec.Backup.BarmanObjectStore.AWS = "", &barmanapi.S3Credentials{RegionReference: &machineryapi.SecretKeySelector{
				LocalObjectReference: machineryapi.LocalObjectReference{Name: "aws"}, Key: "region",
			}}
			origin := spec.Backup.BarmanObjectStore.DeepCopy()
			origin.DestinationPath = "s3://origin"
			spec.ExternalClusters = []cnpgv1.ExternalCluster{{Name: "origin", BarmanObjectStore: origin}}
			spec.ReplicaCluster = &cnpgv1.ReplicaClusterConfiguration{Source: "origin", Enabled: new(bool)}
			*spec.ReplicaCluster.Enabled = true
		}, v1alpha1.PostureBroken, []string{
			"OBJECT_STORE_BLOCKED: the S3 bucket b can't be reached -> " + lockdown + " '--allow-egress-fqdn=b.s3.*.amazonaws.com:443' --allow-egress-fqdn=b.s3.amazonaws.com:443",
			"OBJECT_STORE_BLOCKED: the S3 bucket origin can't be reached -> " + lockdown + " '--allow-egress-fqdn=origin.s3.*.amazonaws.com:443' --allow-egress-fqdn=origin.s3.amazonaws.com:443",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			inv := fixture.World(t)
			if tc.before != nil {
				tc.before(inv)
			}
			lockEgress(t, inv)
			tc.after(inv)
			m, err := model.New(inv, model.Options{})
			if err != nil {
				t.Fatal(err)
			}
			r := assess.Report(m, m.Cluster(fixture.Database()))
			if r.Posture != tc.posture {
				t.Errorf("it is %s, want %s", r.Posture, tc.posture)
			}
			var got []string
			for _, f := range r.Findings {
				if slices.Contains([]v1alpha1.FindingCode{v1alpha1.SetIncomplete, v1alpha1.SetDrifted, v1alpha1.ObjectStoreBlocked, v1alpha1.ExternalBlocked}, f.Code) {
					message, _, _ := strings.Cut(f.Message, ", so that")
					message, _, _ = strings.Cut(message, " can't be reached:")
					if len(message) < len(f.Message) && !strings.Contains(message, "can't be reached") {
						message += " can't be reached"
					}
					got = append(got, string(f.Code)+": "+message+" -> "+f.Remedy.String())
				}
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
			}
		})
	}
}

// What keeps instances from each other under a set that lacks its allow is mended by lockdown, and not by a policy by hand.
func TestPeersThatASetLacksAreMendedByLockdown(t *testing.T) {
	inv := fixture.World(t)
	lockEgress(t, inv)
	inv.Policies = slices.DeleteFunc(inv.Policies, func(p inventory.Policy) bool { return p.Name == "pg-egress-peers" })
	m, err := model.New(inv, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	blocked := 0
	for _, f := range assess.Report(m, m.Cluster(fixture.Database())).Findings {
		switch f.Code {
		case v1alpha1.ReplicationBlocked, v1alpha1.IsolationCheckBlocked, v1alpha1.PoolerBlocked:
			blocked++
			if got := f.Remedy.String(); got != "kubectl cnpg-netpol lockdown pg -n shop --operator-namespace=cnpg-system --egress --allow-pods=role=backend" {
				t.Errorf("%s: %s", f.Code, got)
			}
		default:
		}
	}
	if blocked != 3 {
		t.Errorf("%d flows are blocked", blocked)
	}
}

// What is let out to is what the field says, in the form that rules have for it, and what can't be told is said with the
// flag that tells it.
func TestOutlets(t *testing.T) {
	spec := func(change func(*cnpgv1.ClusterSpec)) func(*inventory.Inventory) {
		return func(inv *inventory.Inventory) { change(&inv.Clusters[0].Spec) }
	}
	ldap := func(server string) func(*inventory.Inventory) {
		return spec(func(s *cnpgv1.ClusterSpec) {
			s.PostgresConfiguration.LDAP = &cnpgv1.LDAPConfig{Server: server, Port: 389}
		})
	}
	for name, tc := range map[string]struct {
		change func(*inventory.Inventory)
		want   []policyset.Place
		why    string
		flags  []string
	}{
		"a name":       {ldap("ldap.example.com"), []policyset.Place{{Name: "ldap.example.com", Ports: []string{"389/TCP"}}}, "", nil},
		"an address":   {ldap("192.0.2.9"), []policyset.Place{{CIDR: "192.0.2.9/32", Ports: []string{"389/TCP"}}}, "", nil},
		"IPv6":         {ldap("2001:db8::9"), []policyset.Place{{CIDR: "2001:db8::9/128", Ports: []string{"389/TCP"}}}, "", nil},
		"a node":       {ldap("192.0.2.1"), []policyset.Place{{Entity: "host", Ports: []string{"389/TCP"}}, {Entity: "remote-node", Ports: []string{"389/TCP"}}}, "", nil},
		"a Service":    {service(&corev1.ServiceSpec{Selector: map[string]string{"app": "ldap"}, Ports: []corev1.ServicePort{{Port: 389}}}, ldap("ldap.auth.svc")), []policyset.Place{{Namespace: "auth", Labels: map[string]string{"app": "ldap"}, Ports: []string{"389/TCP"}}}, "", nil},
		"an alias":     {service(&corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "LDAP.example.com."}, ldap("ldap.auth.svc")), []policyset.Place{{Name: "ldap.example.com", Ports: []string{"389/TCP"}}}, "", nil},
		"nobody knows": {ldap("ldap.auth.svc"), nil, "the Service auth/ldap was not seen", []string{"--allow-egress-pods=auth:SELECTOR:389"}},
		"another port": {service(&corev1.ServiceSpec{Selector: map[string]string{"app": "ldap"}, Ports: []corev1.ServicePort{{Port: 636}}}, ldap("ldap.auth.svc")), nil, "the Service auth/ldap has no such port", []string{"--allow-egress-fqdn=NAME:389"}},
		"no proxy":     {func(inv *inventory.Inventory) { ldap("ldap.example.com")(inv); inv.Settings.L7Proxy = false }, nil, "it is called ldap.example.com, and Cilium's DNS proxy is off (enable-l7-proxy), without which no rule can name it", []string{"--allow-egress-cidr=PREFIX:389"}},
	} {
		t.Run(name, func(t *testing.T) {
			inv := fixture.World(t, tc.change)
			m, err := model.New(inv, model.Options{})
			if err != nil {
				t.Fatal(err)
			}
			outlets, unanswered := assess.Outlets(m, fixture.Database())
			var got []policyset.Place
			for _, out := range outlets {
				if out.Purpose == policyset.External {
					if out.Field != "Cluster pg spec.postgresql.ldap.server" {
						t.Errorf("the field is %q", out.Field)
					}
					got = append(got, out.Places...)
				}
			}
			if !slices.EqualFunc(got, tc.want, func(a, b policyset.Place) bool {
				return a.Name == b.Name && a.CIDR == b.CIDR && a.Entity == b.Entity && a.Namespace == b.Namespace && slices.Equal(a.Ports, b.Ports) && a.Labels["app"] == b.Labels["app"]
			}) {
				t.Errorf("places %+v, want %+v", got, tc.want)
			}
			switch {
			case tc.why == "" && len(unanswered) > 0:
				t.Errorf("unanswered %+v", unanswered)
			case tc.why != "" && (len(unanswered) != 1 || unanswered[0].Why != tc.why || !slices.Equal(unanswered[0].Flags, tc.flags)):
				t.Errorf("unanswered %+v, want %s, %q", unanswered, tc.why, tc.flags)
			}
		})
	}
}

// service adds the Service auth/ldap, and what a test changes besides.
func service(s *corev1.ServiceSpec, more func(*inventory.Inventory)) func(*inventory.Inventory) {
	return func(inv *inventory.Inventory) {
		one := &corev1.Service{Spec: *s}
		one.Namespace, one.Name = "auth", "ldap"
		inv.Services = append(inv.Services, one)
		more(inv)
	}
}

// A database that has begun keeps what it began from, as long as that is known: made anew, it begins from there again.
func TestOutletsOfTheBeginning(t *testing.T) {
	for name, tc := range map[string]struct {
		host string
		want bool
	}{"known": {"db.example.com", true}, "gone": {"db.old.svc", false}} {
		t.Run(name, func(t *testing.T) {
			inv := fixture.World(t, func(inv *inventory.Inventory) {
				s := &inv.Clusters[0].Spec
				s.ExternalClusters = []cnpgv1.ExternalCluster{{Name: "origin", ConnectionParameters: map[string]string{"host": tc.host}}}
				s.Bootstrap = &cnpgv1.BootstrapConfiguration{InitDB: &cnpgv1.BootstrapInitDB{Import: &cnpgv1.Import{Source: cnpgv1.ImportSource{ExternalCluster: "origin"}}}}
				inv.Clusters[0].Status.CurrentPrimary = "pg-1"
			})
			m, err := model.New(inv, model.Options{})
			if err != nil {
				t.Fatal(err)
			}
			outlets, unanswered := assess.Outlets(m, fixture.Database())
			has := slices.ContainsFunc(outlets, func(o policyset.Outlet) bool { return o.Purpose == policyset.External })
			if has != tc.want || len(unanswered) > 0 {
				t.Errorf("outlets %+v, unanswered %+v", outlets, unanswered)
			}
		})
	}
}

// What the specs don't tell is asked for where a set denies the rest: with the flags that answer, or with their form, and not when
// somebody has answered.
func TestWhatSpecsDoNotTellIsAskedFor(t *testing.T) {
	unseen := func(inv *inventory.Inventory) {
		spec := &inv.Clusters[0].Spec
		spec.ExternalClusters = []cnpgv1.ExternalCluster{{Name: "origin", ConnectionParameters: map[string]string{"host": "legacy-rw.old.svc"}}}
		spec.ReplicaCluster = &cnpgv1.ReplicaClusterConfiguration{Source: "origin", Enabled: new(bool)}
		*spec.ReplicaCluster.Enabled = true
	}
	for name, tc := range map[string]struct {
		locked, answered bool
		want             string
	}{
		"locked":             {true, false, "Find out where it is, and say it to the lockdown: kubectl cnpg-netpol lockdown pg -n shop --operator-namespace=cnpg-system --egress --allow-pods=role=backend --allow-egress-pods=old:SELECTOR:5432"},
		"answered by a flag": {true, true, ""},
		"not locked":         {false, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			inv := fixture.World(t)
			if tc.locked {
				lockEgress(t, inv)
			}
			unseen(inv)
			if tc.answered {
				m, err := model.New(inv, model.Options{})
				if err != nil {
					t.Fatal(err)
				}
				options, err := policyset.Parse(policyset.FlagValues{Egress: true, OperatorNamespaces: []string{"cnpg-system"}, Allow: []string{"--allow-egress-pods=old"}})
				if err != nil {
					t.Fatal(err)
				}
				plan, err := change.Lockdown(inv.Policies, []policyset.Options{assess.Surrounded(m, options, fixture.Database())})
				if err != nil {
					t.Fatal(err)
				}
				inv.Policies = plan.After(inv.Policies, len(plan.Steps))
			}
			m, err := model.New(inv, model.Options{})
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, f := range assess.Report(m, m.Cluster(fixture.Database())).Findings {
				if f.Code == v1alpha1.SetIncomplete && strings.Contains(f.Message, "may be incomplete") {
					got += f.Remedy.String()
				}
			}
			if got != tc.want {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
		})
	}
}

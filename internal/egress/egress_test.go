package egress_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/egress"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// scene is a cluster shop/pg with what a test adds: valid by default, and without needs of its own but for
// the API server.
type scene struct {
	inv *inventory.Inventory
}

func newScene(t *testing.T, spec string) scene {
	t.Helper()
	c := cluster(t, "shop", "pg", spec)
	inv := &inventory.Inventory{Origin: inventory.Live, Clusters: []*cnpgv1.Cluster{c}}
	inv.Pods = append(inv.Pods,
		inventory.Pod{Namespace: "kube-system", Name: "coredns-1", Labels: map[string]string{"k8s-app": "kube-dns"}, HostIP: "192.168.7.11"},
		inventory.Pod{Namespace: "minio", Name: "minio-0", Labels: map[string]string{"app": "minio"}, HostIP: "192.168.7.10",
			NamedPorts: []inventory.NamedPort{{Name: "api", Port: 9000, Protocol: "TCP"}}},
		inventory.Pod{Namespace: "old", Name: "src-1", Labels: map[string]string{cnpg.ClusterLabel: "src", cnpg.PodRoleLabel: "instance", cnpg.InstanceRoleLabel: "primary"},
			Addresses: inventory.AddressesOf("10.0.0.7")},
	)
	inv.Services = []*corev1.Service{
		service(t, "minio", "minio", "{selector: {app: minio}, clusterIP: 10.96.0.7, ports: [{port: 80, targetPort: api}]}"),
		service(t, "minio", "headless", "{selector: {app: minio}, clusterIP: None, ports: [{port: 9000}]}"),
		service(t, "minio", "alias", "{type: ExternalName, externalName: Objects.example.com.}"),
		service(t, "minio", "gone", "{selector: {app: gone}, ports: [{port: 80}]}"),
		service(t, "old", "outside", "{ports: [{port: 5432}]}"),
	}
	inv.Others = []*cnpgv1.Cluster{cluster(t, "old", "src", "{instances: 1}")}
	port := int32(6443)
	inv.EndpointSlices = []*discoveryv1.EndpointSlice{{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "kubernetes", Labels: map[string]string{discoveryv1.LabelServiceName: "kubernetes"}},
		Ports:      []discoveryv1.EndpointPort{{Port: &port}}, Endpoints: []discoveryv1.Endpoint{{Addresses: []string{"192.168.7.10"}}},
	}}
	return scene{inv}
}

func cluster(t *testing.T, namespace, name, spec string) *cnpgv1.Cluster {
	t.Helper()
	c := &cnpgv1.Cluster{}
	read(t, fmt.Sprintf("{metadata: {namespace: %s, name: %s}, spec: %s}", namespace, name, spec), c)
	return c
}

func service(t *testing.T, namespace, name, spec string) *corev1.Service {
	t.Helper()
	s := &corev1.Service{}
	read(t, fmt.Sprintf("{metadata: {namespace: %s, name: %s}, spec: %s}", namespace, name, spec), s)
	return s
}

func read(t *testing.T, text string, into any) {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(text), into); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}

// needs are those of one flow in one line each: who → peers, and from which field.
func (s scene) needs(flow egress.Flow) []string {
	var out []string
	for _, n := range egress.New(s.inv).Cluster(s.inv.Clusters[0]) {
		if n.Flow == flow && !n.Advisory {
			out = append(out, s.line(n))
		}
	}
	return out
}

func (s scene) line(n egress.Need) string {
	who := string(n.Who.Kind)
	if name := string(n.Who.Job) + n.Who.Pooler; name != "" {
		who += " " + name
	}
	arrow := " → "
	if n.Inbound {
		arrow = " ← "
	}
	var peers []string
	for _, p := range n.Peers {
		peers = append(peers, s.peer(p))
	}
	glue := " and "
	if n.Which != "" {
		glue = " or "
	}
	line := who + arrow + strings.Join(peers, glue)
	if n.Source.Path != "" {
		line += " (" + n.Source.Kind + " " + n.Source.Path + ")"
	}
	return line
}

func (s scene) peer(p egress.Peer) string {
	var called string
	switch {
	case p.Unknown != "":
		return "? " + p.Unknown
	case p.Name != "":
		called = p.Name
	case p.Address.IsValid():
		called = p.Address.String()
	case p.Host:
		called = "host"
	case p.Candidate != nil:
		called = "perhaps " + p.Candidate.Namespace
	case p.APIServer != nil:
		called = "API server"
		if p.APIServer.Address.IsValid() {
			called += " " + p.APIServer.Address.String()
		}
		if p.APIServer.OnNode {
			called += " on a node"
		}
	default:
		var names []string
		for _, i := range p.Pods {
			names = append(names, s.inv.Pods[i].Key().String())
		}
		called = strings.Join(names, ", ")
	}
	for _, port := range p.Ports {
		called += fmt.Sprintf(":%d", port.Number)
		if port.Protocol != corev1.ProtocolTCP {
			called += "/" + string(port.Protocol)
		}
	}
	return called
}

func (s scene) check(t *testing.T, flow egress.Flow, want ...string) {
	t.Helper()
	if d := cmp.Diff(want, s.needs(flow)); d != "" {
		t.Errorf("%s (-want +got):\n%s", flow, d)
	}
}

func TestObjectStores(t *testing.T) {
	const at = "(Cluster spec.backup.barmanObjectStore."
	for name, tc := range map[string]struct {
		store string
		want  []string
	}{
		"an endpoint by name":           {"{destinationPath: 's3://b', endpointURL: 'https://Objects.example.com'}", []string{"instances → objects.example.com:443 " + at + "endpointURL)"}},
		"its port":                      {"{destinationPath: 's3://b', endpointURL: 'https://objects.example.com:8443/x'}", []string{"instances → objects.example.com:8443 " + at + "endpointURL)"}},
		"without TLS":                   {"{destinationPath: 's3://b', endpointURL: 'http://objects.example.com'}", []string{"instances → objects.example.com:80 " + at + "endpointURL)"}},
		"an address":                    {"{destinationPath: 's3://b', endpointURL: 'http://192.0.2.7:9000'}", []string{"instances → 192.0.2.7:9000 " + at + "endpointURL)"}},
		"an IPv6 address":               {"{destinationPath: 's3://b', endpointURL: 'http://[2001:db8::7]:9000'}", []string{"instances → 2001:db8::7:9000 " + at + "endpointURL)"}},
		"a Service, by its target port": {"{destinationPath: 's3://b', endpointURL: 'http://minio.minio.svc'}", []string{"instances → minio/minio-0:9000 " + at + "endpointURL)"}},
		"its short name":                {"{destinationPath: 's3://b', endpointURL: 'http://minio.minio'}", []string{"instances → minio/minio-0:9000 " + at + "endpointURL)"}},
		"its long name":                 {"{destinationPath: 's3://b', endpointURL: 'http://minio.minio.svc.cluster.local.:80'}", []string{"instances → minio/minio-0:9000 " + at + "endpointURL)"}},
		"its address":                   {"{destinationPath: 's3://b', endpointURL: 'http://10.96.0.7'}", []string{"instances → minio/minio-0:9000 " + at + "endpointURL)"}},
		"a headless Service":            {"{destinationPath: 's3://b', endpointURL: 'http://headless.minio.svc:9000'}", []string{"instances → minio/minio-0:9000 " + at + "endpointURL)"}},
		"an alias":                      {"{destinationPath: 's3://b', endpointURL: 'https://alias.minio.svc'}", []string{"instances → objects.example.com:443 " + at + "endpointURL)"}},
		"another port than it has":      {"{destinationPath: 's3://b', endpointURL: 'http://minio.minio.svc:9000'}", []string{"instances → ? the Service minio/minio has no such port " + at + "endpointURL)"}},
		"nobody behind it":              {"{destinationPath: 's3://b', endpointURL: 'http://gone.minio.svc'}", []string{"instances → ? no pod behind the Service minio/gone was seen " + at + "endpointURL)"}},
		"a Service that was not seen":   {"{destinationPath: 's3://b', endpointURL: 'http://other.minio.svc'}", []string{"instances → ? the Service minio/other was not seen " + at + "endpointURL)"}},
		"no URL":                        {"{destinationPath: 's3://b', endpointURL: 'minio'}", []string{`instances → ? "minio" is no URL with a host ` + at + "endpointURL)"}},
		"AWS, the region in a Secret":   {"{destinationPath: 's3://b/x', s3Credentials: {region: {name: aws, key: region}}}", []string{`instances → ? the region of the bucket stands in the Secret "aws" ` + at + "s3Credentials.region)"}},
		"AWS, no region":                {"{destinationPath: 's3://b/x', s3Credentials: {}}", []string{"instances → ? the region of the bucket is not configured where it can be seen " + at + "destinationPath)"}},
		"Azure":                         {"{destinationPath: 'https://account.blob.core.windows.net/b', azureCredentials: {}}", []string{"instances → account.blob.core.windows.net:443 " + at + "destinationPath)"}},
		"Azure AD": {"{destinationPath: 'https://account.blob.core.windows.net/b', azureCredentials: {inheritFromAzureAD: true}}", []string{
			"instances → account.blob.core.windows.net:443 " + at + "destinationPath)",
			"instances → login.microsoftonline.com:443 or 169.254.169.254:80 " + at + "azureCredentials.inheritFromAzureAD)"}},
		"Google": {"{destinationPath: 'gs://b', googleCredentials: {applicationCredentials: {name: g, key: k}}}", []string{
			"instances → storage.googleapis.com:443 " + at + "destinationPath)", "instances → oauth2.googleapis.com:443 " + at + "googleCredentials.applicationCredentials)"}},
		"GKE": {"{destinationPath: 'gs://b', googleCredentials: {gkeEnvironment: true}}", []string{
			"instances → storage.googleapis.com:443 " + at + "destinationPath)", "instances → 169.254.169.254:80 " + at + "googleCredentials.gkeEnvironment)"}},
		"nothing that is known": {"{destinationPath: 'file:///backups'}", []string{`instances → ? destinationPath "file:///backups" is of no kind that is known here ` + at + "destinationPath)"}},
	} {
		t.Run(name, func(t *testing.T) {
			newScene(t, "{instances: 1, backup: {barmanObjectStore: "+tc.store+"}}").check(t, egress.ObjectStore, tc.want...)
		})
	}
}

func TestRegionsAndRoles(t *testing.T) {
	const role = "serviceAccountTemplate: {metadata: {annotations: {eks.amazonaws.com/role-arn: 'arn:aws:iam::1:role/x'}}}"
	store := func(more string) string {
		return "{instances: 1, backup: {barmanObjectStore: {destinationPath: 's3://b/x', s3Credentials: {inheritFromIAMRole: true}}}, env: [{name: AWS_REGION, value: eu-west-1}], " + more + "}"
	}
	const bucket = "instances → b.s3.eu-west-1.amazonaws.com:443 (Cluster spec.backup.barmanObjectStore.destinationPath)"
	const from = " (Cluster spec.backup.barmanObjectStore.s3Credentials.inheritFromIAMRole)"
	newScene(t, store(role)).check(t, egress.ObjectStore, bucket, "instances → sts.eu-west-1.amazonaws.com:443"+from)
	newScene(t, store("")).check(t, egress.ObjectStore, bucket, "instances → 169.254.170.23:80 or 169.254.169.254:80 or sts.eu-west-1.amazonaws.com:443"+from)
}

func TestPlugins(t *testing.T) {
	spec := func(plugin string) string { return "{instances: 1, plugins: [" + plugin + "]}" }
	const barman = "{name: barman-cloud.cloudnative-pg.io, isWALArchiver: true, parameters: {barmanObjectName: store}}"
	s := newScene(t, spec(barman))
	s.check(t, egress.ObjectStore, `instances → ? the ObjectStore "store" was not seen (Cluster spec.plugins[0])`)
	store := inventory.ObjectStore{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "store"}}
	read(t, "{spec: {configuration: {destinationPath: 's3://b', endpointURL: 'https://objects.example.com'}}}", &store)
	store.Namespace, store.Name = "shop", "store"
	s.inv.ObjectStores = append(s.inv.ObjectStores, store)
	s.check(t, egress.ObjectStore, "instances → objects.example.com:443 (ObjectStore spec.configuration.endpointURL)")
	newScene(t, spec("{name: other.example.com}")).check(t, egress.ObjectStore,
		`instances → ? what the plugin "other.example.com" connects to stands in objects that are not known here (Cluster spec.plugins[0])`)
	newScene(t, spec("{name: other.example.com, enabled: false}")).check(t, egress.ObjectStore)
}

func TestExternalClusters(t *testing.T) {
	const hosts = ", externalClusters: [{name: src, connectionParameters: {host: HOST}}]}"
	importing := func(parameters string) string {
		return "{instances: 1, bootstrap: {initdb: {import: {type: microservice, databases: [app], source: {externalCluster: src}}}}" +
			strings.Replace(hosts, "host: HOST", parameters, 1)
	}
	const at = " (Cluster spec.bootstrap.initdb.import.source.externalCluster)"
	for name, tc := range map[string]struct{ parameters, want string }{
		"a database of the cluster":  {"host: src-rw.old.svc", "job import → old/src-1:5432"},
		"in full":                    {"host: src-rw.old.svc.cluster.local", "job import → old/src-1:5432"},
		"for reading":                {"host: src-ro.old", "job import → old/src-1:5432"},
		"a pod's address":            {"host: 10.0.0.7", "job import → old/src-1:5432"},
		"a name":                     {"host: db.example.com", "job import → db.example.com:5432"},
		"a port":                     {"host: db.example.com, port: '6432'", "job import → db.example.com:6432"},
		"an address before the name": {"host: db.example.com, hostaddr: 192.0.2.1", "job import → 192.0.2.1:5432"},
		"several":                    {"host: 'a.example.com,b.example.com', port: '5432,6432'", "job import → a.example.com:5432 and b.example.com:6432"},
		"a Service without selector": {"host: outside.old.svc", "job import → ? what is behind the Service old/outside, which has no selector, was not seen"},
		"a Service of its namespace": {"host: missing", "job import → ? the Service shop/missing was not seen"},
		"no host":                    {"user: postgres", "job import → ? connectionParameters name no host"},
		"no port":                    {"host: db.example.com, port: x", `job import → ? port "x" of connectionParameters is no number`},
	} {
		t.Run(name, func(t *testing.T) { newScene(t, importing(tc.parameters)).check(t, egress.External, tc.want+at) })
	}
	external := strings.Replace(hosts, "HOST", "db.example.com", 1)
	for name, tc := range map[string]struct{ spec, want string }{
		"a replica cluster":   {"{instances: 1, replica: {enabled: true, source: src}" + external, "instances → db.example.com:5432 (Cluster spec.replica.source)"},
		"a primary of a pair": {"{instances: 1, replica: {primary: pg, self: pg, source: src}" + external, ""},
		"a base backup":       {"{instances: 1, bootstrap: {pg_basebackup: {source: src}}" + external, "job pgbasebackup → db.example.com:5432 (Cluster spec.bootstrap.pg_basebackup.source)"},
		"nobody uses it":      {"{instances: 1" + external, ""},
		"none of that name":   {"{instances: 1, replica: {enabled: true, source: x}" + external, `instances → ? there is no external cluster "x" (Cluster spec.replica.source)`},
		"LDAP":                {"{instances: 1, postgresql: {ldap: {server: ldap.example.com, scheme: ldaps}}}", "instances → ldap.example.com:636 (Cluster spec.postgresql.ldap.server)"},
		"LDAP in pg_hba":      {`{instances: 1, postgresql: {pg_hba: ['host all all all ldap ldapserver="ldap.example.com" ldapport=3890']}}`, "instances → ldap.example.com:3890 (Cluster spec.postgresql.pg_hba[0])"},
		"LDAP by a URL":       {`{instances: 1, postgresql: {pg_hba: ['host all all all ldap ldapurl="ldaps://ldap.example.com/dc=x"']}}`, "instances → ldap.example.com:636 (Cluster spec.postgresql.pg_hba[0])"},
	} {
		t.Run(name, func(t *testing.T) {
			var want []string
			if tc.want != "" {
				want = []string{tc.want}
			}
			newScene(t, tc.spec).check(t, egress.External, want...)
		})
	}
	t.Run("begun already", func(t *testing.T) {
		s := newScene(t, importing("host: db.example.com"))
		s.inv.Clusters[0].Status.CurrentPrimary = "pg-1"
		s.check(t, egress.External)
		s.inv.Subscriptions = []*cnpgv1.Subscription{{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "sub"}}}
		s.inv.Subscriptions[0].Spec.ClusterRef.Name, s.inv.Subscriptions[0].Spec.ExternalClusterName = "pg", "src"
		s.check(t, egress.External, "instances → db.example.com:5432 (Subscription spec.externalClusterName)")
	})
}

// Beyond what is looked at, it is said that there is more.
func TestMoreThanIsLookedAt(t *testing.T) {
	each := func(n int, text, separator string) string {
		all := make([]string, n)
		for i := range all {
			all[i] = strings.ReplaceAll(text, "N", fmt.Sprint(i))
		}
		return strings.Join(all, separator)
	}
	follows := func(hosts string) string {
		return "{instances: 1, replica: {enabled: true, source: src}, externalClusters: [{name: src, connectionParameters: {host: '" + hosts + "'}}]}"
	}
	const most = 1000
	newScene(t, follows(each(most, "h-N.example.com", ","))).check(t, egress.External, "instances → "+each(most, "h-N.example.com:5432", " and ")+" (Cluster spec.replica.source)")
	newScene(t, follows(each(most+1, "h-N.example.com", ","))).check(t, egress.External,
		"instances → ? they are 1001 servers, and more than 1000 are not looked at (Cluster spec.replica.source)")
	newScene(t, "{instances: 1, postgresql: {ldap: {server: '"+each(most+1, "h-N.example.com", " ")+"'}}}").check(t, egress.External,
		"instances → ? they are 1001 servers, and more than 1000 are not looked at (Cluster spec.postgresql.ldap.server)")

	lines := func(n int) scene {
		return newScene(t, "{instances: 1, postgresql: {pg_hba: ["+each(n, "host all all all ldap ldapserver=h-N.example.com", ", ")+"]}}")
	}
	few := egress.New(lines(1).inv).Cluster(lines(1).inv.Clusters[0])
	s := lines(3 * most)
	needs := egress.New(s.inv).Cluster(s.inv.Clusters[0])
	if got := len(needs) - len(few); got > most || got < most-len(few) {
		t.Errorf("%d needs beside %d", got, len(few))
	}
	if !slices.ContainsFunc(needs, func(n egress.Need) bool {
		return n.Flow == egress.External && n.Peers[0].Unknown == "the cluster needs more than 1000 connections, and no more are looked at"
	}) {
		t.Error("nobody says that there is more")
	}
}

func TestRecovery(t *testing.T) {
	const store = "{destinationPath: 's3://b', endpointURL: 'https://objects.example.com'}"
	s := newScene(t, "{instances: 1, bootstrap: {recovery: {source: src}}, externalClusters: [{name: src, barmanObjectStore: "+store+"}]}")
	s.check(t, egress.ObjectStore, "job full-recovery → objects.example.com:443 (Cluster spec.bootstrap.recovery.source.endpointURL)")
	s = newScene(t, "{instances: 1, bootstrap: {recovery: {backup: {name: b1}}}}")
	s.check(t, egress.ObjectStore, `job full-recovery → ? the Backup "b1" was not seen (Cluster spec.bootstrap.recovery.backup.name)`)
	backup := &cnpgv1.Backup{}
	read(t, "{metadata: {namespace: shop, name: b1}, status: "+store+"}", backup)
	s.inv.Backups = append(s.inv.Backups, backup)
	s.check(t, egress.ObjectStore, "job full-recovery → objects.example.com:443 (Cluster spec.bootstrap.recovery.backup.name.endpointURL)")
	backup.Spec.Method, backup.Status.Phase = cnpgv1.BackupMethodVolumeSnapshot, cnpgv1.BackupPhaseCompleted
	s.check(t, egress.ObjectStore)
}

func TestAPIServers(t *testing.T) {
	s := newScene(t, "{instances: 1}")
	s.inv.Poolers = []*cnpgv1.Pooler{{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "rw"}}}
	s.inv.Poolers[0].Spec.Cluster.Name = "pg"
	who := func(peer string) []string {
		return []string{"instances → " + peer, "job initdb → " + peer, "job join → " + peer, "job major-upgrade → " + peer, "pooler rw → " + peer}
	}
	s.check(t, egress.APIServer, who("API server 192.168.7.10 on a node:6443")...)
	s.inv.EndpointSlices[0].Endpoints[0].Addresses = []string{"203.0.113.9"}
	s.check(t, egress.APIServer, who("API server 203.0.113.9:6443")...)
	s.inv.EndpointSlices[0].Endpoints = slices.Repeat(s.inv.EndpointSlices[0].Endpoints, 101)
	s.check(t, egress.APIServer, who("? the API server has 101 addresses and ports, and more than 100 are not asked about")...)
	s.inv.EndpointSlices[0].Endpoints = s.inv.EndpointSlices[0].Endpoints[:1]
	pods := s.inv.Pods
	s.inv.Pods = nil
	s.check(t, egress.APIServer, who("API server 203.0.113.9:6443 or API server 203.0.113.9 on a node:6443")...)
	s.inv.Pods, s.inv.EndpointSlices = pods, nil
	s.check(t, egress.APIServer, who("API server on a node:6443 or API server:6443 or API server on a node:443 or API server:443")...)
}

func TestDNS(t *testing.T) {
	const instances = "instances → kube-system/coredns-1:53/UDP (Cluster spec.instances)"
	newScene(t, "{instances: 1}").check(t, egress.DNS)
	newScene(t, "{instances: 2}").check(t, egress.DNS, instances, "job join → kube-system/coredns-1:53/UDP (Cluster spec.instances)")
	newScene(t, "{instances: 1, backup: {barmanObjectStore: {destinationPath: 's3://b', endpointURL: 'https://objects.example.com'}}}").check(t, egress.DNS,
		"instances → kube-system/coredns-1:53/UDP (Cluster spec.backup.barmanObjectStore.endpointURL)")
	newScene(t, "{instances: 1, backup: {barmanObjectStore: {destinationPath: 's3://b', endpointURL: 'http://192.0.2.1'}}}").check(t, egress.DNS)

	s := newScene(t, "{instances: 2}")
	s.inv.Pods = append(s.inv.Pods, inventory.Pod{Namespace: "kube-system", Name: "node-local-dns-1", HostNetwork: true, Labels: map[string]string{"k8s-app": "node-local-dns"}})
	if got := s.needs(egress.DNS)[0]; got != "instances → kube-system/coredns-1:53/UDP or host:53/UDP (Cluster spec.instances)" {
		t.Error(got)
	}
	s = newScene(t, "{instances: 2}")
	s.inv.Pods[0].Labels, s.inv.Pods[0].Namespace = map[string]string{"dns.operator.openshift.io/daemonset-dns": "default"}, "openshift-dns"
	if got := s.needs(egress.DNS)[0]; got != "instances → openshift-dns/coredns-1:5353/UDP (Cluster spec.instances)" {
		t.Error(got)
	}
	s.inv.Pods = s.inv.Pods[1:]
	if got := s.needs(egress.DNS)[0]; got != "instances → perhaps kube-system:53/UDP or perhaps openshift-dns:5353/UDP or host:53/UDP (Cluster spec.instances)" {
		t.Error(got)
	}
}

func TestOperator(t *testing.T) {
	s := newScene(t, "{instances: 1}")
	s.inv.Pods = append(s.inv.Pods, inventory.Pod{Namespace: "cnpg-system", Name: "cnpg-1", Labels: map[string]string{"app": "cnpg"},
		NamedPorts: []inventory.NamedPort{{Name: "webhook-server", Port: 9444, Protocol: "TCP"}}})
	o := inventory.Operator{Namespace: "cnpg-system", Deployment: "cnpg", PodLabels: map[string]string{"app": "cnpg"}}
	lines := func() []string {
		var out []string
		for _, n := range egress.New(s.inv).Operator(o) {
			if !n.Advisory {
				out = append(out, s.line(n))
			}
		}
		return out
	}
	want := []string{"operator ← API server 192.168.7.10 on a node:9444", "operator → API server 192.168.7.10 on a node:6443"}
	if d := cmp.Diff(want, lines()); d != "" {
		t.Error(d)
	}
	plugin := service(t, "cnpg-system", "barman", "{selector: {app: cnpg}, ports: [{port: 9090}]}")
	plugin.Labels = map[string]string{cnpg.PluginNameLabel: "barman-cloud.cloudnative-pg.io"}
	s.inv.Services = append(s.inv.Services, plugin)
	want = append(want, "operator → cnpg-system/cnpg-1:9090", "operator → kube-system/coredns-1:53/UDP")
	if d := cmp.Diff(want, lines()); d != "" {
		t.Error(d)
	}
	s.inv.Pods = append(s.inv.Pods, inventory.Pod{Namespace: "kube-system", Name: "agent", Labels: map[string]string{"k8s-app": "konnectivity-agent"}})
	if got := lines()[0]; got != "operator ← kube-system/agent:9444" {
		t.Error(got)
	}
}

func TestDependants(t *testing.T) {
	s := newScene(t, "{instances: 1, replica: {enabled: true, source: src}, externalClusters: [{name: src, connectionParameters: {host: src-rw.old.svc}}]}")
	d := egress.New(s.inv)
	found := d.Dependants()[types.NamespacedName{Namespace: "old", Name: "src"}]
	if len(found) != 1 || found[0].Cluster.Name != "pg" || s.line(found[0].Need) != "instances → old/src-1:5432 (Cluster spec.replica.source)" {
		t.Errorf("got %v", found)
	}
	if all := d.Dependants(); len(all) != 1 {
		t.Errorf("nobody depends on pg, and there is %v", all)
	}
}

func TestMetrics(t *testing.T) {
	s := newScene(t, "{instances: 1, monitoring: {enablePodMonitor: true}}")
	lines := func() []string {
		var out []string
		for _, n := range egress.New(s.inv).Metrics(s.inv.Clusters[0]) {
			if !n.Advisory {
				t.Errorf("%v is required", n)
			}
			out = append(out, s.line(n))
		}
		return out
	}
	if got := lines(); !slices.Equal(got, []string{"instances ← ? who scrapes was not seen (Cluster spec.monitoring.enablePodMonitor)"}) {
		t.Error(got)
	}
	s.inv.Pods = append(s.inv.Pods, inventory.Pod{Namespace: "monitoring", Name: "prometheus-0", Labels: map[string]string{"app.kubernetes.io/name": "prometheus"}})
	s.inv.Clusters[0].Spec.Monitoring = nil
	if got := lines(); len(got) > 0 {
		t.Error(got)
	}
	monitor := inventory.Monitor{Kind: "PodMonitor", ObjectMeta: metav1.ObjectMeta{Namespace: "monitoring", Name: "pg"}}
	monitor.Spec.Selector.MatchLabels = map[string]string{cnpg.ClusterLabel: "pg"}
	s.inv.Monitors = append(s.inv.Monitors, monitor)
	if got := lines(); len(got) > 0 {
		t.Errorf("a monitor of another namespace counts: %v", got)
	}
	s.inv.Monitors[0].Spec.NamespaceSelector.MatchNames = []string{"shop"}
	if got := lines(); !slices.Equal(got, []string{"instances ← monitoring/prometheus-0:9187 (PodMonitor spec.selector)"}) {
		t.Error(got)
	}
}

// A monitor looks into its own namespace, into those that it names, or into all; of several that select the pods, the first counts.
func TestMonitorsLookIntoNamespaces(t *testing.T) {
	s := newScene(t, "{instances: 1}")
	front := service(t, "shop", "front", "{selector: {"+cnpg.ClusterLabel+": pg}, ports: [{port: 9187}]}")
	front.Labels = map[string]string{"app": "front"}
	other := service(t, "old", "front", "{selector: {"+cnpg.ClusterLabel+": pg}, ports: [{port: 9187}]}")
	other.Labels = map[string]string{"app": "elsewhere"}
	s.inv.Services = append(s.inv.Services, front, other)
	monitor := func(name, kind, namespace, key, value string, in ...string) inventory.Monitor {
		m := inventory.Monitor{Kind: kind, ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
		m.Spec.Selector.MatchLabels = map[string]string{key: value}
		if m.Spec.NamespaceSelector.Any = slices.Equal(in, []string{"*"}); !m.Spec.NamespaceSelector.Any {
			m.Spec.NamespaceSelector.MatchNames = in
		}
		return m
	}
	pods := func(name, namespace string, in ...string) inventory.Monitor {
		return monitor(name, "PodMonitor", namespace, cnpg.ClusterLabel, "pg", in...)
	}
	services := func(name, namespace, app string, in ...string) inventory.Monitor {
		return monitor(name, "ServiceMonitor", namespace, "app", app, in...)
	}
	for name, tc := range map[string]struct {
		monitors []inventory.Monitor
		want     string
	}{
		"its own":                      {[]inventory.Monitor{pods("a", "shop")}, "a"},
		"another":                      {[]inventory.Monitor{pods("a", "monitoring")}, ""},
		"named":                        {[]inventory.Monitor{pods("a", "monitoring", "other", "shop")}, "a"},
		"its own is not named":         {[]inventory.Monitor{pods("a", "shop", "other")}, ""},
		"an empty name":                {[]inventory.Monitor{pods("a", "shop", "")}, ""},
		"all":                          {[]inventory.Monitor{pods("a", "monitoring", "*")}, "a"},
		"by a Service":                 {[]inventory.Monitor{services("a", "shop", "front")}, "a"},
		"by a Service, from elsewhere": {[]inventory.Monitor{services("a", "monitoring", "front", "*")}, "a"},
		"by a Service of another":      {[]inventory.Monitor{services("a", "monitoring", "elsewhere", "*")}, ""},
		"the first is for all":         {[]inventory.Monitor{pods("b", "monitoring", "*"), pods("a", "shop")}, "b"},
		"the first is its own":         {[]inventory.Monitor{services("z", "monitoring", "x", "*"), pods("c", "shop"), pods("a", "monitoring", "*")}, "c"},
		"a selector that is none": {[]inventory.Monitor{func() inventory.Monitor {
			m := pods("a", "shop")
			m.Spec.Selector.MatchExpressions = []metav1.LabelSelectorRequirement{{Key: "x", Operator: "Is"}}
			return m
		}()}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s.inv.Monitors = tc.monitors
			got := ""
			for _, n := range egress.New(s.inv).Metrics(s.inv.Clusters[0]) {
				got = n.Source.Name
			}
			if got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}

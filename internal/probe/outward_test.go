package probe_test

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/resource"
	"k8s.io/utils/ptr"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/assess"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/explain"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/fixture"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/manifests"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/probe"
)

// around has an API server, DNS, and an application behind a Service.
func around(t *testing.T) func(*inventory.Inventory) {
	return func(inv *inventory.Inventory) {
		file := filepath.Join(t.TempDir(), "around.yaml")
		text := fixture.PodOf("kube-system", "coredns-1", "k8s-app: kube-dns") + fixture.PodOf("media", "cache-1", "app: cache")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		more, err := manifests.Load(t.Context(), manifests.Options{FilenameOptions: resource.FilenameOptions{Filenames: []string{file}}})
		if err != nil {
			t.Fatal(err)
		}
		for i := range more.Pods {
			more.Pods[i].Addresses = []netip.Addr{netip.MustParseAddr([]string{"10.1.0.1", "10.1.0.2"}[i])}
		}
		inv.Pods = append(inv.Pods, more.Pods...)
		for key, endpoint := range more.Endpoints {
			inv.Endpoints[key] = endpoint
		}
		service := func(namespace, name, ip string, selector map[string]string, port corev1.ServicePort) {
			inv.Services = append(inv.Services, &corev1.Service{
				ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: corev1.ServiceSpec{ClusterIP: ip, Selector: selector, Ports: []corev1.ServicePort{port}},
			})
		}
		service("kube-system", "kube-dns", "10.96.0.10", map[string]string{"k8s-app": "kube-dns"}, corev1.ServicePort{Port: 53, Protocol: corev1.ProtocolUDP})
		service("media", "cache", "10.96.0.11", map[string]string{"app": "cache"}, corev1.ServicePort{Port: 6379})
		service("default", "kubernetes", "10.96.0.9", nil, corev1.ServicePort{Port: 443})
		inv.EndpointSlices = append(inv.EndpointSlices, &discoveryv1.EndpointSlice{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "kubernetes", Labels: map[string]string{discoveryv1.LabelServiceName: "kubernetes"}},
			Ports:      []discoveryv1.EndpointPort{{Port: ptr.To[int32](6443)}}, Endpoints: []discoveryv1.Endpoint{{Addresses: []string{"192.0.2.1"}}},
		})
	}
}

// locked is the world after a lockdown, with what changes do to the rest.
func locked(t *testing.T, flags policyset.FlagValues, changes ...func(*inventory.Inventory)) *inventory.Inventory {
	t.Helper()
	changes = append([]func(*inventory.Inventory){addressed, around(t)}, changes...)
	before, err := model.New(fixture.World(t, changes...), model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	options, err := policyset.Parse(flags)
	if err != nil {
		t.Fatal(err)
	}
	set, err := policyset.Build(assess.Surrounded(before, options, fixture.Database()))
	if err != nil {
		t.Fatal(err)
	}
	inv := fixture.World(t, changes...)
	for _, p := range set {
		text, err := json.Marshal(p.Object)
		if err != nil {
			t.Fatal(err)
		}
		fixture.Policy(string(text))(inv)
	}
	inv.Finish()
	return inv
}

// about are the lines of a plan about what leads to one of some places: a client, a place and what is expected.
func about(p probe.Plan, places ...string) []string {
	out := []string{}
	for _, c := range p.Clients {
		name := c.Name
		if c.Control {
			name = "control " + name
		}
		if c.Unfit != "" {
			out = append(out, name+": "+c.Unfit)
		}
		for _, one := range c.Connections {
			if slices.Contains(places, one.To) {
				out = append(out, name+" → "+one.To+" "+string(one.Expected))
			}
		}
	}
	return out
}

func expectLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

const (
	theAPIServer, theService = "the API server", "service/kubernetes"
	dnsPod, cachePod         = "kube-system/pod/coredns-1", "media/pod/cache-1"
)

// What the database opens is tried, too, where policies restrict it: each pod connects to what it needs and to what it must not
// reach, and somebody else who reaches all of it is the control.
func TestOfChangeOutward(t *testing.T) {
	egress := func(more ...string) policyset.FlagValues {
		flags := fixture.Flags(fixture.Backends)
		flags.Egress = true
		flags.Allow = append(flags.Allow, more...)
		return flags
	}
	plan := func(t *testing.T, flags policyset.FlagValues, changes ...func(*inventory.Inventory)) probe.Plan {
		m, err := model.New(locked(t, flags, changes...), model.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if m, err = probe.Known(m, m.Cluster(fixture.Database())); err != nil {
			t.Fatal(err)
		}
		return probe.OfChange(m, m.Cluster(fixture.Database()), v1alpha1.ChangePreview{})
	}
	t.Run("what is needed", func(t *testing.T) {
		got := about(plan(t, egress()), theAPIServer, theService, dnsPod)
		var tried []string
		for _, line := range got {
			if !strings.HasPrefix(line, "control") {
				tried = append(tried, line)
			}
		}
		expectLines(t, tried,
			"pod/pg-1 → the API server allowed", "pod/pg-1 → "+dnsPod+" allowed", "pod/pg-1 → service/kubernetes allowed",
			"pod/pg-2 → the API server allowed", "pod/pg-2 → "+dnsPod+" allowed", "pod/pg-2 → service/kubernetes allowed",
			"pooler/pg-rw → the API server allowed", "pooler/pg-rw → "+dnsPod+" allowed", "pooler/pg-rw → service/kubernetes allowed",
		)
		for _, line := range []string{"control pod/web → the API server allowed", "control pod/web → " + dnsPod + " allowed"} {
			if !slices.Contains(got, line) {
				t.Errorf("no %q in %q", line, got)
			}
		}
	})
	t.Run("what it is kept from", func(t *testing.T) {
		expectLines(t, about(plan(t, egress()), cachePod),
			"pod/pg-1 → "+cachePod+" denied", "pod/pg-2 → "+cachePod+" denied", "pooler/pg-rw → "+cachePod+" denied", "control pod/web → "+cachePod+" allowed")
	})
	t.Run("nobody else reaches it", func(t *testing.T) {
		shut := func(inv *inventory.Inventory) {
			fixture.Policy(`{"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": {"name": "shut", "namespace": "media"}, "spec": {"endpointSelector": {}, "ingress": [{}]}}`)(inv)
		}
		got := about(plan(t, egress(), shut), cachePod)
		if len(got) != 1 || !strings.Contains(got[0], "no pod behind a Service was found that somebody else reaches") {
			t.Errorf("%q", got)
		}
	})
	t.Run("egress is not restricted", func(t *testing.T) {
		expectLines(t, about(plan(t, fixture.Flags(fixture.Backends)), theAPIServer, theService, dnsPod, cachePod))
	})
	t.Run("what flags let out to", func(t *testing.T) {
		got := about(plan(t, egress("--allow-egress-fqdn=s3.example.com:443", "--allow-egress-fqdn=*.example.org:443", "--allow-egress-cidr=203.0.113.7/32:636", "--allow-egress-cidr=203.0.113.0/24:389")),
			"s3.example.com", "203.0.113.7", "203.0.113.0")
		var tried []string
		for _, line := range got {
			if !strings.HasPrefix(line, "control") {
				tried = append(tried, line)
			}
		}
		expectLines(t, tried, "pod/pg-1 → 203.0.113.7 allowed", "pod/pg-1 → s3.example.com allowed", "pod/pg-2 → 203.0.113.7 allowed", "pod/pg-2 → s3.example.com allowed")
	})
	t.Run("a name that is no host's", func(t *testing.T) {
		expectLines(t, about(plan(t, egress("--allow-egress-fqdn=not_a_host.example.com:443")), "not_a_host.example.com"))
	})
}

// A question about what the database reaches is tried by its pods.
func TestOfOutbound(t *testing.T) {
	ask := func(t *testing.T, flags policyset.FlagValues, target, sender string, changes ...func(*inventory.Inventory)) probe.Plan {
		inv := locked(t, flags, changes...)
		to, err := explain.ParseTarget(target, "")
		if err != nil {
			t.Fatal(err)
		}
		from, err := explain.ParseSender(sender)
		if err != nil {
			t.Fatal(err)
		}
		d, err := explain.Find(inv, inv.Clusters[0], to, from)
		if err != nil {
			t.Fatal(err)
		}
		m, err := model.New(inv, model.Options{Extra: d.Extra()})
		if err != nil {
			t.Fatal(err)
		}
		o, err := explain.AskOutbound(m, fixture.Database(), d)
		if err != nil {
			t.Fatal(err)
		}
		return probe.OfOutbound(o)
	}
	flags := fixture.Flags(fixture.Backends)
	flags.Egress = true
	for name, tc := range map[string]struct {
		target, sender string
		want           []string
	}{
		"the API server": {"api-server", "", []string{
			"pod/pg-1 → the API server allowed", "pod/pg-2 → the API server allowed", "control pod/web → the API server allowed", "control pod/pg-1 → the API server allowed",
		}},
		"a pod that is shut": {"media/service/cache:6379", "", []string{
			"pod/pg-1 → " + cachePod + " denied", "pod/pg-2 → " + cachePod + " denied", "control pod/web → " + cachePod + " allowed",
		}},
		"a pooler": {"media/pod/cache-1:6379", "pooler/pg-rw", []string{"pod/pg-rw-1 → " + cachePod + " denied", "control pod/web → " + cachePod + " allowed"}},
		"DNS, by TCP alone": {"dns", "pooler/pg-rw", []string{
			"pod/pg-rw-1 → " + dnsPod + " allowed", "control pod/web → " + dnsPod + " allowed", "control pod/pg-1 → " + dnsPod + " allowed",
		}},
		"a job": {"api-server", "job/join", []string{"job/join: no pod of job/join runs whose identity a connection could have"}},
		"a name": {"external s3.example.com:443", "", []string{
			"pod/pg-1 → s3.example.com denied", "pod/pg-2 → s3.example.com denied", "control pod/web → s3.example.com allowed", "control pod/pg-1 → s3.example.com allowed",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			expectLines(t, about(ask(t, flags, tc.target, tc.sender), theAPIServer, dnsPod, cachePod, "s3.example.com"), tc.want...)
		})
	}
}

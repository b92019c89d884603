package observe

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strings"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Names are those by which specs of workloads refer to databases: of Secrets, whose data nobody reads, and of
// Services.
type Names struct {
	secrets  map[types.NamespacedName][]types.NamespacedName
	services map[types.NamespacedName]service
	// configMaps are the hosts of databases in ConfigMaps, by key; see AddConfigMap.
	configMaps map[types.NamespacedName]map[string][]string
}

// service is what is behind the name of a Service.
type service struct {
	cluster types.NamespacedName
	pooler  string
}

// NamesOf are the names of the clusters and their poolers.
func NamesOf(inv *inventory.Inventory, clusters ...types.NamespacedName) Names {
	n := Names{
		secrets: map[types.NamespacedName][]types.NamespacedName{}, services: map[types.NamespacedName]service{},
		configMaps: map[types.NamespacedName]map[string][]string{},
	}
	for _, c := range inv.Clusters {
		key := types.NamespacedName{Namespace: c.Namespace, Name: c.Name}
		if !slices.Contains(clusters, key) {
			continue
		}
		for _, name := range secretsOf(c) {
			at := types.NamespacedName{Namespace: c.Namespace, Name: name}
			n.secrets[at] = append(n.secrets[at], key)
		}
		for _, s := range cnpg.Services(c) {
			n.services[types.NamespacedName{Namespace: c.Namespace, Name: s.Name}] = service{cluster: key}
		}
	}
	for _, p := range inv.Poolers {
		key := types.NamespacedName{Namespace: p.Namespace, Name: p.Spec.Cluster.Name}
		at := types.NamespacedName{Namespace: p.Namespace, Name: cnpg.PoolerService(p).Name}
		// A pooler that is called like a cluster's Service can't have one.
		if _, taken := n.services[at]; !taken && slices.Contains(clusters, key) {
			n.services[at] = service{key, p.Name}
		}
	}
	return n
}

// secretsOf are the Secrets with which somebody connects: credentials, and the certificates to know the server
// by and to be known by it.
func secretsOf(c *cnpgv1.Cluster) []string {
	names := []string{
		c.GetApplicationSecretName(), c.GetSuperuserSecretName(), c.GetServerCASecretName(), c.GetClientCASecretName(), c.GetReplicationSecretName(),
	}
	if c.Spec.Managed != nil {
		for i := range c.Spec.Managed.Roles {
			if s := c.Spec.Managed.Roles[i].PasswordSecret; s != nil {
				names = append(names, s.Name)
			}
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool { return name == "" })
	slices.Sort(names)
	return slices.Compact(names)
}

// References are what the spec of a workload's pods names, each once. Of values that come from ConfigMaps, those are
// seen that were added.
func (n Names) References(namespace string, workload inventory.Workload, spec *corev1.PodSpec) []Reference {
	var out []Reference
	add := func(r Reference) {
		r.Namespace, r.Workload = namespace, Workload(workload)
		if !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	for _, name := range secretsIn(spec) {
		for _, cluster := range n.secrets[types.NamespacedName{Namespace: namespace, Name: name}] {
			add(Reference{Cluster: cluster, To: "Secret " + name})
		}
	}
	for _, text := range textsIn(spec) {
		for _, host := range hostsIn(text) {
			if s, ok := n.service(namespace, host); ok {
				add(Reference{Cluster: s.cluster, To: "host " + host, Pooler: s.pooler})
			}
		}
	}
	for _, use := range configMapsIn(spec) {
		for _, host := range n.hostsFrom(namespace, use) {
			s, _ := n.service(namespace, host)
			add(Reference{Cluster: s.cluster, To: "host " + host + " in ConfigMap " + use.name, Pooler: s.pooler})
		}
	}
	slices.SortFunc(out, func(a, b Reference) int {
		return cmp.Or(cmp.Compare(a.Cluster.String(), b.Cluster.String()), cmp.Compare(a.To, b.To))
	})
	return out
}

// service is the one that a host names, for somebody in the namespace: NAME, NAME.NAMESPACE or
// NAME.NAMESPACE.svc, whatever the domain of the Kubernetes cluster is called.
func (n Names) service(namespace, host string) (service, bool) {
	parts := strings.Split(strings.TrimSuffix(strings.ToLower(host), "."), ".")
	key := types.NamespacedName{Namespace: namespace, Name: parts[0]}
	if len(parts) > 1 {
		key.Namespace = parts[1]
	}
	s, ok := n.services[key]
	return s, ok && (len(parts) < 3 || parts[2] == "svc")
}

// secretsIn are the names of Secrets in a spec.
func secretsIn(spec *corev1.PodSpec) []string {
	var out []string
	for i := range spec.Volumes {
		v := &spec.Volumes[i]
		if v.Secret != nil {
			out = append(out, v.Secret.SecretName)
		}
		if v.Projected != nil {
			for j := range v.Projected.Sources {
				if s := v.Projected.Sources[j].Secret; s != nil {
					out = append(out, s.Name)
				}
			}
		}
	}
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		for i := range c.EnvFrom {
			if s := c.EnvFrom[i].SecretRef; s != nil {
				out = append(out, s.Name)
			}
		}
		for i := range c.Env {
			if from := c.Env[i].ValueFrom; from != nil && from.SecretKeyRef != nil {
				out = append(out, from.SecretKeyRef.Name)
			}
		}
	}
	return out
}

// textsIn are the values in a spec that may name a host.
func textsIn(spec *corev1.PodSpec) []string {
	var out []string
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		for i := range c.Env {
			out = append(out, c.Env[i].Value)
		}
		out = slices.Concat(out, c.Command, c.Args)
	}
	return out
}

var (
	// hostsOfURL is what stands behind the scheme of an URL, JDBC's included, and hostOfDSN what libpq takes: "host=a",
	// "--host=a", "-h a".
	hostsOfURL = regexp.MustCompile(`://([^/?#\s"']+)`)
	hostOfDSN  = regexp.MustCompile(`(?:\bhost\s*=\s*|--host[ =]|(?:^|\s)-h\s*)["']?([^\s"'&;]+)`)
	// hostOfSetting is what files of settings have: "host: a", "PGHOST=a", "spring.datasource.hostname = a", "\"host\": \"a\"".
	hostOfSetting = regexp.MustCompile(`(?im)(?:^|[\s{,])["']?[\w.-]*(?:host|hostname|server)["']?\s*[:=]\s*["']?([^\s"'&;]+)`)
	// qualified is a name with at least its namespace, which is no word that stands there by chance.
	qualified = regexp.MustCompile(`[A-Za-z0-9][A-Za-z0-9-]*(?:\.[A-Za-z0-9][A-Za-z0-9-]*)+`)
)

// hostsIn are the hosts that a text names: all of it, or where a connection string or a command has one. A word
// that happens to be the name of a Service is none.
func hostsIn(text string) []string {
	out := []string{strings.TrimSuffix(withoutPort(strings.TrimSpace(text)), ".")}
	for _, found := range hostsOfURL.FindAllStringSubmatch(text, -1) {
		authority := found[1][strings.LastIndexByte(found[1], '@')+1:]
		for host := range strings.SplitSeq(authority, ",") {
			out = append(out, withoutPort(host))
		}
	}
	for _, form := range []*regexp.Regexp{hostOfDSN, hostOfSetting} {
		for _, found := range form.FindAllStringSubmatch(text, -1) {
			for host := range strings.SplitSeq(found[1], ",") {
				out = append(out, withoutPort(host))
			}
		}
	}
	out = append(out, qualified.FindAllString(text, -1)...)
	slices.Sort(out)
	return slices.Compact(out)
}

// withoutPort is the host alone.
func withoutPort(text string) string {
	u := url.URL{Host: text}
	return u.Hostname()
}

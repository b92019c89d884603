package egress

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
)

// externals adds the external clusters that something uses.
func (c *clusterNeeds) externals() {
	spec := &c.cluster.Spec
	instances := Who{Kind: Instances}
	if c.cluster.IsReplica() && spec.ReplicaCluster != nil {
		c.external(instances, spec.ReplicaCluster.Source, "spec.replica.source", true)
	}
	if cnpg.Bootstrapped(c.cluster) || spec.Bootstrap == nil {
		return
	}
	b := spec.Bootstrap
	switch job := (Who{Kind: Job, Job: cnpg.BootstrapJob(c.cluster, c.originOf(c.cluster))}); job.Job {
	case cnpg.PGBaseBackup:
		c.external(job, b.PgBaseBackup.Source, "spec.bootstrap.pg_basebackup.source", false)
	case cnpg.FullRecovery, cnpg.SnapshotRecovery:
		// Recovery reads a backup and what was archived, and connects to no server.
		c.archive(job, b.Recovery.Source, "spec.bootstrap.recovery.source")
	case cnpg.Import:
		c.external(job, b.InitDB.Import.Source.ExternalCluster, "spec.bootstrap.initdb.import.source.externalCluster", false)
	case cnpg.InitDB, cnpg.Join, cnpg.MajorUpgrade:
	}
}

// subscriptions adds the publishers that the cluster's databases follow.
func (c *clusterNeeds) subscriptions() {
	for _, s := range c.index.subscriptions[types.NamespacedName{Namespace: c.cluster.Namespace, Name: c.cluster.Name}] {
		before := len(c.needs)
		c.external(Who{Kind: Instances}, s.Spec.ExternalClusterName, "", false)
		for i := before; i < len(c.needs); i++ {
			c.needs[i].Source = Source{Kind: "Subscription", Namespace: s.Namespace, Name: s.Name, Path: "spec.externalClusterName"}
		}
	}
}

// external adds the server of an external cluster and, for who follows it by its archive too, that.
func (c *clusterNeeds) external(who Who, name, path string, archive bool) {
	if name == "" {
		return
	}
	if archive {
		c.archive(who, name, path)
	}
	external, ok := c.cluster.ExternalCluster(name)
	if !ok {
		c.add(Need{Flow: External, Who: who, What: "the external cluster " + name, Source: c.source(path),
			Peers: []Peer{{Unknown: fmt.Sprintf("there is no external cluster %q", name)}}})
		return
	}
	if len(external.ConnectionParameters) == 0 {
		return
	}
	peers, what := c.servers(external.ConnectionParameters)
	c.add(Need{Flow: External, Who: who, What: what, Peers: peers, Source: c.source(path)})
}

// servers are those of libpq's connection parameters. Hosts and ports may be lists; hostaddr goes before host.
func (c *clusterNeeds) servers(parameters map[string]string) ([]Peer, string) {
	hosts := list(parameters["host"])
	if addresses := list(parameters["hostaddr"]); len(addresses) > 0 {
		hosts = addresses
	}
	ports := list(parameters["port"])
	if len(hosts) == 0 {
		return []Peer{{Unknown: "connectionParameters name no host"}}, "an external cluster"
	}
	if len(hosts) > mostNeeds {
		return tooMany(len(hosts)), "the PostgreSQL servers " + hosts[0] + " and others"
	}
	var peers []Peer
	var called []string
	for i, host := range hosts {
		port := cnpg.PostgresPort
		if len(ports) > 0 {
			number, err := strconv.ParseUint(ports[min(i, len(ports)-1)], 10, 16)
			if err != nil {
				peers = append(peers, Peer{Unknown: fmt.Sprintf("port %q of connectionParameters is no number", ports[min(i, len(ports)-1)])})
				continue
			}
			port = uint16(number)
		}
		if strings.HasPrefix(host, "/") {
			continue // A socket.
		}
		called = append(called, fmt.Sprintf("%s:%d", host, port))
		peers = append(peers, c.Host(c.cluster.Namespace, host, port)...)
	}
	return peers, "the PostgreSQL server " + strings.Join(called, ", ")
}

func list(text string) []string {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	parts := strings.Split(text, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return slices.DeleteFunc(parts, func(s string) bool { return s == "" })
}

// directories adds the LDAP servers that PostgreSQL asks for passwords.
func (c *clusterNeeds) directories() {
	configuration := &c.cluster.Spec.PostgresConfiguration
	if ldap := configuration.LDAP; ldap != nil && ldap.Server != "" {
		port := uint16(ldap.Port)
		if port == 0 {
			port = ldapPort(ldap.Scheme == cnpgv1.LDAPSchemeLDAPS)
		}
		c.ldap(ldap.Server, port, "spec.postgresql.ldap.server")
	}
	for i, line := range configuration.PgHBA {
		path := fmt.Sprintf("spec.postgresql.pg_hba[%d]", i)
		fields := strings.Fields(line)
		if strings.HasPrefix(strings.TrimSpace(line), "#") || !slices.Contains(fields, "ldap") {
			continue
		}
		option := map[string]string{}
		for _, field := range fields {
			if key, value, ok := strings.Cut(field, "="); ok {
				option[key] = strings.Trim(value, `"`)
			}
		}
		secure := option["ldapscheme"] == "ldaps"
		if _, rest, ok := strings.Cut(option["ldapurl"], "://"); ok {
			host, _, _ := strings.Cut(rest, "/")
			secure = strings.HasPrefix(option["ldapurl"], "ldaps:")
			option["ldapserver"], option["ldapport"], _ = strings.Cut(host, ":")
		}
		port := ldapPort(secure)
		if number, err := strconv.ParseUint(option["ldapport"], 10, 16); err == nil {
			port = uint16(number)
		}
		c.ldap(option["ldapserver"], port, path)
	}
}

func ldapPort(secure bool) uint16 {
	if secure {
		return 636
	}
	return 389
}

// ldap adds the servers; several are separated by white space.
func (c *clusterNeeds) ldap(servers string, port uint16, path string) {
	if all := strings.Fields(servers); len(all) > mostNeeds {
		c.add(Need{Flow: External, Who: Who{Kind: Instances}, What: "the LDAP servers " + all[0] + " and others", Peers: tooMany(len(all)), Source: c.source(path)})
		return
	}
	for server := range strings.FieldsSeq(servers) {
		c.add(Need{Flow: External, Who: Who{Kind: Instances}, What: fmt.Sprintf("the LDAP server %s:%d", server, port),
			Peers: c.Host(c.cluster.Namespace, server, port), Source: c.source(path)})
	}
}

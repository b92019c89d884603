package egress

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	barmanapi "github.com/cloudnative-pg/barman-cloud/pkg/api"
	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
)

// barmanPlugin is the CNPG-I plugin of which the configuration is known here. It works in sidecars of the
// instances' and jobs' pods.
const (
	barmanPlugin    = "barman-cloud.cloudnative-pg.io"
	barmanParameter = "barmanObjectName"
)

// backups adds the object stores that the cluster archives to. Recovery looks into them as well: they have to
// be empty then.
func (c *clusterNeeds) backups() {
	who := []Who{{Kind: Instances}}
	if !cnpg.Bootstrapped(c.cluster) {
		if job := cnpg.BootstrapJob(c.cluster, c.originOf(c.cluster)); job == cnpg.FullRecovery || job == cnpg.SnapshotRecovery {
			who = append(who, Who{Kind: Job, Job: job})
		}
	}
	for _, w := range who {
		if b := c.cluster.Spec.Backup; b != nil && b.BarmanObjectStore != nil {
			c.store(w, b.BarmanObjectStore, c.cluster.Spec.Env, c.source("spec.backup.barmanObjectStore"))
		}
		for i := range c.cluster.Spec.Plugins {
			p := &c.cluster.Spec.Plugins[i]
			if p.IsEnabled() {
				c.plugin(w, p, c.source(fmt.Sprintf("spec.plugins[%d]", i)))
			}
		}
	}
}

// origin adds the store of the backup that the cluster begins from.
func (c *clusterNeeds) origin() {
	b := c.cluster.Spec.Bootstrap
	if cnpg.Bootstrapped(c.cluster) || b == nil || b.Recovery == nil || b.Recovery.Backup == nil {
		return
	}
	source := c.source("spec.bootstrap.recovery.backup.name")
	backup := c.originOf(c.cluster)
	job := Who{Kind: Job, Job: cnpg.BootstrapJob(c.cluster, backup)}
	switch {
	case backup == nil:
		c.add(Need{Flow: ObjectStore, Who: job, What: "the object store of the backup " + b.Recovery.Backup.Name, Source: source,
			Peers: []Peer{{Unknown: fmt.Sprintf("the Backup %q was not seen", b.Recovery.Backup.Name)}}})
	case backup.IsCompletedVolumeSnapshot():
		// A snapshot is no matter of connections.
	case backup.Spec.PluginConfiguration != nil:
		c.plugin(job, &cnpgv1.PluginConfiguration{Name: backup.Spec.PluginConfiguration.Name, Parameters: backup.Spec.PluginConfiguration.Parameters}, source)
	default:
		s := backup.Status
		c.store(job, &barmanapi.BarmanObjectStoreConfiguration{
			BarmanCredentials: s.BarmanCredentials, EndpointURL: s.EndpointURL, DestinationPath: s.DestinationPath,
		}, c.cluster.Spec.Env, source)
	}
}

// archive adds the store of an external cluster.
func (c *clusterNeeds) archive(who Who, name, path string) {
	external, ok := c.cluster.ExternalCluster(name)
	if !ok {
		return
	}
	if external.BarmanObjectStore != nil {
		c.store(who, external.BarmanObjectStore, c.cluster.Spec.Env, c.source(path))
	}
	if external.PluginConfiguration != nil {
		c.plugin(who, external.PluginConfiguration, c.source(path))
	}
}

// plugin adds what a plugin reaches, which only its own kinds tell.
func (c *clusterNeeds) plugin(who Who, p *cnpgv1.PluginConfiguration, source Source) {
	unknown := func(why string) {
		c.add(Need{Flow: ObjectStore, Who: who, What: "what the plugin " + p.Name + " reaches", Source: source, Peers: []Peer{{Unknown: why}}})
	}
	if p.Name != barmanPlugin {
		unknown(fmt.Sprintf("what the plugin %q connects to stands in objects that are not known here", p.Name))
		return
	}
	name := p.Parameters[barmanParameter]
	if s := c.objectStores[types.NamespacedName{Namespace: c.cluster.Namespace, Name: name}]; s != nil {
		c.store(who, &s.Spec.Configuration, s.Spec.InstanceSidecarConfiguration.Env, Source{
			Kind: "ObjectStore", Namespace: s.Namespace, Name: s.Name, Path: "spec.configuration",
		})
		return
	}
	unknown(fmt.Sprintf("the ObjectStore %q was not seen", name))
}

// store adds an object store, and where the credentials for it come from.
func (c *clusterNeeds) store(who Who, s *barmanapi.BarmanObjectStoreConfiguration, env []corev1.EnvVar, source Source) {
	add := func(what, field string, which string, peers ...Peer) {
		at := source
		at.Path += "." + field
		c.add(Need{Flow: ObjectStore, Who: who, What: what, Which: which, Peers: peers, Source: at})
	}
	switch {
	case s.EndpointURL != "":
		host, port, err := hostOf(s.EndpointURL)
		if err != nil {
			add("the object store", "endpointURL", "", Peer{Unknown: err.Error()})
			break
		}
		add(fmt.Sprintf("the object store %s:%d", host, port), "endpointURL", "", c.Host(c.cluster.Namespace, host, port)...)
	case strings.HasPrefix(s.DestinationPath, "s3://"):
		peers, what := s3(s, env)
		field := "destinationPath"
		if s.AWS != nil && s.AWS.RegionReference != nil {
			field = "s3Credentials.region"
		}
		add(what, field, "", peers...)
	case strings.HasPrefix(s.DestinationPath, "https://"), strings.HasPrefix(s.DestinationPath, "http://"):
		host, port, err := hostOf(s.DestinationPath)
		if err != nil {
			add("the object store", "destinationPath", "", Peer{Unknown: err.Error()})
			break
		}
		add(fmt.Sprintf("the object store %s:%d", host, port), "destinationPath", "", c.Host(c.cluster.Namespace, host, port)...)
	case strings.HasPrefix(s.DestinationPath, "gs://"):
		add("the object store storage.googleapis.com:443", "destinationPath", "", Peer{Name: "storage.googleapis.com", Ports: tcp(443)})
	default:
		add("the object store", "destinationPath", "", Peer{Unknown: fmt.Sprintf("destinationPath %q is of no kind that is known here", s.DestinationPath)})
	}
	c.credentials(s, env, add)
}

// metadataService and podIdentity are the addresses from which pods get credentials of the cloud that they
// run in.
func metadataService() netip.Addr { return netip.AddrFrom4([4]byte{169, 254, 169, 254}) }
func podIdentity() netip.Addr     { return netip.AddrFrom4([4]byte{169, 254, 170, 23}) }

// credentials adds where those come from that stand in no Secret.
func (c *clusterNeeds) credentials(s *barmanapi.BarmanObjectStoreConfiguration, env []corev1.EnvVar, add func(what, field, which string, peers ...Peer)) {
	switch {
	case s.AWS != nil && s.AWS.InheritFromIAMRole:
		const which = "which of its ways to credentials the pod takes (a role's token, the pod identity agent, the node's role) was not seen"
		peers := []Peer{{Address: podIdentity(), Ports: tcp(80)}, {Address: metadataService(), Ports: tcp(80)}}
		if template := c.cluster.Spec.ServiceAccountTemplate; template != nil && template.Metadata.Annotations["eks.amazonaws.com/role-arn"] != "" {
			peers = []Peer{sts(env)}
		} else {
			peers = append(peers, sts(env))
		}
		why := which
		if len(peers) == 1 {
			why = ""
		}
		add("the credentials of the IAM role", "s3Credentials.inheritFromIAMRole", why, peers...)
	case s.Azure != nil && (s.Azure.InheritFromAzureAD || s.Azure.UseDefaultAzureCredentials):
		add("the credentials of Azure AD", "azureCredentials.inheritFromAzureAD", "which of its ways to credentials the pod takes was not seen",
			Peer{Name: "login.microsoftonline.com", Ports: tcp(443)}, Peer{Address: metadataService(), Ports: tcp(80)})
	case s.Google != nil && s.Google.GKEEnvironment:
		add("the credentials of GKE", "googleCredentials.gkeEnvironment", "", Peer{Address: metadataService(), Ports: tcp(80)})
	case s.Google != nil && s.Google.ApplicationCredentials != nil:
		add("the credentials of Google", "googleCredentials.applicationCredentials", "", Peer{Name: "oauth2.googleapis.com", Ports: tcp(443)})
	}
}

// anyRegion stands for a region that is not known. No region is called like this.
const anyRegion = "any-region"

// s3 are the hosts of a bucket in AWS, where no endpointURL names another. The name of a bucket with a dot does not
// fit into certificates, so that it stands in the path (botocore's fix_s3_host).
func s3(s *barmanapi.BarmanObjectStoreConfiguration, env []corev1.EnvVar) ([]Peer, string) {
	bucket, _, _ := strings.Cut(strings.TrimPrefix(s.DestinationPath, "s3://"), "/")
	what := "the S3 bucket " + bucket
	service := bucket + ".s3"
	if strings.Contains(bucket, ".") {
		service = "s3"
	}
	if s.AWS != nil && s.AWS.RegionReference != nil {
		return []Peer{unknownRegion(service, fmt.Sprintf("the region of the bucket stands in the Secret %q", s.AWS.RegionReference.Name))}, what
	}
	region, why := regionOf(env)
	if region == "" {
		return []Peer{unknownRegion(service, "the region of the bucket "+why)}, what
	}
	return []Peer{{Name: inAWS(service, region), Ports: tcp(443)}}, what
}

func sts(env []corev1.EnvVar) Peer {
	region, why := regionOf(env)
	if region == "" {
		return unknownRegion("sts", "the region of the security token service "+why)
	}
	return Peer{Name: inAWS("sts", region), Ports: tcp(443)}
}

// unknownRegion is a service of AWS in a region that is not known. Clients without a region ask the global name.
func unknownRegion(service, why string) Peer {
	return Peer{Unknown: why, Like: []string{inAWS(service, anyRegion), service + ".amazonaws.com"}, Ports: tcp(443)}
}

// inAWS is the name of a service in a region.
func inAWS(service, region string) string {
	name := service + "." + region + ".amazonaws.com"
	if strings.HasPrefix(region, "cn-") {
		name += ".cn"
	}
	return name
}

// regionOf is the AWS region that the environment sets, or why there is none.
func regionOf(env []corev1.EnvVar) (region, why string) {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		for _, e := range env {
			switch {
			case e.Name != name:
			case e.Value != "":
				return e.Value, ""
			case e.ValueFrom != nil:
				return "", "comes from elsewhere, by the variable " + name
			}
		}
	}
	return "", "is not configured where it can be seen"
}

// hostOf is the host and port of a URL.
func hostOf(text string) (host string, port uint16, err error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		return "", 0, fmt.Errorf("%q is no URL with a host", text)
	}
	number, err := strconv.ParseUint(cmp.Or(u.Port(), map[string]string{"http": "80"}[u.Scheme], "443"), 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("the port of %q is no number up to 65535", text)
	}
	return u.Hostname(), uint16(number), nil
}

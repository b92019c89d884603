package egress

import (
	"fmt"
	"slices"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
)

// Jobs are the roles of the jobs that a cluster may still see: the one that begins it, unless it has begun,
// and those that bring another instance or another version.
func (d *Deriver) Jobs(cluster *cnpgv1.Cluster) []cnpg.JobRole {
	var out []cnpg.JobRole
	if !cnpg.Bootstrapped(cluster) {
		out = append(out, cnpg.BootstrapJob(cluster, d.originOf(cluster)))
	}
	out = append(out, cnpg.Join)
	if cluster.Spec.Backup != nil && cluster.Spec.Backup.VolumeSnapshot != nil && !slices.Contains(out, cnpg.SnapshotRecovery) {
		out = append(out, cnpg.SnapshotRecovery)
	}
	return append(out, cnpg.MajorUpgrade)
}

// Cluster are the needs of the cluster's instances, jobs and poolers that other ones than these serve.
func (d *Deriver) Cluster(cluster *cnpgv1.Cluster) []Need {
	c := clusterNeeds{Deriver: d, cluster: cluster}
	instances := Who{Kind: Instances}
	c.always(instances, "")
	for _, role := range d.Jobs(cluster) {
		c.always(Who{Kind: Job, Job: role}, "")
	}
	for _, pooler := range d.poolersOf(cluster) {
		c.always(Who{Kind: Pooler, Pooler: pooler.Name}, pooler.Name)
	}
	c.backups()
	c.origin()
	c.externals()
	c.subscriptions()
	c.directories()
	c.names()
	return c.needs
}

// Designed are the needs that the cluster's spec has, whatever has come of it: those of the job that begins it are among
// them when that has ended, unless it is not known any more what it needed.
func (d *Deriver) Designed(cluster *cnpgv1.Cluster) []Need {
	current := d.Cluster(cluster)
	if !cnpg.Bootstrapped(cluster) {
		return current
	}
	out := slices.Clone(current)
	begins := cluster.DeepCopy()
	begins.Status = cnpgv1.ClusterStatus{}
	for _, need := range d.Cluster(begins) {
		former := need.Who.Kind == Job && !slices.ContainsFunc(current, func(n Need) bool { return n.Who == need.Who })
		if former && !slices.ContainsFunc(need.Peers, func(p Peer) bool { return p.Unknown != "" }) {
			out = append(out, need)
		}
	}
	return out
}

// clusterNeeds collects the needs of one cluster.
type clusterNeeds struct {
	*Deriver
	cluster *cnpgv1.Cluster
	needs   []Need
}

func (c *clusterNeeds) source(path string) Source {
	return Source{Kind: "Cluster", Namespace: c.cluster.Namespace, Name: c.cluster.Name, Path: path}
}

// mostNeeds is how many needs are derived from one cluster, and how many servers one of them may name. Nobody has as many, and an
// object has room for a hundred thousand.
const mostNeeds = 1000

// add adds a need. Beyond the most there can be, a last one says that there are more.
func (c *clusterNeeds) add(need Need) {
	switch {
	case len(c.needs) == mostNeeds:
		why := fmt.Sprintf("the cluster needs more than %d connections, and no more are looked at", mostNeeds)
		need = Need{Flow: External, Who: need.Who, What: "what else the cluster needs", Source: c.source("spec"), Peers: []Peer{{Unknown: why}}}
	case len(c.needs) > mostNeeds:
		return
	}
	c.needs = append(c.needs, need)
}

// tooMany is the peer that stands for more servers than one need may name.
func tooMany(servers int) []Peer {
	return []Peer{{Unknown: fmt.Sprintf("they are %d servers, and more than %d are not looked at", servers, mostNeeds)}}
}

// always adds what everything that CloudNativePG starts needs.
func (c *clusterNeeds) always(who Who, pooler string) {
	source := c.source("")
	if pooler != "" {
		source = Source{Kind: "Pooler", Namespace: c.cluster.Namespace, Name: pooler}
	}
	c.add(Need{Flow: APIServer, Who: who, What: "the API server", Peers: c.apiServers, Which: c.which, Source: source})
}

// names adds DNS for whoever connects by a name: replicas and poolers to the Service of the primary, and all
// that have a name or a Service as a peer.
func (c *clusterNeeds) names() {
	byName := map[Who]Source{}
	var order []Who
	need := func(who Who, source Source) {
		if _, ok := byName[who]; !ok {
			byName[who] = source
			order = append(order, who)
		}
	}
	if c.cluster.Spec.Instances > 1 {
		need(Who{Kind: Instances}, c.source("spec.instances"))
		need(Who{Kind: Job, Job: cnpg.Join}, c.source("spec.instances"))
	}
	for _, pooler := range c.poolersOf(c.cluster) {
		need(Who{Kind: Pooler, Pooler: pooler.Name}, Source{Kind: "Pooler", Namespace: pooler.Namespace, Name: pooler.Name, Path: "spec.cluster.name"})
	}
	for i := range c.needs {
		n := &c.needs[i]
		named := n.Flow == ObjectStore || n.Flow == External
		if named && slices.ContainsFunc(n.Peers, func(p Peer) bool { return p.Name != "" || len(p.Pods) > 0 || p.Unknown != "" }) {
			need(n.Who, n.Source)
		}
	}
	for _, who := range order {
		c.needs = append(c.needs, c.lookups(who, byName[who])...)
	}
}

func (d *Deriver) poolersOf(cluster *cnpgv1.Cluster) []*cnpgv1.Pooler {
	return d.poolers[types.NamespacedName{Namespace: cluster.Namespace, Name: cluster.Name}]
}

// originOf is the backup that the cluster begins from; nil when there is none, or it was not seen.
func (d *Deriver) originOf(cluster *cnpgv1.Cluster) *cnpgv1.Backup {
	b := cluster.Spec.Bootstrap
	if b == nil || b.Recovery == nil || b.Recovery.Backup == nil {
		return nil
	}
	return d.backups[types.NamespacedName{Namespace: cluster.Namespace, Name: b.Recovery.Backup.Name}]
}

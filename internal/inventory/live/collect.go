package live

import (
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/decode"
)

// Options say which clusters are wanted.
type Options struct {
	// Namespace is the namespace of the wanted clusters and poolers; empty means all.
	Namespace string
	// Names are the wanted clusters' names; empty means all. Other clusters, and poolers of
	// others, are left out of the inventory; their pods are not.
	Names []string
	// OperatorNamespace overrides the detection of the operator.
	OperatorNamespace string
	// Around are the only namespaces in which pods, endpoints and policies are read; nil means all.
	// It is for a question about both ends of a connection: the inventory then tells nothing of
	// anybody else, and has no operators.
	Around []string
	// Timeout, when set, bounds each request that Watch makes, but for the watching itself. The clients
	// must have none then: it would end the watching as well. Without it, lists take what they take, and
	// other answers are waited for for a few seconds.
	Timeout time.Duration
	// Words, when set, words the error of a request of Watch's that the server did not answer.
	Words func(error) string
	// Progress, when set, is told about each kind that has been read, and the number of objects.
	// It may be called from several goroutines at once.
	Progress func(resource string, objects int)
}

// Collect reads what is there. Peers of a database can be anywhere, so that everything but
// clusters and poolers is read in all namespaces, unless o.Around names some; where that is
// forbidden, in o.Namespace.
//
// What can't be had goes into Missing. The error is one that leaves no inventory: the server can't
// be reached, doesn't accept the credentials, or ctx is done.
func Collect(ctx context.Context, clients Clients, o Options) (*inventory.Inventory, error) {
	c := newCollector(clients, o)
	collect := c.collect
	if o.Around != nil {
		collect = c.collectAround
	}
	if err := collect(ctx); err != nil {
		if ctx.Err() != nil {
			// Whatever failed first, it failed because the caller gave up.
			return nil, context.Cause(ctx)
		}
		return nil, err
	}
	return c.finish(), nil
}

// collector fills one inventory. Each part of the inventory is written by one goroutine; what
// several write is behind mu.
type collector struct {
	clients Clients
	options Options
	decoder *decode.Decoder
	inv     *inventory.Inventory
	// agents are Cilium's DaemonSets.
	agents []agent
	// known are pods of which only the metadata has been read.
	known []inventory.Pod

	mu sync.Mutex
	// policies are the policies of each of the four kinds.
	policies [4][]inventory.Policy
	// slices are the EndpointSlices of each Service.
	slices map[serviceName][]*discoveryv1.EndpointSlice
}

func newCollector(clients Clients, o Options) *collector {
	return &collector{
		clients: clients, options: o, decoder: decode.NewDecoder(),
		inv: &inventory.Inventory{
			Origin: inventory.Live, Settings: inventory.DefaultSettings(),
			Endpoints: map[types.NamespacedName]inventory.Endpoint{},
		},
	}
}

func (c *collector) collect(ctx context.Context) error {
	group, groupCtx := errgroup.WithContext(ctx)
	for _, r := range slices.Concat(c.inNamespaces(), c.once(), c.needs(), []resource{c.deployments(), c.outlines()}) {
		group.Go(func() error { return c.read(groupCtx, r) })
	}
	group.Go(func() error { return c.readMembers(groupCtx) })
	group.Go(func() error { return c.readSettings(groupCtx) })
	if err := group.Wait(); err != nil {
		return err
	}
	group, groupCtx = errgroup.WithContext(ctx)
	group.Go(func() error { return c.readReferred(groupCtx) })
	group.Go(func() error { return c.completePods(groupCtx) })
	if err := group.Wait(); err != nil {
		return err
	}
	return c.findOperators(ctx)
}

func (c *collector) finish() *inventory.Inventory {
	inv := c.inv
	for _, p := range c.policies {
		inv.Policies = append(inv.Policies, p...)
	}
	for _, found := range c.slices {
		inv.EndpointSlices = append(inv.EndpointSlices, found...)
	}
	unseen := func(resource string) bool {
		return slices.ContainsFunc(inv.Unseen, func(m inventory.Missing) bool { return m.Resource == resource })
	}
	inv.AllServices = c.options.Around == nil && !unseen("services")
	inv.AllCIDRGroups = !unseen(cidrGroups().GroupResource().String())
	inv.Operators = inventory.SelectOperators(inv.Operators, c.options.OperatorNamespace)
	inv.AddExpected()
	c.selectClusters()
	if !inv.Settings.ClusterNetworkPolicy {
		// Cilium doesn't look at them, so that nothing is missing without them.
		inv.Missing = slices.DeleteFunc(inv.Missing, func(m inventory.Missing) bool {
			return m.Resource == clusterNetworkPolicies().GroupResource().String()
		})
	}
	inv.Finish()
	return inv
}

// selectClusters leaves out the clusters that are not asked for, and their poolers.
func (c *collector) selectClusters() {
	if len(c.options.Names) == 0 {
		return
	}
	inv := c.inv
	kept := inv.Clusters[:0]
	for _, cluster := range inv.Clusters {
		if slices.Contains(c.options.Names, cluster.Name) {
			kept = append(kept, cluster)
		} else {
			inv.Others = append(inv.Others, cluster)
		}
	}
	inv.Clusters = kept
	poolers := inv.Poolers[:0]
	for _, p := range inv.Poolers {
		if slices.Contains(c.options.Names, p.Spec.Cluster.Name) {
			poolers = append(poolers, p)
		}
	}
	inv.Poolers = poolers
}

func (c *collector) missing(m inventory.Missing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inv.Missing = append(c.inv.Missing, m)
}

func (c *collector) progress(resource string, objects int) {
	if c.options.Progress != nil {
		c.options.Progress(resource, objects)
	}
}

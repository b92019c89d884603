// Package sessions asks the instances of databases and their poolers who is connected to them now, by commands
// in their containers. It reads views that every PostgreSQL and PgBouncer has, and nothing of anybody's data.
package sessions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe"
)

// Source is what the coverage calls the sessions.
const Source = "sessions of instances and poolers"

// Exec runs a command in a container of a pod, and returns what it writes to stdout.
type Exec func(ctx context.Context, pod types.NamespacedName, container string, command []string) (string, error)

// atOnce is how many pods are asked at once.
const atOnce = 4

// Options say how to ask.
type Options struct {
	// Now is the time.
	Now time.Time
	// Patience is how long one pod may take.
	Patience time.Duration
}

// Read asks each pod of the cluster that runs. Those that do not answer are in the coverage; the error is that of
// a ctx that is done.
func Read(ctx context.Context, exec Exec, inv *inventory.Inventory, cluster types.NamespacedName, o Options) (observe.Evidence, error) {
	addresses := observe.AddressesOf(inv)
	var mu sync.Mutex
	var out observe.Evidence
	silent := map[string][]string{}
	answered := 0
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i := range inv.Pods {
		p := &inv.Pods[i]
		member := p.Namespace == cluster.Namespace && p.Labels[cnpg.ClusterLabel] == cluster.Name
		role := p.Labels[cnpg.PodRoleLabel]
		if !member || p.Expected || p.Phase != corev1.PodRunning || role != cnpg.InstancePodRole && role != cnpg.PoolerPodRole {
			continue
		}
		group.Go(func() error {
			rows, err := ask(groupCtx, exec, p, o.Patience)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				reason := why(err, o.Patience)
				silent[reason] = append(silent[reason], p.Name)
				return nil
			}
			answered++
			for _, s := range rows {
				s.Target.Cluster = cluster
				var known bool
				if s.Client, known = addresses.Client(s.Client.Address, p.HostIP, cluster); known {
					out.Sessions = append(out.Sessions, s)
				}
			}
			return nil
		})
	}
	_ = group.Wait() // None of them fails: who does not answer is a problem of the coverage.
	if ctx.Err() != nil {
		return observe.Evidence{}, context.Cause(ctx)
	}
	slices.SortFunc(out.Sessions, func(a, b observe.Session) int { return cmp.Or(a.Client.Compare(b.Client), a.Target.Compare(b.Target)) })
	coverage := observe.Coverage{Kind: v1alpha1.EvidenceSessions}
	if answered > 0 {
		coverage.Source, coverage.From, coverage.To = Source, o.Now, o.Now
	}
	switch {
	case len(silent) > 0:
		coverage.Missing = problems(silent)
		if len(silent[forbidden]) > 0 {
			coverage.Remedy = command.Words("The role that lets one ask them:").Run(command.Plugin("rbac", "observe"))
		}
	case answered == 0:
		coverage.Missing = "not looked at: no pod of the cluster runs"
	}
	out.Coverage = []observe.Coverage{coverage}
	return out, nil
}

// problems are the pods that have not answered, by the reason.
func problems(silent map[string][]string) string {
	var out []string
	for reason, pods := range silent {
		slices.Sort(pods)
		noun := "pod "
		if len(pods) > 1 {
			noun = "pods "
		}
		out = append(out, noun+strings.Join(pods, ", ")+": "+reason)
	}
	slices.Sort(out)
	return strings.Join(out, "; ")
}

// forbidden is the reason for which there is a role.
const forbidden = "to run a command in it is forbidden"

// why is an error in short. What the server says when it refuses a stream is no status that could be told apart.
func why(err error, patience time.Duration) string {
	if apierrors.IsForbidden(err) || strings.Contains(err.Error(), "is forbidden: ") {
		return forbidden
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("no answer in %s", patience)
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}

// ask asks a pod. The sessions have the addresses of their clients, and no cluster.
func ask(ctx context.Context, exec Exec, p *inventory.Pod, patience time.Duration) ([]observe.Session, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if p.Labels[cnpg.PodRoleLabel] == cnpg.PoolerPodRole {
		text, err := exec(ctx, p.Key(), poolerContainer, poolerCommand())
		if err != nil {
			return nil, err
		}
		rows, err := poolerSessions(text)
		for i := range rows {
			rows[i].Target.Of.Pooler = p.Labels[cnpg.PoolerNameLabel]
		}
		return rows, err
	}
	text, err := exec(ctx, p.Key(), instanceContainer, instanceCommand())
	if err != nil {
		return nil, err
	}
	return instanceSessions(text)
}

// session is one of a client at an address.
func session(address, user, database string, number int, oldest time.Time) (observe.Session, bool) {
	addr, err := netip.ParseAddr(address)
	if err != nil {
		return observe.Session{}, false // By way of the pod's own socket.
	}
	return observe.Session{
		Client: observe.Client{Address: addr}, Target: observe.Target{Port: cnpg.PostgresPort},
		Number: number, Oldest: oldest, Users: []string{user}, Databases: []string{database},
	}, true
}

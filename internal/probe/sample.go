package probe

import (
	"slices"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// sampleSize is how many workloads are tried of those who keep their access, and of those who lose it.
const sampleSize = 3

// OfChange is the plan that tries a change after it was made: a sample of the workloads that keep or gain access and of those
// that lose it, and what the cluster needs as far as it can be tried: the operator, its pods among each other, and poolers, and where
// policies restrict what these open, what they reach and what they must not. The model is that of what is there afterwards; get it from
// Known.
func OfChange(m *model.Model, c *model.Cluster, preview v1alpha1.ChangePreview) Plan {
	p := Plan{Cluster: c.Key()}
	for _, list := range [][]v1alpha1.ClientChange{slices.Concat(preview.Access.Gains, preview.Access.Keeps), preview.Access.Loses} {
		p.Clients = append(p.Clients, sampled(m, c, list, p.Clients)...)
	}
	p.Clients = append(p.Clients, needed(m, c)...)
	return p.outward(m, c).withControls(m, c)
}

// sampled are clients of the first workloads of a list, which are no operators and have not been taken yet.
func sampled(m *model.Model, c *model.Cluster, list []v1alpha1.ClientChange, taken []Client) []Client {
	var out []Client
	for _, change := range list {
		if change.Entity != "" || len(out) == sampleSize {
			continue
		}
		pods := podsOf(m, change.Namespace, change.Workload)
		pod, found := fittest(m, pods)
		same := func(have Client) bool { return found && have.Pod == m.Pod(pod).Key() }
		if !found || slices.ContainsFunc(taken, same) || slices.ContainsFunc(out, same) || isOperator(m, pod) {
			continue
		}
		client := clientOf(m, pod, change.Workload)
		client.Connections = connectionsOf(m, c, pod)
		if client.Unfit == "" && len(client.Connections) > 0 {
			out = append(out, client)
		}
	}
	return out
}

// podsOf are the pods of a workload.
func podsOf(m *model.Model, namespace, workload string) []int {
	var out []int
	for i := range m.Inventory().Pods {
		if pod := m.Pod(i); pod.Namespace == namespace && pod.Workload.String() == workload {
			out = append(out, i)
		}
	}
	return out
}

func isOperator(m *model.Model, pod int) bool {
	p := m.Pod(pod)
	return m.HasOperator(p.Namespace) && p.Labels["app.kubernetes.io/name"] == "cloudnative-pg"
}

// connectionsOf are those of a client to PostgreSQL: of each instance, and of each pooler's pods.
func connectionsOf(m *model.Model, c *model.Cluster, from int) []Connection {
	var out []Connection
	for _, member := range c.Members {
		if member.IsInstance() || member.Role == v1alpha1.RolePooler {
			out = append(out, between(m, from, member.Pod, cnpg.PostgresPort)...)
		}
	}
	return out
}

// between is the connection from one pod to another, with the engine's verdict.
func between(m *model.Model, from, to int, port uint16) []Connection {
	if from == to {
		return nil
	}
	if one, ok := connectionTo(m, to, port, settled(m, from, to, port)); ok {
		return []Connection{one}
	}
	return nil
}

// settled is the engine's verdict for two pods, unknown while Cilium does not enforce its policies at one of them yet.
func settled(m *model.Model, from, to int, port uint16) v1alpha1.Verdict {
	if m.Unsettled(to) != "" || m.Unsettled(from) != "" {
		return v1alpha1.VerdictUnknown
	}
	return m.Between(m.EndOf(from, ""), m.EndOf(to, ""), port).Verdict
}

// needed are those whom the cluster needs: its operators to the status port, its instances to each other, and its poolers to
// the instances.
func needed(m *model.Model, c *model.Cluster) []Client {
	var out []Client
	add := func(pod int, name string, ports ...uint16) {
		client := clientOf(m, pod, name)
		for _, to := range c.Instances() {
			for _, port := range ports {
				client.Connections = append(client.Connections, between(m, pod, to.Pod, port)...)
			}
		}
		if len(client.Connections) > 0 {
			out = append(out, client)
		}
	}
	for i := range m.Inventory().Pods {
		if isOperator(m, i) {
			add(i, "the operator", cnpg.StatusPort)
			break
		}
	}
	poolers := map[string]bool{}
	for _, member := range c.Members {
		pod := m.Pod(member.Pod)
		switch {
		case pod.Expected:
		case member.IsInstance():
			add(member.Pod, "pod/"+pod.Name, cnpg.PostgresPort, cnpg.StatusPort)
		case member.Role == v1alpha1.RolePooler && !poolers[pod.Labels[cnpg.PoolerNameLabel]]:
			poolers[pod.Labels[cnpg.PoolerNameLabel]] = true
			add(member.Pod, "pooler/"+pod.Labels[cnpg.PoolerNameLabel], cnpg.PostgresPort)
		}
	}
	return out
}

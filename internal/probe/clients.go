package probe

import (
	"cmp"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// The containers of CloudNativePG's pods in which commands run: specs.PostgresContainerName and pgbouncer's own.
const (
	instanceContainer = "postgres"
	poolerContainer   = "pgbouncer"
)

// clientOf is the client that a pod of the inventory is, without connections.
func clientOf(m *model.Model, pod int, name string) Client {
	p := m.Pod(pod)
	c := Client{Name: cmp.Or(name, "pod/"+p.Name), Pod: p.Key(), Endpoint: m.Inventory().Endpoints[p.Key()], ServiceAccount: p.ServiceAccount}
	switch {
	case p.Expected:
		c.Unfit = "no pod of it runs"
	case p.HostNetwork:
		c.Unfit = "it is on its node's network, and has no identity of its own"
	case m.IsUnmanaged(pod):
		c.Unfit = "Cilium does not manage it, so that it has no identity"
	case !c.Endpoint.Identified():
		c.Unfit = "Cilium has not given it an identity"
	case m.MemberOf(pod) != nil && p.Phase != corev1.PodRunning:
		c.Unfit = "it does not run"
	case m.MemberOf(pod) != nil:
		c.Container, c.Unfit = containerOf(p.Labels)
	default:
		if _, err := labelsOf(c); err != nil {
			c.Unfit = err.Error()
		}
	}
	return c
}

// containerOf is where commands run in a pod of a cluster, or why there is none.
func containerOf(labels map[string]string) (container, unfit string) {
	switch labels[cnpg.PodRoleLabel] {
	case cnpg.InstancePodRole:
		return instanceContainer, ""
	case cnpg.PoolerPodRole:
		return poolerContainer, ""
	}
	return "", "it is a job, which has no time to be asked"
}

// connectionTo is the connection to a pod; false for one that has no address to connect to.
func connectionTo(m *model.Model, pod int, port uint16, expected v1alpha1.Verdict) (Connection, bool) {
	p := m.Pod(pod)
	if p.Expected || p.Phase != corev1.PodRunning || len(p.Addresses) == 0 || port == 0 {
		return Connection{}, false
	}
	return Connection{
		To: "pod/" + p.Name, Address: p.Addresses[0], Port: port, PostgreSQL: port == cnpg.PostgresPort, Expected: expected,
	}, true
}

// worst is the verdict of connections of which somebody behind a Service takes one.
func worst(connections []Connection) (v1alpha1.Verdict, bool) {
	for _, c := range connections[1:] {
		if c.Expected != connections[0].Expected {
			return v1alpha1.VerdictUnknown, false
		}
	}
	return connections[0].Expected, true
}

// nobody says what is missing of a source.
func nobody(name string) string {
	return fmt.Sprintf("no pod of %s runs whose identity a connection could have", name)
}

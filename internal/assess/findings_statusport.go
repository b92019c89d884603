package assess

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/cilium/pkg/labels"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// statusPortFindings are about others than the operator and the cluster itself who reach the port through which
// the operator manages an instance. Operators older than 1.30 leave its control endpoints open to whoever
// reaches it (GHSA-7qwx-x8ff-3px9). Where no policy restricts anything, NO_DEFAULT_DENY says so.
func statusPortFindings(m *model.Model, c *model.Cluster, _ *v1alpha1.IsolationReport) []v1alpha1.Finding {
	release, old := oldOperator(m)
	if !old || !m.Enforces() {
		return nil
	}
	for _, t := range protectedTargets(m, c) {
		if t.Port != cnpg.StatusPort {
			continue
		}
		const most = 5
		answers := answersOf(m, c, t.Target, &dependencies{})
		who, clients := othersThanOperators(answers, most)
		a := answers.audience(most)
		if a.everybody {
			who, clients = []string{"every pod"}, 1
		}
		addEntities(m, &a.exposure, t.Target)
		for _, name := range a.exposure.Entities {
			// Nodes and the API server are let in for kubectl cnpg status.
			if !slices.Contains([]v1alpha1.Entity{v1alpha1.EntityHost, v1alpha1.EntityRemoteNode, v1alpha1.EntityKubeAPIServer, labels.IDNameHealth}, name) {
				who, clients = append(who, name.Short()), clients+1
			}
		}
		if len(who) == 0 {
			continue
		}
		if clients > most {
			who = append(who[:most], fmt.Sprintf("%d more", clients-most))
		}
		return []v1alpha1.Finding{finding(v1alpha1.StatusPortExposed, v1alpha1.SeverityWarning,
			fmt.Sprintf("others than the operator and the cluster's own pods can connect to port %d of the instances, whose control endpoints are open to whoever reaches them before CloudNativePG 1.30 (GHSA-7qwx-x8ff-3px9); the operator is %s: %s",
				cnpg.StatusPort, release, strings.Join(who, ", ")),
			command.Wordsf("Limit the rules that let them in to port %d, or upgrade the operator.", cnpg.PostgresPort))}
	}
	return nil
}

// othersThanOperators are the first workloads that can connect, where no operator runs, and the number of all of these.
func othersThanOperators(a *answers, most int) (first []string, all int) {
	operators := map[int]bool{}
	for _, op := range a.m.Operators() {
		from, to := a.m.WorkloadsIn(op.Namespace)
		for w := from; w < to; w++ {
			if isOperator(a.m, a.m.Fleet().Workloads[w]) && a.connects(w) {
				operators[w] = true
			}
		}
	}
	for _, client := range a.clients(most + len(operators)) {
		if len(first) < most && !isOperator(a.m, client.Client) {
			first = append(first, client.Namespace+"/"+client.Workload)
		}
	}
	return first, a.workloads() - len(operators)
}

// oldOperator is the release of an operator older than 1.30, by the tag of its image; false where no tag says so.
func oldOperator(m *model.Model) (string, bool) {
	for _, op := range m.Operators() {
		image, _, _ := strings.Cut(op.Image, "@")
		tag := image[strings.LastIndexByte(image, '/')+1:]
		_, tag, _ = strings.Cut(tag, ":")
		release, err := version.ParseGeneric(tag)
		if err == nil && release.LessThan(version.MajorMinor(1, 30)) {
			return tag, true
		}
	}
	return "", false
}

// isOperator tells whether the workload is where an operator runs.
func isOperator(m *model.Model, client v1alpha1.Client) bool {
	return slices.ContainsFunc(m.Operators(), func(op model.Operator) bool {
		return op.Namespace == client.Namespace && (op.Deployment == "" || "deployment/"+op.Deployment == client.Workload)
	})
}

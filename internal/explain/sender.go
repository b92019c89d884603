package explain

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/cnpg"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/model"
)

// Sender is who of a database wants to reach something: its instances, unless it names a pooler or a job.
type Sender struct {
	// Pooler is the name of a pooler, and Job the role of a job; both empty for the instances.
	Pooler string
	Job    cnpg.JobRole
}

const (
	senderPooler = "pooler/"
	senderJob    = "job/"
)

// SenderForms are all that ParseSender reads, without the names of poolers.
func SenderForms() []string {
	forms := []string{senderPooler}
	for _, role := range cnpg.JobRoles() {
		forms = append(forms, senderJob+string(role))
	}
	return forms
}

// ParseSender reads pooler/NAME and job/ROLE; empty for the instances.
func ParseSender(text string) (Sender, error) {
	const forms = "pooler/NAME or job/ROLE, or leave it out for the instances"
	if text == "" {
		return Sender{}, nil
	}
	if name, ok := strings.CutPrefix(text, senderPooler); ok {
		if problems := validation.IsDNS1123Subdomain(name); len(problems) > 0 {
			return Sender{}, fmt.Errorf("--from %q: %q can't be the name of a pooler: %s", text, name, withoutPattern(problems[0]))
		}
		return Sender{Pooler: name}, nil
	}
	name, ok := strings.CutPrefix(text, senderJob)
	if !ok {
		return Sender{}, fmt.Errorf("--from %q: use %s", text, forms)
	}
	if role := cnpg.JobRole(name); slices.Contains(cnpg.JobRoles(), role) {
		return Sender{Job: role}, nil
	}
	return Sender{}, fmt.Errorf("--from %q: no job has this role: use one of %s", text, strings.Join(SenderForms()[1:], ", "))
}

// Name is the sender as it is written.
func (s Sender) Name() string {
	switch {
	case s.Pooler != "":
		return senderPooler + s.Pooler
	case s.Job != "":
		return senderJob + string(s.Job)
	}
	return v1alpha1.Target{}.String()
}

// extra are the pods that the model has to know besides those that are there: that of a job.
func (s Sender) extra(cluster *cnpgv1.Cluster) []inventory.Pod {
	if s.Job == "" {
		return nil
	}
	serial := 1
	if s.Job == cnpg.Join || s.Job == cnpg.SnapshotRecovery && cnpg.Bootstrapped(cluster) {
		serial = max(cluster.Spec.Instances, cluster.Status.LatestGeneratedNode) + 1
	}
	return []inventory.Pod{inventory.ExpectedJob(cluster, serial, s.Job)}
}

// ends are the pods that the sender is, those to come included.
func (s Sender) ends(m *model.Model, c *model.Cluster) ([]model.End, error) {
	switch {
	case s.Pooler != "":
		poolers := m.Poolers(c)
		if len(poolers[s.Pooler]) == 0 {
			known := "it has none"
			if names := slices.Sorted(maps.Keys(poolers)); len(names) > 0 {
				known = "it has " + strings.Join(names, ", ")
			}
			return nil, fmt.Errorf("no pod of a pooler %q of cluster %q could be seen: %s", s.Pooler, c.Object.Name, known)
		}
		return m.Ends(poolers[s.Pooler]), nil
	case s.Job != "":
		running := slices.DeleteFunc(slices.Clone(c.Members), func(member model.Member) bool {
			return member.Role != v1alpha1.RoleJob || m.Pod(member.Pod).Labels[cnpg.JobRoleLabel] != string(s.Job)
		})
		return append(m.Ends(running), model.End{Identity: m.ExtraOf(s.extra(c.Object)[0]), Name: "the next job " + string(s.Job)}), nil
	}
	return append(m.Ends(c.Instances()), model.End{Identity: c.NextInstance, Name: "the next instance"}), nil
}

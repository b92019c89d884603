package explain

import (
	"errors"
	"slices"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/plugin/kit"
)

func TestCompleteOutbound(t *testing.T) {
	o, completed, validated := given(t, "orders", "--to", "external objects.example.com", "--port", "443", "--from", "job/join", "--why-not")
	if completed != nil || validated != nil || !o.outbound || o.name != "orders" || o.target.Name() != "external objects.example.com" ||
		o.target.PortSuffix() != ":443" || o.sender.Name() != "job/join" {
		t.Errorf("got %+v, %v, %v", o, completed, validated)
	}
}

func TestWhatCompleteOutboundRefuses(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"no cluster", []string{"--to", "dns"}, "the cluster is missing: explain CLUSTER --to TARGET"},
		{"a source", []string{"world", "orders", "--to", "dns"}, `with --to, explain takes the cluster alone: "orders" is too much`},
		{"a pod that does not exist", []string{"orders", "--to", "dns", "-l", "a=b"},
			"--labels describes who connects to the cluster, and with --to the cluster connects: leave one of them out"},
		{"a pooler", []string{"orders", "--to", "dns", "--pooler", "rw"},
			"--pooler asks who can connect to a pooler: with --to, a pooler that connects is --from pooler/rw"},
		{"a port of DNS", []string{"orders", "--to", "dns", "--port", "53"}, "--port says nothing about dns: its ports are where it is found"},
		{"two ports", []string{"orders", "--to", "10.0.0.1:80", "--port", "81"}, `target "10.0.0.1:80" has a port already: leave out --port`},
		{"from without to", []string{"world", "orders", "--from", "job/join"},
			"--from says who of the cluster connects to what --to names: leave it out, or add --to"},
		{"a role that no job has", []string{"orders", "--to", "dns", "--from", "job/x"},
			`--from "job/x": no job has this role: use one of job/initdb, job/import, job/pgbasebackup, job/full-recovery, job/snapshot-recovery, job/join, job/major-upgrade`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err, _ := given(t, test.args...)
			if usage := (kit.UsageError{}); err == nil || err.Error() != test.want || !errors.As(err, &usage) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestCompletionOfTargets(t *testing.T) {
	o, _, _ := given(t, "orders")
	targets, _ := o.completeTarget(nil, nil, "")
	senders, _ := o.completeSender(nil, nil, "")
	if !slices.Contains(targets, "api-server") || !slices.Contains(senders, "job/import") {
		t.Errorf("got %v, %v", targets, senders)
	}
}

package sessions_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe/sessions"
)

func cluster() types.NamespacedName { return types.NamespacedName{Namespace: "shop", Name: "db"} }

func pod(name, address, role string, more ...string) inventory.Pod {
	p := inventory.Pod{
		Namespace: "shop", Name: name, HostIP: "192.168.0.1", Phase: corev1.PodRunning, Addresses: []netip.Addr{netip.MustParseAddr(address)},
		Labels: map[string]string{}, Workload: inventory.Workload{Kind: "deployment", Name: strings.TrimRight(name, "-123")},
	}
	if role != "" {
		p.Labels = map[string]string{"cnpg.io/cluster": "db", "cnpg.io/podRole": role, "cnpg.io/poolerName": strings.Join(more, "")}
	}
	return p
}

func inv() *inventory.Inventory {
	pending := pod("db-2", "10.0.0.2", "instance")
	pending.Phase = corev1.PodPending
	elsewhere := pod("web-2", "10.0.0.6", "")
	elsewhere.HostIP = "192.168.0.2"
	return &inventory.Inventory{Pods: []inventory.Pod{
		pod("db-1", "10.0.0.1", "instance"), pending, pod("rw-1", "10.0.0.3", "pooler", "rw"), pod("web-1", "10.0.0.5", ""), elsewhere,
	}}
}

// answers are what pods say.
type answers map[string]string

func (a answers) exec(_ context.Context, pod types.NamespacedName, container string, command []string) (string, error) {
	answer, known := a[container+" in "+pod.Name]
	switch {
	case !known:
		return "", errors.New("unexpected: " + container + " in " + pod.Name)
	case command[0] != "psql":
		return "", errors.New("unexpected: " + command[0])
	case answer == "forbidden":
		return "", apierrors.NewForbidden(schema.GroupResource{Resource: "pods/exec"}, pod.Name, errors.New("no"))
	case strings.HasPrefix(answer, "error: "):
		return "", errors.New(answer[7:])
	}
	return answer, nil
}

const (
	instance = `{"address":"10.0.0.5","user":"app","database":"app","number":3,"began":1767348000}
{"address":"10.0.0.6","user":"admin","database":"app","number":1,"began":1767340000}
{"address":"10.0.0.3","user":"app","database":"app","number":9,"began":1767340000}
{"address":"192.168.0.1","user":"a","database":"b","number":1,"began":1767340000}
{"address":"192.168.0.2","user":"a","database":"b","number":1,"began":1767340000}
{"address":"203.0.113.7","user":"\u001b[2J","database":"b","number":1,"began":1767340000}
`
	pooler = `type,user,database,state,addr,port,connect_time
C,app,app,active,10.0.0.5,4711,2026-01-02 10:00:00 UTC
C,app,other,active,10.0.0.5,4712,2026-01-02 09:00:00 CET
C,pgbouncer,pgbouncer,active,unix,5432,2026-01-02 10:00:00 UTC
`
)

func read(t *testing.T, a answers) ([]string, observe.Coverage) {
	t.Helper()
	e, err := sessions.Read(t.Context(), a.exec, inv(), cluster(), sessions.Options{Now: time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC), Patience: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range e.Sessions {
		who := s.Client.Namespace + "/" + s.Client.Workload.String()
		if s.Client.Address.IsValid() {
			if who = string(s.Client.Entity); who == "" {
				who = "nobody"
			}
			who += " " + s.Client.Address.String()
		}
		oldest := "?"
		if !s.Oldest.IsZero() {
			oldest = s.Oldest.Format(time.TimeOnly)
		}
		got = append(got, strings.Join([]string{who, s.Target.Of.String(), strings.Repeat("I", s.Number), s.Users[0], s.Databases[0], oldest}, " "))
	}
	return got, e.Coverage[0]
}

// Addresses are pods, nodes or the world; the pooler's own sessions at the instances are no clients, and those at
// the pooler are.
func TestSessions(t *testing.T) {
	got, coverage := read(t, answers{"postgres in db-1": instance, "pgbouncer in rw-1": pooler})
	if diff := cmp.Diff([]string{
		"shop/deployment/web instances I admin app 07:46:40",
		"shop/deployment/web instances III app app 10:00:00",
		"shop/deployment/web pooler rw I app app 10:00:00",
		"shop/deployment/web pooler rw I app other ?",
		"host 192.168.0.1 instances I a b 07:46:40",
		"remote-node 192.168.0.2 instances I a b 07:46:40",
		"nobody 203.0.113.7 instances I \x1b[2J b 07:46:40",
	}, got, cmp.Transformer("sorted", func(in []string) map[string]bool {
		out := map[string]bool{}
		for _, s := range in {
			out[s] = true
		}
		return out
	})); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if len(coverage.Gaps()) > 0 || coverage.From.IsZero() {
		t.Errorf("%+v", coverage)
	}
}

// Who does not answer is said, and what the others say counts.
func TestNoAnswer(t *testing.T) {
	for want, a := range map[string]answers{
		"pod rw-1: to run a command in it is forbidden":                                                     {"postgres in db-1": instance, "pgbouncer in rw-1": "forbidden"},
		"pods db-1, rw-1: to run a command in it is forbidden":                                              {"postgres in db-1": "forbidden", "pgbouncer in rw-1": "forbidden"},
		"pods db-1, rw-1: to run a command in it is forbidden ":                                             {"postgres in db-1": `error: unable to upgrade: pods "db-1" is forbidden: User "a" cannot`, "pgbouncer in rw-1": "forbidden"},
		"pod rw-1: exec: psql: not found":                                                                   {"postgres in db-1": "", "pgbouncer in rw-1": "error: exec: psql:\nnot found"},
		"pod db-1: its answer is no list of sessions: invalid character 'W' looking for beginning of value": {"postgres in db-1": "WARNING", "pgbouncer in rw-1": pooler},
		`pod rw-1: its answer is no list of clients: there is no column "user"`:                             {"postgres in db-1": "", "pgbouncer in rw-1": "a,b\n1,2\n"},
		"pod rw-1: its answer is no list of clients: it is empty":                                           {"postgres in db-1": "", "pgbouncer in rw-1": ""},
	} {
		got, coverage := read(t, a)
		if strings.Join(coverage.Gaps(), "") != strings.TrimSpace(want) || strings.HasSuffix(coverage.Remedy.String(), "rbac observe") != strings.Contains(want, "forbidden") {
			t.Errorf("got  %s\nwant %s", coverage.Gaps(), want)
		}
		if a["postgres in db-1"] == instance && len(got) == 0 {
			t.Error("the instance has said who is connected")
		}
		if forbidden := strings.Contains(a["postgres in db-1"], "forbidden"); coverage.From.IsZero() != forbidden {
			t.Errorf("%+v", coverage)
		}
	}
	e, err := sessions.Read(t.Context(), answers{}.exec, &inventory.Inventory{}, cluster(), sessions.Options{})
	if err != nil || e.Coverage[0].Missing != "not looked at: no pod of the cluster runs" {
		t.Errorf("%+v, %v", e, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sessions.Read(ctx, answers{}.exec, inv(), cluster(), sessions.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

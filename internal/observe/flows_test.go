package observe_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe"

	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
)

// members are a cluster of which no pod is there any more: the flows say what their ends are.
func members(pods ...inventory.Pod) observe.Members {
	cluster := &cnpgv1.Cluster{}
	cluster.Namespace, cluster.Name = "default", "cluster-example"
	return observe.MembersOf(&inventory.Inventory{Clusters: []*cnpgv1.Cluster{cluster}, Pods: pods})
}

func reading(lines ...string) observe.Evidence {
	return readingSince(time.Time{}, members(), lines...)
}

func readingSince(since time.Time, m observe.Members, lines ...string) observe.Evidence {
	flows := observe.NewFlows(m, "test", since)
	for i, line := range lines {
		flows.Line(uint64(i+1), []byte(line))
	}
	return flows.Evidence()
}

// told are connections in short: who, to what, what was seen.
func told(e observe.Evidence) []string {
	var out []string
	for _, c := range e.Connections {
		who := c.Client.Namespace + "/" + c.Client.Workload.String()
		if c.Client.Entity != "" {
			who = strings.TrimSpace(fmt.Sprintf("%s %s", c.Client.Entity, c.Client.Address))
		}
		what := ""
		for _, part := range []struct {
			n    uint64
			name string
		}{{c.Opened, "opened"}, {c.Denied, "denied"}, {c.DeniedAtSource, "at source"}, {c.Audited, "audited"}, {c.ByDefault, "by default"}} {
			if part.n > 0 {
				what += fmt.Sprintf(" %s=%d", part.name, part.n)
			}
		}
		if c.Ongoing {
			what += " ongoing"
		}
		out = append(out, fmt.Sprintf("%s -> %s:%d%s", who, c.Target.Of, c.Target.Port, what))
	}
	return out
}

// Who connected in the recordings of a live cluster is what psql said there: the cluster's own connections,
// those of the kubelet and the second event of a connection do not count.
func TestRecordings(t *testing.T) {
	for name, want := range map[string][]string{
		"open": {
			"backend/pod/rep -> instances:5432 opened=1 ongoing",
			"default/pod/app -> instances:5432 opened=1 ongoing",
			"default/pod/web -> instances:5432 opened=2 ongoing",
		},
		"rehearsal": {
			"backend/pod/rep -> instances:5432 opened=1 by default=1 ongoing",
			"default/pod/app -> instances:5432 opened=1 ongoing",
			"default/pod/web -> instances:5432 opened=2 by default=2 ongoing",
		},
		"locked": {
			"backend/pod/rep -> instances:5432 denied=3",
			"default/pod/app -> instances:5432 opened=1 ongoing",
			"default/pod/web -> instances:5432 denied=6",
		},
	} {
		t.Run(name, func(t *testing.T) {
			content, err := os.ReadFile("testdata/flows-" + name + ".jsonl")
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(string(content)), "\n")
			e := reading(lines...)
			if diff := cmp.Diff(want, told(e)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			c := e.Coverage[0]
			if c.Events != uint64(len(lines)) || c.From.IsZero() || !c.From.Before(c.To) || len(c.Nodes) != 1 || len(c.Gaps()) > 0 {
				t.Errorf("coverage %+v", c)
			}
		})
	}
}

// flow is a flow to an instance, by default a new connection of a pod that is traced at the database.
type flow map[string]string

func (f flow) String() string {
	parts := map[string]string{
		"time":              `"2026-01-02T10:00:00Z"`,
		"source":            `{"namespace":"shop","pod_name":"web-1","labels":["k8s:app=web","k8s:io.kubernetes.pod.namespace=shop"],"workloads":[{"name":"web","kind":"Deployment"}]}`,
		"destination":       instance,
		"IP":                `{"source":"10.0.0.1"}`,
		"l4":                `{"TCP":{"source_port":40000,"destination_port":5432,"flags":{"SYN":true}}}`,
		"verdict":           `"FORWARDED"`,
		"event_type":        `{"type":4}`,
		"traffic_direction": `"INGRESS"`, "trace_observation_point": `"TO_ENDPOINT"`, "trace_reason": `"NEW"`, "is_reply": `false`,
	}
	for key, value := range f {
		parts[key] = value
	}
	var out []string
	for key, value := range parts {
		if value != "" {
			out = append(out, fmt.Sprintf("%q:%s", key, value))
		}
	}
	return "{" + strings.Join(out, ",") + "}"
}

const (
	instance = `{"namespace":"default","pod_name":"cluster-example-1","labels":["k8s:cnpg.io/cluster=cluster-example","k8s:cnpg.io/podRole=instance"]}`
	pooler   = `{"namespace":"default","pod_name":"rw-7-8","labels":["k8s:cnpg.io/cluster=cluster-example","k8s:cnpg.io/podRole=pooler","k8s:cnpg.io/poolerName=rw"]}`
	toPort   = `{"TCP":{"destination_port":%d,"flags":{"SYN":true}}}`
)

func TestFlows(t *testing.T) {
	for name, test := range map[string]struct {
		flows []flow
		want  string
	}{
		"a new connection":      {[]flow{{}}, "shop/deployment/web -> instances:5432 opened=1"},
		"each once":             {[]flow{{}, {"event_type": `{"type":5}`, "trace_observation_point": "", "trace_reason": ""}}, "shop/deployment/web -> instances:5432 opened=1"},
		"twice":                 {[]flow{{}, {}}, "shop/deployment/web -> instances:5432 opened=2"},
		"an old one":            {[]flow{{"trace_reason": `"ESTABLISHED"`, "l4": `{"TCP":{"destination_port":5432,"flags":{"ACK":true}}}`}}, "shop/deployment/web -> instances:5432 ongoing"},
		"a reply":               {[]flow{{"is_reply": "true"}}, ""},
		"on its way":            {[]flow{{"trace_observation_point": `"FROM_ENDPOINT"`}}, "shop/deployment/web -> instances:5432"},
		"let out":               {[]flow{{"event_type": `{"type":5}`, "traffic_direction": `"EGRESS"`}}, "shop/deployment/web -> instances:5432"},
		"dropped":               {[]flow{{"verdict": `"DROPPED"`, "event_type": `{"type":5}`}, {"verdict": `"DROPPED"`, "event_type": `{"type":1}`}}, "shop/deployment/web -> instances:5432 denied=1"},
		"dropped at the source": {[]flow{{"verdict": `"DROPPED"`, "event_type": `{"type":1}`, "traffic_direction": `"EGRESS"`}}, "shop/deployment/web -> instances:5432 denied=1 at source=1"},
		"audited":               {[]flow{{"verdict": `"AUDIT"`, "event_type": `{"type":5}`}}, "shop/deployment/web -> instances:5432 audited=1"},
		"aggregated":            {[]flow{{"aggregate": `{"ingress_flow_count":40,"egress_flow_count":2}`}}, "shop/deployment/web -> instances:5432 opened=42"},
		"a pooler":              {[]flow{{"destination": pooler}}, "shop/deployment/web -> pooler rw:5432 opened=1"},
		"the pooler itself":     {[]flow{{"source": pooler}}, ""},
		"metrics":               {[]flow{{"l4": fmt.Sprintf(toPort, 9187)}}, "shop/deployment/web -> instances:9187 opened=1"},
		"metrics of a pooler":   {[]flow{{"destination": pooler, "l4": fmt.Sprintf(toPort, 9127)}}, "shop/deployment/web -> pooler rw:9127 opened=1"},
		"not its metrics":       {[]flow{{"destination": pooler, "l4": fmt.Sprintf(toPort, 9187)}}, ""},
		"the status port":       {[]flow{{"l4": fmt.Sprintf(toPort, 8000)}}, ""},
		"a port that is none":   {[]flow{{"l4": fmt.Sprintf(toPort, 65536+5432)}}, ""},
		"UDP":                   {[]flow{{"l4": `{"UDP":{"destination_port":5432}}`}}, ""},
		"another database":      {[]flow{{"destination": strings.Replace(instance, "=cluster-example", "=other", 1)}}, ""},
		"one elsewhere":         {[]flow{{"destination": strings.Replace(instance, `"default"`, `"other"`, 1)}}, ""},
		"no database":           {[]flow{{"destination": `{"namespace":"default","pod_name":"web","labels":["k8s:cnpg.io/cluster=cluster-example"]}`}}, ""},
		"the world":             {[]flow{{"source": `{"labels":["reserved:world"]}`, "IP": `{"source":"203.0.113.7"}`}}, "world 203.0.113.7 -> instances:5432 opened=1"},
		"the node":              {[]flow{{"source": `{"labels":["reserved:host","reserved:kube-apiserver"]}`}}, "host 10.0.0.1 -> instances:5432 opened=1"},
		"nobody knows":          {[]flow{{"source": ""}}, "world 10.0.0.1 -> instances:5432 opened=1"},
		"a pod without owner":   {[]flow{{"source": `{"namespace":"shop","pod_name":"psql"}`}}, "shop/pod/psql -> instances:5432 opened=1"},
		"let in by a policy":    {[]flow{{"event_type": `{"type":5}`, "ingress_allowed_by": `[{"name":"ours"}]`}}, "shop/deployment/web -> instances:5432 opened=1"},
		"let in by none":        {[]flow{{"event_type": `{"type":5}`, "ingress_allowed_by": `[{"labels":["reserved:io.cilium.policy.derived-from=allow-any-ingress"]}]`}}, "shop/deployment/web -> instances:5432 opened=1 by default=1"},
		"our own probe":         {[]flow{{"source": `{"namespace":"shop","pod_name":"cnpg-netpol-twin-x-0"}`}}, ""},
		"a CronJob":             {[]flow{{"source": `{"namespace":"shop","pod_name":"n-1","workloads":[{"name":"n","kind":"CronJob"}]}`}}, "shop/cronjob/n -> instances:5432 opened=1"},
	} {
		t.Run(name, func(t *testing.T) {
			var lines []string
			for _, f := range test.flows {
				lines = append(lines, fmt.Sprintf(`{"flow":%s,"node_name":"n"}`, f))
			}
			e := reading(lines...)
			if got := strings.Join(told(e), "; "); got != test.want || e.Coverage[0].Unread > 0 {
				t.Errorf("got  %s\nwant %s\n%+v", got, test.want, e.Coverage[0])
			}
			if test.want != "" && strings.Contains(test.want, "=") != (e.Connections[0].Used() || e.Connections[0].Denied > 0) && !e.Connections[0].Ongoing {
				t.Errorf("used: %t", e.Connections[0].Used())
			}
		})
	}
}

// A pod that is there has the labels and the workload that the inventory knows, whatever the agents leave out.
func TestTheInventoryKnowsPods(t *testing.T) {
	m := members(
		inventory.Pod{Namespace: "default", Name: "cluster-example-1", Labels: map[string]string{"cnpg.io/cluster": "cluster-example", "cnpg.io/podRole": "instance"}},
		inventory.Pod{Namespace: "shop", Name: "web-1", Workload: inventory.Workload{Kind: "job", Name: "night-29384750"}},
	)
	e := readingSince(time.Time{}, m, fmt.Sprintf(`{"flow":%s}`, flow{
		"source": `{"namespace":"shop","pod_name":"web-1"}`, "destination": `{"namespace":"default","pod_name":"cluster-example-1"}`,
	}))
	if got := strings.Join(told(e), "; "); got != "shop/cronjob/night -> instances:5432 opened=1" {
		t.Errorf("got %s", got)
	}
}

func TestCoverage(t *testing.T) {
	for name, test := range map[string]struct{ line, gap string }{
		"lost":         {`{"lost_events":{"source":"HUBBLE_RING_BUFFER","num_events_lost":"17"},"node_name":"n"}`, "17 events were lost"},
		"lost, one":    {`{"lost_events":{},"node_name":"n"}`, "1 event was lost"},
		"a node":       {`{"node_status":{"state_change":"NODE_UNAVAILABLE","node_names":["b","a"]}}`, "not seen: nodes a, b"},
		"a node fails": {`{"node_status":{"state_change":"NODE_ERROR","node_names":["a"],"message":"m"}}`, "not seen: node a"},
		"many nodes":   {`{"node_status":{"state_change":"NODE_GONE","node_names":["a","b","c","d","e","f","g"]}}`, "not seen: nodes a, b, c, d, e and 2 more"},
		"not JSON":     {`time="2026" level=info`, "1 line is no flow of Hubble's: line 1: syntax error (line 1:1): invalid value time"},
		"other JSON":   {`{"stream":"stderr"}`, "1 line is no flow of Hubble's: line 1: neither a flow nor another event of Hubble's"},
		"cut off":      {`{"flow":{"time":"2026-01-02T10`, "1 line is no flow of Hubble's: line 1: unexpected EOF"},
		"agent event":  {`{"agent_event":{"type":"AGENT_STARTED"},"node_name":"n"}`, ""},
		"connected":    {`{"node_status":{"state_change":"NODE_CONNECTED","node_names":["a"]}}`, ""},
		"empty line":   {` `, ""},
		"a bare flow":  {flow{}.String(), ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := reading(test.line).Coverage[0]
			got := strings.Join(c.Gaps(), "; ")
			if test.gap == "" && got != "" || !strings.HasPrefix(got, test.gap) {
				t.Errorf("got  %s\nwant %s", got, test.gap)
			}
		})
	}
}

func TestSince(t *testing.T) {
	line := fmt.Sprintf(`{"flow":%s}`, flow{})
	at := time.Date(2026, 1, 2, 10, 0, 0, 0, time.UTC)
	if e := readingSince(at, members(), line); len(e.Connections) != 1 || !e.Connections[0].First.Equal(at) || !e.Coverage[0].From.Equal(at) {
		t.Errorf("%+v", e)
	}
	if e := readingSince(at.Add(time.Second), members(), line); len(e.Connections) != 0 || e.Coverage[0].Events != 0 {
		t.Errorf("%+v", e)
	}
}

// Somebody who scans from everywhere does not fill the memory, and what is left out is said.
func TestMemoryIsBounded(t *testing.T) {
	flows := observe.NewFlows(members(), "test", time.Time{})
	for i := range observe.MaxClients + 5 {
		flows.Line(1, fmt.Appendf(nil, `{"flow":%s}`, flow{
			"source": `{"labels":["reserved:world"]}`, "IP": fmt.Sprintf(`{"source":"203.%d.%d.%d"}`, i>>16, i>>8&255, i&255),
		}))
	}
	e := flows.Evidence()
	if len(e.Connections) != observe.MaxClients || strings.Join(e.Coverage[0].Gaps(), "") != "5 events are about more clients than there is room for" {
		t.Errorf("%d clients, %v", len(e.Connections), e.Coverage[0].Gaps())
	}
}

func TestClusters(t *testing.T) {
	inv := &inventory.Inventory{}
	for _, name := range []string{"cluster-example", "other"} {
		c := &cnpgv1.Cluster{}
		c.Namespace, c.Name = "default", name
		inv.Clusters = append(inv.Clusters, c)
	}
	line := fmt.Sprintf(`{"flow":%s}`, flow{})
	if e := readingSince(time.Time{}, observe.MembersOf(inv, types.NamespacedName{Namespace: "default", Name: "other"}), line); len(e.Connections) > 0 {
		t.Errorf("%v", told(e))
	}
}

// Whatever is read, nothing breaks, every line is an event or unread, and reading it twice makes nobody new.
func FuzzLines(f *testing.F) {
	for _, name := range []string{"open", "rehearsal", "locked"} {
		content, err := os.ReadFile("testdata/flows-" + name + ".jsonl")
		if err != nil {
			f.Fatal(err)
		}
		for line := range bytes.Lines(content) {
			f.Add(line)
		}
	}
	f.Add([]byte(`{"lost_events":{"num_events_lost":"1"}}`))
	f.Add([]byte(`{"node_status":{"state_change":"NODE_ERROR","node_names":["a\u001b[2J"]}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		flows := observe.NewFlows(members(), "fuzz", time.Time{})
		flows.Line(1, line)
		once := flows.Evidence()
		flows.Line(2, line)
		twice := flows.Evidence()
		if len(once.Connections) > 1 || len(once.Connections) != len(twice.Connections) {
			t.Errorf("%d clients, then %d", len(once.Connections), len(twice.Connections))
		}
		for i, c := range once.Connections {
			if c.Client != twice.Connections[i].Client || c.Opened > twice.Connections[i].Opened {
				t.Errorf("%+v, then %+v", c, twice.Connections[i])
			}
			if (c.Client.Entity == "") != (c.Client.Namespace != "") || c.Target.Port == 0 {
				t.Errorf("%+v", c)
			}
		}
	})
}

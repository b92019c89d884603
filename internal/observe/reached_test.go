package observe_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe"
)

// opened are what databases connect to, in short.
func opened(e observe.Evidence) string {
	var out []string
	for _, r := range e.Reached {
		who := r.To.Namespace + "/" + r.To.Workload.String()
		if r.To.Entity != "" {
			who = strings.TrimSpace(fmt.Sprintf("%s %s %s", r.To.Entity, r.To.Address, r.Names))
		}
		from := "instances"
		if r.From.Pooler != "" {
			from = "pooler " + r.From.Pooler
		} else if r.From.Job != "" {
			from = string(r.From.Job) + " job"
		}
		text := fmt.Sprintf("%s -> %s:%d/%s", from, who, r.Port, r.Protocol)
		for _, part := range []struct {
			n    uint64
			name string
		}{{r.Opened, "opened"}, {r.Denied, "denied"}, {r.Audited, "audited"}, {r.ByDefault, "by default"}} {
			if part.n > 0 {
				text += fmt.Sprintf(" %s=%d", part.name, part.n)
			}
		}
		if r.Ongoing {
			text += " ongoing"
		}
		out = append(out, text)
	}
	return strings.Join(out, "; ")
}

// What a database opens is counted once, whichever events tell of it.
func TestWhatDatabasesOpen(t *testing.T) {
	const (
		store  = `{"namespace":"storage","pod_name":"minio-0","labels":["k8s:app=minio"],"workloads":[{"name":"minio","kind":"StatefulSet"}]}`
		world  = `{"identity":2,"labels":["reserved:world"]}`
		api    = `{"identity":7,"labels":["reserved:kube-apiserver","reserved:remote-node"]}`
		job    = `{"namespace":"default","pod_name":"j","labels":["k8s:cnpg.io/cluster=cluster-example","k8s:cnpg.io/jobRole=import"]}`
		other  = `{"namespace":"default","pod_name":"x","labels":["k8s:cnpg.io/cluster=other","k8s:cnpg.io/podRole=instance"]}`
		twin   = `{"namespace":"default","pod_name":"cnpg-netpol-twin-1","labels":["k8s:cnpg.io/cluster=cluster-example","k8s:cnpg.io/podRole=instance"]}`
		https  = `{"TCP":{"destination_port":443,"flags":{"SYN":true}}}`
		sample = "instances -> storage/statefulset/minio:443/TCP"
	)
	out := func(change flow) flow {
		f := flow{"source": instance, "destination": store, "l4": https, "IP": `{"source":"10.0.0.1","destination":"192.0.2.7"}`, "traffic_direction": `"EGRESS"`, "trace_observation_point": `"TO_STACK"`}
		for key, value := range change {
			f[key] = value
		}
		return f
	}
	for name, tc := range map[string]struct {
		flows []flow
		want  string
	}{
		"leaving":                     {[]flow{out(nil)}, sample + " opened=1"},
		"leaving and arriving":        {[]flow{out(nil), out(flow{"traffic_direction": `"INGRESS"`, "trace_observation_point": `"TO_ENDPOINT"`})}, sample + " opened=1"},
		"a verdict as well":           {[]flow{out(nil), out(flow{"event_type": `{"type":5}`})}, sample + " opened=1"},
		"twice":                       {[]flow{out(nil), out(nil)}, sample + " opened=2"},
		"let in at the other end":     {[]flow{out(flow{"event_type": `{"type":5}`, "traffic_direction": `"INGRESS"`})}, sample},
		"from the endpoint":           {[]flow{out(flow{"trace_observation_point": `"FROM_ENDPOINT"`})}, sample},
		"an old one":                  {[]flow{out(flow{"trace_reason": `"ESTABLISHED"`, "l4": `{"TCP":{"destination_port":443,"flags":{"ACK":true}}}`})}, sample + " ongoing"},
		"a reply":                     {[]flow{out(flow{"is_reply": "true"})}, ""},
		"translated by a socket":      {[]flow{out(flow{"verdict": `"TRANSLATED"`})}, ""},
		"denied":                      {[]flow{out(flow{"verdict": `"DROPPED"`, "event_type": `{"type":5}`}), out(flow{"verdict": `"DROPPED"`, "event_type": `{"type":1}`})}, sample + " denied=1"},
		"refused by the other end":    {[]flow{out(flow{"verdict": `"DROPPED"`, "event_type": `{"type":5}`, "traffic_direction": `"INGRESS"`})}, sample},
		"audited":                     {[]flow{out(flow{"verdict": `"AUDIT"`, "event_type": `{"type":5}`})}, sample + " audited=1"},
		"let out by a policy":         {[]flow{out(flow{"event_type": `{"type":5}`, "egress_allowed_by": `[{"name":"ours"}]`})}, sample + " opened=1"},
		"let out by none":             {[]flow{out(flow{"event_type": `{"type":5}`, "egress_allowed_by": `[{"labels":["reserved:io.cilium.policy.derived-from=allow-any-egress"]}]`})}, sample + " opened=1 by default=1"},
		"to a name":                   {[]flow{out(flow{"destination": world, "destination_names": `["b.example.com.","a.example.com"]`})}, "instances -> world 192.0.2.7 a.example.com,b.example.com:443/TCP opened=1"},
		"to an address":               {[]flow{out(flow{"destination": world})}, "instances -> world 192.0.2.7:443/TCP opened=1"},
		"to the API server":           {[]flow{out(flow{"destination": api})}, "instances -> kube-apiserver 192.0.2.7:443/TCP opened=1"},
		"by UDP":                      {[]flow{out(flow{"l4": `{"UDP":{"destination_port":53}}`})}, "instances -> storage/statefulset/minio:53/UDP opened=1"},
		"a pooler":                    {[]flow{out(flow{"source": pooler})}, "pooler rw -> storage/statefulset/minio:443/TCP opened=1"},
		"a job":                       {[]flow{out(flow{"source": job})}, "import job -> storage/statefulset/minio:443/TCP opened=1"},
		"another database's":          {[]flow{out(flow{"source": other})}, ""},
		"to the cluster itself":       {[]flow{out(flow{"destination": pooler})}, ""},
		"to another database":         {[]flow{out(flow{"destination": other})}, "instances -> default/pod/x:443/TCP opened=1"},
		"somebody else":               {[]flow{out(flow{"source": store})}, ""},
		"our own probe":               {[]flow{out(flow{"source": twin})}, ""},
		"to nobody who is known":      {[]flow{out(flow{"destination": `{"namespace":"storage"}`})}, ""},
		"what is neither TCP nor UDP": {[]flow{out(flow{"l4": `{"ICMPv4":{"type":8}}`})}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var lines []string
			for _, f := range tc.flows {
				lines = append(lines, fmt.Sprintf(`{"flow":%s,"node_name":"n"}`, f))
			}
			e := reading(lines...)
			if got := opened(e); got != tc.want || e.Coverage[0].Unread > 0 {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

// Who connects to ever more addresses does not fill the memory.
func TestWhatDatabasesOpenIsBounded(t *testing.T) {
	flows := observe.NewFlows(members(), "test", time.Time{})
	for i := range observe.MaxClients + 5 {
		flows.Line(1, []byte(fmt.Sprintf(`{"flow":{"source":%s,"destination":{"labels":["reserved:world"]},"IP":{"source":"10.0.0.1","destination":"10.%d.%d.%d"},"l4":%s,"verdict":"FORWARDED","event_type":{"type":4},"traffic_direction":"EGRESS","trace_observation_point":"TO_STACK","trace_reason":"NEW"}}`,
			instance, i>>16&255, i>>8&255, i&255, fmt.Sprintf(toPort, 443))))
	}
	if e := flows.Evidence(); len(e.Reached) != observe.MaxClients || e.Coverage[0].LeftOut != 5 {
		t.Errorf("%d are kept, %d left out", len(e.Reached), e.Coverage[0].LeftOut)
	}
}

package text_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/example"
)

const poolerName = "cluster-example-pooler-rw"

func cnp(name string) v1alpha1.PolicyReference {
	return v1alpha1.PolicyReference{Kind: v1alpha1.CiliumNetworkPolicy, Namespace: "default", Name: name}
}

// clientChange is a client and what happens to its access.
type clientChange struct {
	kind accessChange
	v1alpha1.ClientChange
}

type accessChange string

const (
	loses accessChange = "loses"
	gains accessChange = "gains"
	keeps accessChange = "keeps"
)

// onBoth is one client's change for instances and pooler. An entity has no namespace.
func onBoth(kind accessChange, namespace, workload string, pods int) []clientChange {
	client := v1alpha1.ClientChange{Port: 5432, Namespace: namespace, Workload: workload, Pods: pods}
	if namespace == "" {
		client.Workload, client.Entity = "", v1alpha1.Entity(workload)
	}
	instances, pooler := client, client
	instances.Target, pooler.Target = v1alpha1.Target{}, v1alpha1.Target{Pooler: poolerName}
	return []clientChange{{kind, instances}, {kind, pooler}}
}

// join puts clients into the lists of a preview.
func join(changes ...[]clientChange) (all v1alpha1.AccessChanges) {
	for _, c := range slices.Concat(changes...) {
		switch c.kind {
		case loses:
			all.Loses = append(all.Loses, c.ClientChange)
		case gains:
			all.Gains = append(all.Gains, c.ClientChange)
		default:
			all.Keeps = append(all.Keeps, c.ClientChange)
		}
	}
	return all
}

func steps(action v1alpha1.PolicyAction) []v1alpha1.PolicyChange {
	return []v1alpha1.PolicyChange{
		{Action: action, PolicyReference: cnp("cluster-example-internal-access"), For: "operator and peers"},
		{Action: action, PolicyReference: cnp("cluster-example-postgres-access-role-backend"), For: "clients: pods with role=backend"},
		{Action: action, PolicyReference: cnp("cluster-example-default-deny"), For: "everything else"},
	}
}

func flowChanges(before v1alpha1.Verdict) []v1alpha1.RequiredFlowChange {
	var changes []v1alpha1.RequiredFlowChange
	for _, f := range []v1alpha1.RequiredFlowChange{
		{Name: v1alpha1.FlowOperator, From: "operator (cnpg-system)", Port: 8000},
		{Name: v1alpha1.FlowReplication, From: "instances and join jobs", Port: 5432},
		{Name: v1alpha1.FlowIsolationCheck, From: "instances", Port: 8000},
		{Name: v1alpha1.FlowPooler, From: "poolers", Port: 5432},
		{Name: v1alpha1.FlowKubectlCNPG, From: "API server (kubectl cnpg status)", Port: 8000, Advisory: true},
	} {
		f.Before, f.After = before, v1alpha1.VerdictAllowed
		changes = append(changes, f)
	}
	return changes
}

// invented locks an open cluster for the backends of its namespace: what other previews are made from that no
// recording has.
func invented() v1alpha1.ChangePreview {
	flows := flowChanges(v1alpha1.VerdictAllowed)
	flows[4].After = v1alpha1.VerdictDenied
	return v1alpha1.ChangePreview{
		Metadata:      v1alpha1.Metadata{Namespace: "default", Name: "cluster-example"},
		Posture:       v1alpha1.PostureChange{Before: v1alpha1.PostureOpen, After: v1alpha1.PostureLocked},
		Policies:      steps(v1alpha1.PolicyCreate),
		RequiredFlows: flows,
		Access: join(
			onBoth(loses, "", "world", 0),
			onBoth(loses, "backend", "deployment/app", 3),
			onBoth(loses, "default", "deployment/frontend", 4),
			onBoth(loses, "other", "pod/backend", 1),
			onBoth(loses, "other", "pod/frontend", 1),
			onBoth(keeps, "", "host", 0),
			onBoth(keeps, "default", "deployment/backend", 2),
		),
		Notes: []v1alpha1.ChangeNote{
			{Subject: "Prometheus", Message: "statefulset/prometheus in namespace monitoring will no longer reach the metrics on 9187.", Remedy: command.Run(command.Flags("--allow-metrics", "monitoring"))},
			{Subject: "kubectl cnpg status", Message: "it goes through the API server to port 8000, which will be denied.", Remedy: command.Run(command.Flags("--allow-kubectl-cnpg"))},
		},
	}
}

// inventedRefusal would cut the operator off, and finds a policy that somebody else owns.
func inventedRefusal() v1alpha1.ChangePreview {
	p := invented()
	p.Posture.After = v1alpha1.PostureBroken
	p.Policies[1].Action = v1alpha1.PolicyUpdate
	p.Policies[2].Action = v1alpha1.PolicyUnchanged
	p.Policies = append(p.Policies, v1alpha1.PolicyChange{Action: v1alpha1.PolicyDelete, PolicyReference: cnp("cluster-example-postgres-access-ns-web"), For: "no longer asked for"})
	p.RequiredFlows[0].After = v1alpha1.VerdictDenied
	p.RequiredFlows[2].After = v1alpha1.VerdictUnknown
	p.Bystanders = []v1alpha1.BystanderChange{
		{Client: v1alpha1.Client{Namespace: "default", Workload: "deployment/frontend", Pods: 4}, DefaultDenyAfter: true},
		{Client: v1alpha1.Client{Namespace: "default", Workload: "statefulset/redis", Pods: 1}, DefaultDenyAfter: true},
	}
	// The frontend keeps the pooler and loses the instances only.
	p.Access = join(
		onBoth(loses, "other", "pod/backend", 1)[:1],
		onBoth(loses, "default", "deployment/frontend", 4)[:1],
		onBoth(gains, "backend", "deployment/app", 3),
		onBoth(keeps, "default", "deployment/frontend", 4)[1:],
		onBoth(keeps, "default", "deployment/backend", 2),
	)
	p.Refusals = []v1alpha1.Refusal{
		{Message: "operator (cnpg-system) could no longer reach port 8000 of cluster-example-1 and cluster-example-2: give the operator's namespace with --operator-namespace"},
		{Message: `CiliumNetworkPolicy "cluster-example-internal-access" exists and is managed by "Helm"`},
	}
	return p
}

// crowdedPreview has more clients than a preview names.
func crowdedPreview() v1alpha1.ChangePreview {
	p := invented()
	var all []clientChange
	for _, kind := range []accessChange{loses, gains, keeps} {
		for i := range 36 {
			all = append(all, clientChange{kind, v1alpha1.ClientChange{
				Port:      5432,
				Namespace: fmt.Sprintf("team-%d", i/12), Workload: fmt.Sprintf("deployment/%s-%d", kind, i), Pods: i%3 + 1,
			}})
		}
	}
	p.Access = join(all)
	return p
}

func longPreview(t *testing.T) v1alpha1.ChangePreview {
	t.Helper()
	r := example.LongNames(t).Items[0]
	p := inventedRefusal()
	p.Metadata = r.Metadata
	for i := range p.Policies {
		p.Policies[i].Kind = v1alpha1.ClusterNetworkPolicy
		p.Policies[i].Name = r.Policies[0].Name
		p.Policies[i].For = r.Findings[0].Message
	}
	for i := range p.RequiredFlows {
		p.RequiredFlows[i].From = r.RequiredFlows[0].From
	}
	for kind, clients := range map[accessChange][]v1alpha1.ClientChange{loses: p.Access.Loses, gains: p.Access.Gains, keeps: p.Access.Keeps} {
		for i := range clients {
			clients[i].Target = r.Exposure[0].Target
			clients[i].Namespace = r.Metadata.Namespace
			clients[i].Workload = r.Exposure[0].Clients[0].Workload + string(kind)
		}
	}
	for i := range p.Bystanders {
		p.Bystanders[i].Client = r.Exposure[0].Clients[0].Client
	}
	p.Notes[0].Message = r.Findings[0].Message
	p.Notes[0].Remedy = r.Findings[0].Remedy
	p.Refusals[0].Message = r.Findings[0].Message
	return p
}

func hostilePreview() v1alpha1.ChangePreview {
	const evil = "\x1b[2J\u202e\r\nx\u009b31m\xff"
	p := inventedRefusal()
	p.Metadata.Name += evil
	p.Policies[0].Name += evil
	p.Policies[1].For += evil
	p.RequiredFlows[0].From += evil
	p.Access.Loses[0].Workload += evil
	p.Access.Loses[1].Target.Pooler += evil
	p.Access.Gains[0].Namespace, p.Access.Gains[0].Workload, p.Access.Gains[0].Entity = "", "", "cidr:"+evil
	p.Bystanders[0].Client.Workload += evil
	p.Notes[0] = v1alpha1.ChangeNote{Subject: evil, Message: evil, Remedy: command.Words(evil)}
	p.Refusals[0].Message += evil
	return p
}

// withLosses is the preview of a lockdown that takes away what the cluster's pods were seen to open.
func withLosses(p v1alpha1.ChangePreview) v1alpha1.ChangePreview {
	p.Observed = &v1alpha1.ObservedChange{Loses: []v1alpha1.ObservedReach{
		{From: "instances", Entity: v1alpha1.EntityWorld, Address: "192.0.2.7", Names: []string{"files.example.com"}, Port: 443, Protocol: "TCP", Opened: 12, Verdict: v1alpha1.VerdictDenied, Flag: "--allow-egress-fqdn=files.example.com:443"},
		{From: "import job", Namespace: "storage", Workload: "statefulset/minio", Port: 9000, Protocol: "TCP", Ongoing: true, Verdict: v1alpha1.VerdictDenied, Flag: "--allow-egress-pods=storage:app=minio:9000"},
		{From: "pooler \x1b[31mrw", Entity: v1alpha1.EntityRemoteNode, Address: "10.0.0.2", Port: 123, Protocol: "UDP", Opened: 1, Verdict: v1alpha1.VerdictDenied},
		{From: "instances", Entity: v1alpha1.EntityWorld, Address: "192.0.2.9", Port: 443, Protocol: "TCP", Opened: 3, Verdict: v1alpha1.VerdictUnknown, Message: "whether it has one of the names that are let out to was not seen"},
	}}
	return p
}

// operatorPreview is the preview of an operator's lockdown.
func operatorPreview() v1alpha1.ChangePreview {
	target := v1alpha1.Target{Needed: "operator"}
	return v1alpha1.ChangePreview{
		Metadata: v1alpha1.Metadata{Namespace: "cnpg-system", Name: v1alpha1.OperatorSubject}, Policies: steps(v1alpha1.PolicyCreate)[:1],
		RequiredFlows: []v1alpha1.RequiredFlowChange{
			{Name: v1alpha1.FlowWebhook, From: "the API server", To: "operator (cnpg-system)", Port: 9443, Before: v1alpha1.VerdictAllowed, After: v1alpha1.VerdictAllowed},
			{Name: v1alpha1.FlowOperator, From: "operator (cnpg-system)", To: "instances of 7 clusters", Port: 8000, Before: v1alpha1.VerdictAllowed, After: v1alpha1.VerdictAllowed},
		},
		Access: v1alpha1.AccessChanges{
			Loses: []v1alpha1.ClientChange{{Target: target, Port: 9443, Namespace: "shop", Workload: "deployment/web", Pods: 2}},
			Keeps: []v1alpha1.ClientChange{{Target: target, Port: 9443, Entity: v1alpha1.EntityKubeAPIServer}},
		},
	}
}

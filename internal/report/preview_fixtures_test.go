package report_test

import (
	"fmt"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/change"
)

const poolerTarget = "pooler cluster-example-pooler-rw"

// onBoth is one client's change for instances and pooler.
func onBoth(kind change.Change, namespace, workload string, pods int) []change.AccessChange {
	client := v1alpha1.Client{Namespace: namespace, Workload: workload, Pods: pods}
	return []change.AccessChange{
		{Change: kind, Target: "instances", Port: 5432, Client: client},
		{Change: kind, Target: poolerTarget, Port: 5432, Client: client},
	}
}

func join(changes ...[]change.AccessChange) (all []change.AccessChange) {
	for _, c := range changes {
		all = append(all, c...)
	}
	return all
}

func steps(action change.Action) []change.Step {
	return []change.Step{
		{Action: action, Policy: cnp("cluster-example-internal-access"), Why: "operator and peers"},
		{Action: action, Policy: cnp("cluster-example-postgres-access-role-backend"), Why: "clients: pods with role=backend"},
		{Action: action, Policy: cnp("cluster-example-default-deny"), Why: "everything else"},
	}
}

func flowChanges(before v1alpha1.Verdict) []change.FlowChange {
	var changes []change.FlowChange
	for _, f := range flowsDecidedBy(v1alpha1.VerdictAllowed) {
		changes = append(changes, change.FlowChange{Name: f.Name, From: f.From, Port: f.Port, Before: before, After: v1alpha1.VerdictAllowed, Advisory: f.Advisory})
	}
	return changes
}

// lockdownPreview locks an open cluster for the backends of its namespace.
func lockdownPreview() change.Preview {
	flows := flowChanges(v1alpha1.VerdictAllowed)
	flows[4].After = v1alpha1.VerdictDenied
	return change.Preview{
		Cluster: v1alpha1.Metadata{Namespace: "default", Name: "cluster-example"},
		Before:  v1alpha1.PostureOpen, After: v1alpha1.PostureLocked,
		Steps: steps(change.Create),
		Flows: flows,
		Access: join(
			onBoth(change.Loses, "", "world", 0),
			onBoth(change.Loses, "backend", "deployment/app", 3),
			onBoth(change.Loses, "default", "deployment/frontend", 4),
			onBoth(change.Loses, "other", "pod/backend", 1),
			onBoth(change.Loses, "other", "pod/frontend", 1),
			onBoth(change.Keeps, "", "host", 0),
			onBoth(change.Keeps, "default", "deployment/backend", 2),
		),
		Notes: []change.Note{
			{Subject: "Prometheus", Message: "statefulset/prometheus in namespace monitoring will no longer reach the metrics on 9187.", Remedy: "--allow-metrics monitoring"},
			{Subject: "kubectl cnpg status", Message: "it goes through the API server to port 8000, which will be denied.", Remedy: "--allow-kubectl-cnpg"},
		},
	}
}

// refusedPreview would cut the operator off, and finds a policy that somebody else owns.
func refusedPreview() change.Preview {
	p := lockdownPreview()
	p.After = v1alpha1.PostureBroken
	p.Steps[1].Action = change.Update
	p.Steps[2].Action = change.Unchanged
	p.Steps = append(p.Steps, change.Step{Action: change.Delete, Policy: cnp("cluster-example-postgres-access-ns-web"), Why: "no longer asked for"})
	p.Flows[0].After = v1alpha1.VerdictDenied
	p.Flows[2].After = v1alpha1.VerdictUnknown
	p.Bystanders = []change.Bystander{
		{Client: v1alpha1.Client{Namespace: "default", Workload: "deployment/frontend", Pods: 4}, After: true},
		{Client: v1alpha1.Client{Namespace: "default", Workload: "statefulset/redis", Pods: 1}, After: true},
	}
	// The frontend keeps the pooler and loses the instances only.
	p.Access = join(
		onBoth(change.Loses, "other", "pod/backend", 1)[:1],
		onBoth(change.Loses, "default", "deployment/frontend", 4)[:1],
		onBoth(change.Gains, "backend", "deployment/app", 3),
		onBoth(change.Keeps, "default", "deployment/frontend", 4)[1:],
		onBoth(change.Keeps, "default", "deployment/backend", 2),
	)
	p.Refusals = []string{
		"operator (cnpg-system) could no longer reach port 8000 of cluster-example-1 and cluster-example-2: give the operator's namespace with --operator-namespace",
		`CiliumNetworkPolicy "cluster-example-internal-access" exists and is managed by "Helm"`,
	}
	return p
}

// unlockPreview takes everything back.
func unlockPreview() change.Preview {
	p := lockdownPreview()
	p.Before, p.After = v1alpha1.PostureLocked, v1alpha1.PostureOpen
	p.Steps = steps(change.Delete)
	p.Flows = flowChanges(v1alpha1.VerdictAllowed)
	p.Flows[4].Before = v1alpha1.VerdictDenied
	p.Notes = nil
	for i := range p.Access {
		if p.Access[i].Change == change.Loses {
			p.Access[i].Change = change.Gains
		}
	}
	return p
}

// repairPreview allows again what a forgotten flow had blocked.
func repairPreview() change.Preview {
	p := lockdownPreview()
	p.Before = v1alpha1.PostureBroken
	p.Flows = flowChanges(v1alpha1.VerdictDenied)
	p.Access, p.Notes = nil, nil
	return p
}

func unchangedPreview() change.Preview {
	p := lockdownPreview()
	p.Before = v1alpha1.PostureLocked
	p.Steps = steps(change.Unchanged)
	p.Flows = flowChanges(v1alpha1.VerdictAllowed)
	p.Access, p.Notes = onBoth(change.Keeps, "default", "deployment/backend", 2), nil
	return p
}

// crowdedPreview has more clients than a preview names.
func crowdedPreview() change.Preview {
	p := lockdownPreview()
	p.Access = nil
	for _, kind := range []change.Change{change.Loses, change.Gains, change.Keeps} {
		for i := range 36 {
			p.Access = append(p.Access, change.AccessChange{
				Change: kind, Target: "instances", Port: 5432,
				Client: v1alpha1.Client{Namespace: fmt.Sprintf("team-%d", i/12), Workload: fmt.Sprintf("deployment/%s-%d", kind, i), Pods: i%3 + 1},
			})
		}
	}
	return p
}

func longPreview() change.Preview {
	r := longNames()
	p := refusedPreview()
	p.Cluster = r.Metadata
	for i := range p.Steps {
		p.Steps[i].Policy.Kind = v1alpha1.ClusterNetworkPolicy
		p.Steps[i].Policy.Name = r.Policies[0].Name
		p.Steps[i].Why = r.Findings[0].Message
	}
	for i := range p.Flows {
		p.Flows[i].From = r.RequiredFlows[0].From
	}
	for i := range p.Access {
		p.Access[i].Target = r.Exposure[0].Target
		p.Access[i].Client.Namespace = r.Metadata.Namespace
		p.Access[i].Client.Workload = r.Exposure[0].Clients[0].Workload + string(p.Access[i].Change)
	}
	for i := range p.Bystanders {
		p.Bystanders[i].Client = r.Exposure[0].Clients[0].Client
	}
	p.Notes[0].Message = r.Findings[0].Message
	p.Notes[0].Remedy = r.Findings[0].Remedy
	p.Refusals[0] = r.Findings[0].Message
	return p
}

func hostilePreview() change.Preview {
	const evil = "\x1b[2J\u202e\r\nx\u009b31m\xff"
	p := refusedPreview()
	p.Cluster.Name += evil
	p.Steps[0].Policy.Name += evil
	p.Steps[1].Why += evil
	p.Flows[0].From += evil
	p.Access[0].Client.Workload += evil
	p.Access[1].Target += evil
	p.Access[2].Client = v1alpha1.Client{Workload: "cidr:" + evil}
	p.Bystanders[0].Client.Workload += evil
	p.Notes[0] = change.Note{Subject: evil, Message: evil, Remedy: evil}
	p.Refusals[0] += evil
	return p
}

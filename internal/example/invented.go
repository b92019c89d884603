package example

import (
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/command"
)

func cnp(name string) v1alpha1.PolicyReference {
	return v1alpha1.PolicyReference{Kind: v1alpha1.CiliumNetworkPolicy, Namespace: "default", Name: name}
}

// LongNames is Partial with names as long as Kubernetes allows: 63 for a namespace, 253 for the others.
func LongNames(t *testing.T) v1alpha1.IsolationReportList {
	long := func(prefix string, n int) string {
		const filler = "-a-name-that-somebody-has-generated"
		return (prefix + strings.Repeat(filler, n/len(filler)+1))[:n-1] + "z"
	}
	list := Partial(t)
	r := &list.Items[0]
	r.Metadata = v1alpha1.Metadata{Namespace: long("namespace", 63), Name: long("cluster", 50)}
	for i := range r.Pods {
		r.Pods[i].Name = long("pod", 253)
	}
	for i := range r.Policies {
		r.Policies[i].Name, r.Policies[i].ManagedBy = long("policy", 253), long("manager", 63)
	}
	r.Policies[1].Valid, r.Policies[1].Message = false, long("message", 300)
	for i := range r.RequiredFlows {
		r.RequiredFlows[i].From = "operator (" + long("namespace", 63) + ")"
		r.RequiredFlows[i].Policies = []v1alpha1.PolicyReference{
			{Kind: v1alpha1.ClusterNetworkPolicy, Name: long("policy", 253)}, cnp("a"), cnp("b"), cnp("c"), cnp("d"),
		}
	}
	for i := range r.Exposure {
		e := &r.Exposure[i]
		e.Target.Pooler = long("pooler", 253)
		for j := range e.Clients {
			e.Clients[j].Namespace, e.Clients[j].Workload = long("namespace", 63), "deployment/"+long("workload", 253)
		}
	}
	for i := range r.Findings {
		r.Findings[i].Message = "Policy " + long("policy", 253) + " is not as lockdown wrote it."
		r.Findings[i].Remedy = command.Run(command.Plugin("lockdown", r.Metadata.Name, "--namespace", r.Metadata.Namespace))
	}
	return list
}

// Hostile is what somebody who can write labels and policies may try on whoever looks at them.
func Hostile(t *testing.T) v1alpha1.IsolationReportList {
	const (
		red   = "\x1b[31mred\x1b[0m"
		wipe  = "\x1b[2J\x1b[H"
		title = "\x1b]0;owned\x07"
		c1    = "\u009b31m"
		bidi  = "\u202egnp.exe"
		lines = "first\nsecond\r\tthird"
	)
	list := Partial(t)
	r := &list.Items[0]
	r.Metadata = v1alpha1.Metadata{Namespace: "default" + title, Name: "cluster" + wipe}
	r.Pods[0].Name += red
	r.Pods[1].Role = v1alpha1.PodRole(lines)
	r.Policies[0].Name += bidi
	r.Policies[1].ManagedBy = "Helm" + c1
	r.Policies[1].Valid, r.Policies[1].Message = false, lines+red
	r.RequiredFlows[0].From += wipe
	r.RequiredFlows[1].Policies = []v1alpha1.PolicyReference{cnp(red)}
	r.RequiredFlows[4].Message, r.RequiredFlows[4].Verdict = lines, v1alpha1.VerdictDenied
	r.Exposure[0].Target.Pooler = red
	r.Exposure[0].Clients[0].Workload = "pod/" + bidi + "\xff"
	r.Exposure[0].Entities = []v1alpha1.Entity{"cidr:" + red}
	r.Findings[0].Message = "Policy " + lines + " has drifted" + "\u200b."
	r.Findings[0].Remedy = command.Run(command.Plugin("lockdown", red+"\nrm -rf x"))
	return list
}

// Injecting tries to leave the quotes of each language of pictures.
func Injecting(t *testing.T) v1alpha1.IsolationReportList {
	client := func(namespace, workload, policy string) v1alpha1.ClientAccess {
		return v1alpha1.ClientAccess{Client: v1alpha1.Client{Namespace: namespace, Workload: workload, Pods: 2}, Policies: []v1alpha1.PolicyReference{cnp(policy)}}
	}
	list := Hostile(t)
	r := &list.Items[0]
	r.Metadata.Name = `db"]; evil [label="x` + "\\"
	r.Findings[0].Message = `</li></ul><script>alert(1)</script>`
	r.Findings[0].Remedy = command.Words(`<img src=x onerror=alert(1)>`)
	r.RequiredFlows[0].From = `operator"] --> evil["x#quot;&quot;` + "`**bold**`"
	r.RequiredFlows[0].Policies = []v1alpha1.PolicyReference{cnp("</text><script>alert(2)</script>"), cnp(`\" -> evil`)}
	r.RequiredFlows[1].Message = `"><svg onload=alert(3)>`
	r.RequiredFlows[1].Verdict = v1alpha1.VerdictDenied
	r.Pods[0].Name = `<b>pod</b>`
	r.Policies[0].ManagedBy = `javascript:alert(4)`
	r.Exposure[0].Clients[0] = client(`shop"; subgraph evil {`, `deployment/</title></svg><script>alert(5)</script>style:x#y;`, "click n1 href \"javascript:alert(6)\"")
	r.Exposure[1].Entities = []v1alpha1.Entity{`cidr:"/><a href="http://evil.example">`}
	r.Exposure[1].EntityPolicies = map[v1alpha1.Entity][]v1alpha1.PolicyReference{`cidr:"/><a href="http://evil.example">`: {cnp("a" + strings.Repeat("x", 300))}}
	return list
}

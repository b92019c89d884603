package report_test

import (
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// longNames is as long as Kubernetes allows: 63 for a namespace, 253 for the others.
func longNames() v1alpha1.IsolationReport {
	long := func(prefix string, n int) string {
		const filler = "-a-name-that-somebody-has-generated"
		return (prefix + strings.Repeat(filler, n/len(filler)+1))[:n-1] + "z"
	}
	r := partial()
	r.Metadata = v1alpha1.Metadata{Namespace: long("namespace", 63), Name: long("cluster", 50)}
	for i := range r.Pods {
		r.Pods[i].Name = long("pod", 253)
	}
	for i := range r.Policies {
		r.Policies[i].Name = long("policy", 253)
		r.Policies[i].ManagedBy = long("manager", 63)
	}
	r.Policies[1].Valid = false
	r.Policies[1].Message = long("message", 300)
	for i := range r.RequiredFlows {
		r.RequiredFlows[i].From = "operator (" + long("namespace", 63) + ")"
		r.RequiredFlows[i].Policies = []v1alpha1.PolicyReference{
			{Kind: v1alpha1.ClusterNetworkPolicy, Name: long("policy", 253)}, cnp("a"), cnp("b"), cnp("c"), cnp("d"),
		}
	}
	for i := range r.Exposure {
		e := &r.Exposure[i]
		e.Target = "pooler " + long("pooler", 253)
		for j := range e.Clients {
			e.Clients[j].Namespace = long("namespace", 63)
			e.Clients[j].Workload = "deployment/" + long("workload", 253)
		}
	}
	for i := range r.Findings {
		r.Findings[i].Message = "Policy " + long("policy", 253) + " is not as lockdown wrote it."
		r.Findings[i].Remedy = "kubectl cnpg-netpol lockdown " + r.Metadata.Name + " --namespace " + r.Metadata.Namespace
	}
	return r
}

// hostile is what somebody who can write labels and policies may try on whoever looks at them.
func hostile() v1alpha1.IsolationReport {
	const (
		red   = "\x1b[31mred\x1b[0m"
		wipe  = "\x1b[2J\x1b[H"
		title = "\x1b]0;owned\x07"
		c1    = "\u009b31m"
		bidi  = "\u202egnp.exe"
		lines = "first\nsecond\r\tthird"
	)
	r := partial()
	r.Metadata = v1alpha1.Metadata{Namespace: "default" + title, Name: "cluster" + wipe}
	r.Pods[0].Name += red
	r.Pods[1].Role = v1alpha1.PodRole(lines)
	r.Policies[0].Name += bidi
	r.Policies[1].ManagedBy = "Helm" + c1
	r.Policies[1].Valid, r.Policies[1].Message = false, lines+red
	r.RequiredFlows[0].From += wipe
	r.RequiredFlows[1].Policies = []v1alpha1.PolicyReference{cnp(red)}
	r.RequiredFlows[4].Message = lines
	r.Exposure[0].Target = "pooler " + red
	r.Exposure[0].Clients[0].Workload = "pod/" + bidi + "\xff"
	r.Exposure[0].Entities = []string{"cidr:" + red}
	r.Findings[0].Message = "Policy " + lines + " has drifted" + "\u200b."
	r.Findings[0].Remedy = "kubectl cnpg-netpol lockdown " + red + "\nrm -rf x"
	return r
}

package report_test

import (
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// blockedAndMixed has everything that a picture can show: what is needed and denied, advisory denials,
// entities with policies, denied neighbours, and more than is drawn.
func blockedAndMixed() v1alpha1.IsolationReport {
	r := broken()
	e := &r.Exposure[0]
	e.Clients = append(e.Clients, client("reporting", "cronjob/nightly", 1, cnp("allow-reporting"),
		v1alpha1.PolicyReference{Kind: v1alpha1.CiliumNetworkPolicy, Namespace: "reporting", Name: "egress"}))
	e.Namespaces = append(e.Namespaces, "reporting")
	e.Entities = []string{"host", "cidr:10.20.0.0/16"}
	e.EntityPolicies = map[string][]v1alpha1.PolicyReference{"cidr:10.20.0.0/16": {
		{Kind: v1alpha1.CiliumClusterwideNetworkPolicy, Name: "office"}, cnp("a"), cnp("b"), cnp("c"), cnp("d"),
	}}
	e.Unknown = 2
	return r
}

// crowded has more clients and more denied workloads than a picture shows.
func crowded() v1alpha1.IsolationReport {
	r := fromManifests()
	e := &r.Exposure[0]
	e.Clients = append(e.Clients, e.Clients...)
	for i := range e.Clients[22:] {
		e.Clients[22+i].Namespace = "y-" + e.Clients[22+i].Namespace
	}
	e.MoreClients = 400
	for _, c := range e.Clients {
		c.Namespace, c.Policies = "z-"+c.Namespace, []v1alpha1.PolicyReference{cnp("default-deny")}
		e.Denied = append(e.Denied, c)
	}
	e.DeniedPods = 9000
	return r
}

// injecting tries to leave the quotes of each language.
func injecting() v1alpha1.IsolationReport {
	r := hostile()
	r.Metadata.Name = `db"]; evil [label="x` + "\\"
	r.Findings[0].Message = `</li></ul><script>alert(1)</script>`
	r.Findings[0].Remedy = `<img src=x onerror=alert(1)>`
	r.RequiredFlows[0].From = `operator"] --> evil["x#quot;&quot;` + "`**bold**`"
	r.RequiredFlows[0].Policies = []v1alpha1.PolicyReference{cnp("</text><script>alert(2)</script>"), cnp(`\" -> evil`)}
	r.RequiredFlows[1].Message = `"><svg onload=alert(3)>`
	r.RequiredFlows[1].Verdict = v1alpha1.VerdictDenied
	r.Pods[0].Name = `<b>pod</b>`
	r.Policies[0].ManagedBy = `javascript:alert(4)`
	r.Exposure[0].Clients[0] = client(`shop"; subgraph evil {`, `deployment/</title></svg><script>alert(5)</script>style:x#y;`, 2, cnp("click n1 href \"javascript:alert(6)\""))
	r.Exposure[1].Entities = []string{`cidr:"/><a href="http://evil.example">`}
	r.Exposure[1].EntityPolicies = map[string][]v1alpha1.PolicyReference{`cidr:"/><a href="http://evil.example">`: {cnp("a" + strings.Repeat("x", 300))}}
	return r
}

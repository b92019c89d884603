package text

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/words"
)

// mostPolicies is how many rows the table of policies has before the others are counted.
const mostPolicies = 50

func (p *page) policies(r v1alpha1.IsolationReport) error {
	p.section("Policies")
	if len(r.Policies) == 0 {
		p.paragraph(2, "none selects a pod of this cluster", nil)
		return nil
	}
	name := column{header: "NAME", flexible: true, limit: p.limit(3)}
	rest := []column{{header: "PODS"}, {header: "INGRESS"}, {header: "EGRESS"}, {header: "VALID"}, {header: "MANAGED BY", flexible: true, limit: p.limit(2)}}
	g := grid{columns: append([]column{{header: "KIND"}, name}, rest...)}
	if p.wide {
		name.header = "POLICY"
		g.columns = append([]column{name}, rest...)
	}
	shown := r.Policies
	if !p.wide && len(shown) > mostPolicies+1 {
		shown = shown[:mostPolicies]
	}
	for _, policy := range shown {
		row := []cell{text(words.ShortKind(policy.Kind)), text(policy.Name)}
		if p.wide {
			row = []cell{text(policy.PolicyReference.String())}
		}
		g.add(append(row,
			text(strconv.Itoa(len(policy.SelectedPods))+"/"+strconv.Itoa(len(r.Pods))),
			text(words.Effect(policy.Ingress)),
			text(words.Effect(policy.Egress)),
			p.valid(policy),
			text(managedBy(policy.ManagedBy)))...)
	}
	if err := p.table(2, g); err != nil {
		return err
	}
	if more := len(r.Policies) - len(shown); more > 0 {
		p.paragraph(2, fmt.Sprintf("and %d more (-o wide shows all)", more), nil)
	}
	for _, policy := range shown {
		if !policy.Valid && (p.wide || !saidBefore(r.Findings, policy.Message)) {
			p.paragraph(2, invalid(policy), p.colors.Bad)
		}
	}
	return nil
}

func (p *page) valid(policy v1alpha1.PolicyReport) cell {
	if policy.Valid {
		return text("yes")
	}
	return painted("NO", p.colors.Alarm)
}

// saidBefore is true when a finding quotes Cilium's words already.
func saidBefore(findings []v1alpha1.Finding, message string) bool {
	return message != "" && slices.ContainsFunc(findings, func(f v1alpha1.Finding) bool {
		return f.Code == v1alpha1.PolicyInvalid && strings.Contains(f.Message, message)
	})
}

func invalid(policy v1alpha1.PolicyReport) string {
	sentence := policy.Name + " is not valid and enforces nothing"
	if policy.Message != "" {
		sentence += ": " + policy.Message
	}
	return sentence
}

// managedBy calls our own label value by the command that the user knows.
func managedBy(label string) string {
	switch label {
	case "":
		return "-"
	case "kubectl-cnpg-netpol":
		return "lockdown"
	default:
		return label
	}
}

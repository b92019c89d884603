package text

import (
	"fmt"
	"io"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// Probes writes connections that were tried, and what contradicts the engine.
func Probes(w io.Writer, probes []v1alpha1.Probe, findings []v1alpha1.Finding, o Options) error {
	p := newPage(o)
	if err := p.probes(probes, findings); err != nil {
		return fmt.Errorf("render the probes: %w", err)
	}
	return p.writeTo(w)
}

func (p *page) probes(probes []v1alpha1.Probe, findings []v1alpha1.Finding) error {
	if len(probes) == 0 {
		return nil
	}
	p.section("Probes on the data path")
	g := grid{columns: []column{
		{header: "CLIENT", flexible: true, limit: p.limit(3)}, {header: "TARGET", flexible: true, limit: p.limit(3)}, {header: "PORT"},
		{header: "ENGINE"}, {header: "RESULT"},
	}}
	var notes []string
	for _, one := range probes {
		client, port := one.Client, ""
		if one.Namespace != "" {
			client = one.Namespace + "/" + client
		}
		if one.Port > 0 {
			port = fmt.Sprint(one.Port)
		}
		g.add(text(client), text(one.Target), text(port), p.verdict(one.Expected, false), p.probeResult(one))
		if note := client + ": " + one.Message; one.Result == v1alpha1.ProbeInconclusive && (len(notes) == 0 || notes[len(notes)-1] != note) {
			notes = append(notes, note)
		}
	}
	if err := p.table(2, g); err != nil {
		return err
	}
	for _, note := range notes {
		p.bullet(2, note)
	}
	if len(findings) > 0 {
		p.out.WriteByte('\n')
		p.findings(findings)
	}
	return nil
}

func (p *page) probeResult(one v1alpha1.Probe) cell {
	result := string(one.Result)
	switch {
	case one.Contradicts:
		return painted(result+" (!)", p.colors.Alarm)
	case one.Result == v1alpha1.ProbeInconclusive:
		return painted(result, p.colors.Warn)
	}
	return text(result)
}

package text

import (
	"fmt"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/words"
)

// byPod writes who reaches only some of a target's pods.
func (p *page) byPod(e v1alpha1.Exposure) {
	if len(e.ByPod) == 0 {
		return
	}
	p.paragraph(4, "Not all of them reach all pods:", p.colors.Warn)
	for _, some := range e.ByPod {
		names := words.OnlyOn(e, some)
		if !p.wide && len(names) > firstClients+1 {
			names = append(names[:firstClients:firstClients], fmt.Sprintf("%d more (-o wide names all)", len(names)-firstClients))
		}
		if some.MoreClients > 0 && !some.Everybody {
			names = append(names, words.Count(some.MoreClients, "more workload"))
		}
		who := strings.Join(names, ", ")
		switch {
		case some.Everybody:
			who = "every pod"
			if len(names) > 0 {
				who += ", " + strings.Join(names, ", ")
			}
		case who == "" && some.Unknown > 0:
			who = "no verdict about " + words.Identities(some.Unknown)
		case who == "":
			who = "nobody but those who reach all"
		}
		p.bullet(4, strings.Join(some.Targets, ", ")+": "+who)
	}
}

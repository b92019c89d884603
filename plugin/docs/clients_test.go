package docs

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

// clientsPage is generated from the table of the kinds of clients.
const clientsPage = "clients.md"

// clients is the page about whom lockdown can let in.
func clients() []byte {
	var b bytes.Buffer
	b.WriteString(`# Whom lockdown lets in

` + "`kubectl cnpg-netpol lockdown`" + ` lets in the operator and the cluster's own pods, and with these flags others. Without any of
them, nobody else. "make docs" writes this page.

| flag | | ports | policy of CloudNativePG's documentation |
| --- | --- | --- | --- |
`)
	for _, d := range policyset.Definitions() {
		flag := strings.TrimSpace(d.Flag + " " + d.Placeholder)
		document := "beyond it"
		if d.Document != "" {
			document = "`" + d.Document + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", flag, d.Usage, strings.Trim(strings.Join(strings.Fields(fmt.Sprint(d.Ports)), ", "), "[]"), document)
	}
	return b.Bytes()
}

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
		if d.Direction == policyset.Egress {
			continue
		}
		flag := strings.TrimSpace(d.Flag + " " + d.Placeholder)
		document := "beyond it"
		if d.Document != "" {
			document = "`" + d.Document + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", flag, d.Usage, strings.Trim(strings.Join(strings.Fields(fmt.Sprint(d.Ports)), ", "), "[]"), document)
	}
	b.WriteString(`
# Where to the database may connect

With ` + "`--egress`" + `, what the cluster's pods open is restricted to what they need, and to what these flags name. Without a port, all
are meant. Poolers reach the API server, DNS and the cluster's own pods alone.

| flag | |
| --- | --- |
`)
	for _, d := range policyset.Definitions() {
		if d.Direction == policyset.Egress {
			fmt.Fprintf(&b, "| `%s %s` | %s |\n", d.Flag, d.Placeholder, d.Usage)
		}
	}
	return b.Bytes()
}

package policyset_test

import (
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/policyset"
)

func TestPrefixes(t *testing.T) {
	for text, want := range map[string]struct{ grant, err string }{
		"192.0.2.0/24":  {"cidr=192.0.2.0/24", ""},
		"192.0.2.7":     {"cidr=192.0.2.7/32", ""},
		"2001:DB8::/32": {"cidr=2001:db8::/32", ""},
		"192.0.2.7/24":  {"", `--allow-cidr "192.0.2.7/24": an address with a length: give "192.0.2.0/24" for the range, or the address alone`},
		"0.0.0.0/0":     {"", `--allow-cidr "0.0.0.0/0": means the whole world: name the ranges of the clients`},
		"::/0":          {"", `--allow-cidr "::/0": means the whole world: name the ranges of the clients`},
		"example.com":   {"", `--allow-cidr "example.com": not a range of addresses as in 192.0.2.0/24 or 2001:db8::/32, nor an address`},
	} {
		o, err := policyset.Parse(policyset.FlagValues{Allow: []string{"--allow-cidr=" + text}})
		switch {
		case want.err != "":
			if err == nil || err.Error() != want.err {
				t.Errorf("%s: %v", text, err)
			}
		case err != nil || len(o.Grants) != 1 || o.Grants[0].String() != want.grant:
			t.Errorf("%s: %v, %v", text, o.Grants, err)
		}
	}
}

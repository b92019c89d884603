package v1alpha1_test

import (
	"encoding/json"
	"net/netip"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

func TestTargetsAreText(t *testing.T) {
	for text, want := range map[string]v1alpha1.Target{`"instances"`: {}, `"pooler orders-rw"`: {Pooler: "orders-rw"}} {
		var got v1alpha1.Target
		if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s is read as %+v, %v", text, got, err)
		}
		if back, err := json.Marshal(want); err != nil || string(back) != text {
			t.Errorf("%+v is written as %s, %v", want, back, err)
		}
	}
	for text, want := range map[string]string{
		`"pod/web"`: `"pod/web" is no target: use "instances" or "pooler NAME"`,
		`"pooler "`: `"pooler " is no target: use "instances" or "pooler NAME"`,
	} {
		var got v1alpha1.Target
		if err := json.Unmarshal([]byte(text), &got); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestEntities(t *testing.T) {
	office := netip.MustParsePrefix("203.0.113.0/24")
	for _, tc := range []struct {
		entity             v1alpha1.Entity
		text, short, group string
		prefix             netip.Prefix
	}{
		{entity: v1alpha1.EntityWorld, text: "world", short: "world"},
		{entity: v1alpha1.PrefixEntity(office), text: "cidr:203.0.113.0/24", short: "203.0.113.0/24", prefix: office},
		{entity: v1alpha1.CIDRGroupEntity("partners"), text: "cidr-group:partners", short: "cidr-group:partners", group: "partners"},
		{entity: "cidr:nonsense", text: "cidr:nonsense", short: "nonsense"},
	} {
		prefix, isPrefix := tc.entity.Prefix()
		group, isGroup := tc.entity.CIDRGroup()
		if string(tc.entity) != tc.text || tc.entity.Short() != tc.short || prefix != tc.prefix || isPrefix != tc.prefix.IsValid() {
			t.Errorf("%s: short %s, prefix %s, %v", tc.entity, tc.entity.Short(), prefix, isPrefix)
		}
		if isGroup != (tc.group != "") || isGroup && group != tc.group {
			t.Errorf("%s: group %q, %v", tc.entity, group, isGroup)
		}
	}
}

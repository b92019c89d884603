package model

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/engine"
)

// ContentAt is what a policy says at the place of a rule, as JSON's own types; nil when it can't be found.
func (m *Model) ContentAt(r engine.Rule) any { return follow(m.Content(r.PolicyReference), r.Path) }

// L7 names what the rules that decided about one end of a connection have the proxy apply to what is sent on it, see L7Rules.
// There are none where the connection passes no proxy.
func (m *Model) L7(d engine.Direction) []string {
	if !d.L7 {
		return nil
	}
	all := map[string]bool{}
	for _, r := range d.Rules {
		for _, kind := range L7Rules(m.ContentAt(r)) {
			all[kind] = true
		}
	}
	if len(all) == 0 {
		return []string{"l7"}
	}
	return slices.Sorted(maps.Keys(all))
}

// L7Rules are the kinds of what toPorts of a rule has for Cilium's proxy, by the fields of PortRule in Cilium's pkg/policy/api/l4.go:
// the protocols of rules ("http", "dns", and those of older versions), "tls" for serverNames, terminatingTLS and originatingTLS, and
// "listener" for a listener of a CiliumEnvoyConfig.
func L7Rules(rule any) []string {
	var out []string
	fields, _ := rule.(map[string]any)
	ports, _ := fields["toPorts"].([]any)
	for _, port := range ports {
		entry, _ := port.(map[string]any)
		rules, _ := entry["rules"].(map[string]any)
		for kind, value := range rules {
			if parser, ok := value.(string); ok && kind == "l7proto" {
				kind = parser
			}
			if kind != "l7" { // The rules of l7proto.
				out = append(out, kind)
			}
		}
		for _, field := range []string{"serverNames", "terminatingTLS", "originatingTLS"} {
			if entry[field] != nil && !slices.Contains(out, "tls") {
				out = append(out, "tls")
			}
		}
		if entry["listener"] != nil {
			out = append(out, "listener")
		}
	}
	return out
}

// follow walks a path such as "specs[1].egressDeny[0]".
func follow(object any, path string) any {
	step := regexp.MustCompile(`^([^\[]+)(?:\[(\d+)\])?$`)
	for part := range strings.SplitSeq(path, ".") {
		match := step.FindStringSubmatch(part)
		fields, ok := object.(map[string]any)
		if match == nil || !ok {
			return nil
		}
		object = fields[match[1]]
		if match[2] == "" {
			continue
		}
		list, ok := object.([]any)
		index, err := strconv.Atoi(match[2])
		if !ok || err != nil || index >= len(list) {
			return nil
		}
		object = list[index]
	}
	return object
}

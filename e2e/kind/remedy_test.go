//go:build e2e

package kind_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// A remedy is a command, or sentences of these two forms, with rules and policies in YAML.
var (
	addToPolicy    = regexp.MustCompile(`Add to the (egress|ingress) of (\w+)/(?:([\w.-]+)/)?([\w.-]+): (\{.*?\})\.(?: |$)`)
	addToNamespace = regexp.MustCompile(`Add to namespace "([^"]+)" a CiliumNetworkPolicy with spec: (\{.*?\})\.(?: |$)`)
)

// repair does what the remedy of a finding says, to the letter, and nothing else.
func (w *world) repair(t *testing.T, r report, code string) {
	t.Helper()
	i := slices.IndexFunc(r.Findings, func(f finding) bool { return f.Code == code })
	if i < 0 {
		t.Fatalf("no finding %s in %+v", code, r.Findings)
	}
	remedy := r.Findings[i].Remedy
	t.Logf("status: %s: %s", code, r.Findings[i].Message)
	t.Logf("remedy: %s", remedy)
	if arguments, isCommand := strings.CutPrefix(remedy, "kubectl cnpg-netpol "); isCommand {
		w.plugin(t, append(strings.Fields(arguments), "--yes")...)
		return
	}
	rest := addToPolicy.ReplaceAllStringFunc(remedy, func(sentence string) string {
		part := addToPolicy.FindStringSubmatch(sentence)
		direction, kind, namespace, name := part[1], part[2], part[3], part[4]
		var patch []map[string]any
		for item := range strings.SplitSeq(strings.ReplaceAll(part[5], "} and {", "}\n{"), "\n") {
			var value any
			if err := yaml.Unmarshal([]byte(item), &value); err != nil {
				t.Fatalf("the rule %q can't be pasted: %v", item, err)
			}
			patch = append(patch, map[string]any{"op": "add", "path": "/spec/" + direction + "/-", "value": value})
		}
		content, err := json.Marshal(patch)
		if err != nil {
			t.Fatal(err)
		}
		w.kubectl(t, "-n", namespace, "patch", strings.ToLower(kind), name, "--type=json", "-p", string(content))
		return ""
	})
	rest = addToNamespace.ReplaceAllStringFunc(rest, func(sentence string) string {
		part := addToNamespace.FindStringSubmatch(sentence)
		w.apply(t, fmt.Sprintf("apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: remedy, namespace: %s}\nspec: %s\n", part[1], part[2]))
		return ""
	})
	if strings.TrimSpace(rest) != "" {
		t.Fatalf("nobody can follow this remedy as it is: %s", rest)
	}
}

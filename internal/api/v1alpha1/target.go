package v1alpha1

import (
	"fmt"
	"strings"
)

// Target is what clients connect to: the instances of a cluster, or one of its poolers. The zero value
// are the instances. Its text, in JSON too, is "instances" or "pooler NAME". Of a connection that the cluster
// opens, it is what is at the other end, and its text is that of Needed; so it is of an operator: "operator" or "plugin NAME".
type Target struct {
	// Pooler is the name of a Pooler; empty for the instances.
	Pooler string
	// Needed is what the cluster itself connects to, as explain --to calls it: "api-server", "dns",
	// "external HOST", an address, "NAMESPACE/service/NAME" or "NAMESPACE/KIND/NAME".
	Needed string
}

const (
	instancesText = "instances"
	poolerText    = "pooler "
)

// String is the target's text.
func (t Target) String() string {
	switch {
	case t.Needed != "":
		return t.Needed
	case t.Pooler == "":
		return instancesText
	}
	return poolerText + t.Pooler
}

// MarshalText is String.
func (t Target) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (t *Target) UnmarshalText(text []byte) error {
	if string(text) == instancesText {
		*t = Target{}
		return nil
	}
	name, ok := strings.CutPrefix(string(text), poolerText)
	if needed := string(text); !ok && (needed == "api-server" || needed == "dns" || needed == "operator" || strings.HasPrefix(needed, "plugin ") || strings.HasPrefix(needed, "external ") || strings.Count(needed, "/") == 2 || strings.ContainsAny(needed, ".:")) {
		*t = Target{Needed: needed}
		return nil
	}
	if !ok || name == "" {
		return fmt.Errorf("%q is no target: use %q or %q", text, instancesText, poolerText+"NAME")
	}
	t.Pooler = name
	return nil
}

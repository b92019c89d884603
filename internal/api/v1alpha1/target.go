package v1alpha1

import (
	"fmt"
	"strings"
)

// Target is what clients connect to: the instances of a cluster, or one of its poolers. The zero value
// are the instances. Its text, in JSON too, is "instances" or "pooler NAME".
type Target struct {
	// Pooler is the name of a Pooler; empty for the instances.
	Pooler string
}

const (
	instancesText = "instances"
	poolerText    = "pooler "
)

// String is the target's text.
func (t Target) String() string {
	if t.Pooler == "" {
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
	if !ok || name == "" {
		return fmt.Errorf("%q is no target: use %q or %q", text, instancesText, poolerText+"NAME")
	}
	t.Pooler = name
	return nil
}

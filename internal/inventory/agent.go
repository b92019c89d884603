package inventory

import (
	"strings"

	"k8s.io/apimachinery/pkg/util/version"
)

// AgentContainer is the name of the agent's container in the DaemonSet of Cilium's chart.
const AgentContainer = "cilium-agent"

// AgentVersion is the version of Cilium's agents, from the tag of the image of their DaemonSet. The zero value is one
// that is not known.
type AgentVersion struct{ known *version.Version }

// AgentVersionOf reads the version from an image: "quay.io/cilium/cilium:v1.18.6@sha256:…" is 1.18.6. An image without
// a tag, or with one that is no version, does not tell.
func AgentVersionOf(image string) AgentVersion {
	name, _, _ := strings.Cut(image, "@")
	_, tag, tagged := strings.Cut(name[strings.LastIndexByte(name, '/')+1:], ":")
	if !tagged {
		return AgentVersion{}
	}
	v, err := version.ParseSemantic(tag)
	if err != nil {
		return AgentVersion{}
	}
	return AgentVersion{v}
}

// Known is true when the version is known.
func (v AgentVersion) Known() bool { return v.known != nil }

// Equal is true for the same version, and for two that are not known.
func (v AgentVersion) Equal(other AgentVersion) bool { return v.String() == other.String() }

// Before is true for a version that is known and has come before that minor version: Before(1, 19) is true for 1.18.6. What is
// about to become one, such as 1.19.0-rc.1, is taken for it.
func (v AgentVersion) Before(major, minor uint) bool {
	return v.known != nil && (v.known.Major() < major || v.known.Major() == major && v.known.Minor() < minor)
}

// String is "1.18.6", empty where the version is not known.
func (v AgentVersion) String() string {
	if v.known == nil {
		return ""
	}
	return v.known.String()
}

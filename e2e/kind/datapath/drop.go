package datapath

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Drop is a packet that a policy has denied, as Cilium's agent reports it.
type Drop struct {
	// At is when the report was read, by the clock of the machine that the nodes run on.
	At       time.Time
	From, To netip.AddrPort
	// Identity is whom the agent takes the sender for: a number, or the name of a reserved identity.
	Identity string
	// Line is the report itself.
	Line string
}

// droppedPacket is a line of "cilium-dbg monitor --type drop". Cilium gives policies two reasons:
// that no rule allows a packet, and that a rule denies it.
var droppedPacket = regexp.MustCompile(`^(\S+) .*\bdrop \(Policy denied[^)]*\).*?(?:identity (\S+?)->\S+?)?: (\S+) -> (\S+)`)

// ParseDrop reads a line of the agent's monitor with a time in front of it. It is false for a line
// that reports anything else than a packet that a policy has denied.
func ParseDrop(line string) (Drop, bool) {
	found := droppedPacket.FindStringSubmatch(line)
	if found == nil {
		return Drop{}, false
	}
	at, err := parseTime(found[1])
	if err != nil {
		return Drop{}, false
	}
	from, err := netip.ParseAddrPort(found[3])
	if err != nil {
		return Drop{}, false
	}
	to, err := netip.ParseAddrPort(found[4])
	if err != nil {
		return Drop{}, false
	}
	return Drop{At: at, From: from, To: to, Identity: found[2], Line: line}, true
}

// Lost is true for a line in which the agent's monitor says that reports were lost.
func Lost(line string) bool {
	return strings.Contains(strings.ToLower(line), "lost ") && strings.Contains(line, "events")
}

// Path is a way that packets take: from one of some addresses to one of some others.
type Path struct {
	// From are the sender's addresses. When there are none, Identity is whom the agent takes the sender
	// for, or how that begins: world, world-ipv4.
	From     []netip.Addr
	Identity string
	// To are the receiver's addresses, and Port is its port.
	To   []netip.Addr
	Port uint16
}

// Took is true for a packet that was on this way.
func (p Path) Took(d Drop) bool {
	if d.To.Port() != p.Port || !slices.Contains(p.To, d.To.Addr()) {
		return false
	}
	if len(p.From) > 0 {
		return slices.Contains(p.From, d.From.Addr())
	}
	return p.Identity != "" && strings.HasPrefix(d.Identity, p.Identity)
}

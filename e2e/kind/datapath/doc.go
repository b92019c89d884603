// Package datapath says what became of attempts to connect. It judges by what answers, and by the
// packets that Cilium's agent says it has dropped: never by how long something takes, so a verdict
// does not depend on the machine. It holds no client and no clock.
package datapath

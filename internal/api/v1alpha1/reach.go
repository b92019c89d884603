package v1alpha1

import (
	"cmp"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ObservedReach is something that pods of a cluster were seen to connect to.
type ObservedReach struct {
	// From are those that connect: "instances", "pooler NAME", "ROLE job".
	From string `json:"from"`
	// Namespace and Workload are of pods at the other end.
	Namespace string `json:"namespace,omitempty"`
	Workload  string `json:"workload,omitempty"`
	// Entity is who is no pod, Address where, and Names are the DNS names that Cilium saw resolved to it.
	Entity   Entity   `json:"entity,omitempty"`
	Address  string   `json:"address,omitempty"`
	Names    []string `json:"names,omitempty"`
	Port     uint16   `json:"port"`
	Protocol string   `json:"protocol"`
	// Opened, Denied, Audited and ByDefault are numbers of connections as an ObservedTarget has them, seen from the cluster's side.
	Opened    uint64       `json:"opened,omitempty"`
	Denied    uint64       `json:"denied,omitempty"`
	Audited   uint64       `json:"audited,omitempty"`
	ByDefault uint64       `json:"byDefault,omitempty"`
	Ongoing   bool         `json:"ongoing,omitempty"`
	First     *metav1.Time `json:"first,omitempty"`
	Last      *metav1.Time `json:"last,omitempty"`
	// Verdict is the engine's afterwards: denied, or unknown for the reason in Message.
	Verdict Verdict `json:"verdict"`
	Message string  `json:"message,omitempty"`
	// Flag is the one of lockdown that lets out to it, empty where none does.
	Flag string `json:"flag,omitempty"`
}

// Name is the other end in words, with its port: "deployment/minio of storage:9000", "s3.example.com:443".
func (r ObservedReach) Name() string {
	called := cmp.Or(strings.Join(r.Names, ", "), r.Address, string(r.Entity))
	switch {
	case r.Workload != "":
		called = r.Namespace + "/" + r.Workload
	case r.Entity != EntityWorld && r.Address != "":
		called = fmt.Sprintf("%s (%s)", r.Entity, r.Address)
	}
	text := fmt.Sprintf("%s:%d", called, r.Port)
	if r.Protocol != "" && r.Protocol != "TCP" {
		text += "/" + r.Protocol
	}
	return text
}

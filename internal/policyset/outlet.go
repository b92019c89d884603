package policyset

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/cilium/cilium/pkg/policy/api"
	corev1 "k8s.io/api/core/v1"
)

// AnnotationOutlet holds the Outlet that a policy was made from, so that the policy can be told and compared without what
// the outlet was derived from.
const AnnotationOutlet = "cnpg-netpol/outlet"

// Outlet is what one policy of a set lets the cluster's pods reach, and why. What is derived from specs is one, and is
// derived anew by every lockdown; what flags name is a Grant.
type Outlet struct {
	// Purpose tells outlets apart; all but stores and servers exist once.
	Purpose Purpose `json:"purpose"`
	// What are the peers in words: "the object store minio.storage:9000".
	What string `json:"what"`
	// Field says what needs them: "Cluster shop-db spec.backup.barmanObjectStore.endpointURL"; empty for what is always needed.
	Field string `json:"field,omitempty"`
	// Places are the peers.
	Places []Place `json:"places"`
}

// Purpose is what an outlet is for; it is stored, and never changes.
type Purpose string

const (
	// Peers are the cluster's own pods.
	Peers Purpose = "peers"
	// APIServer is for the instance managers, of jobs and poolers too.
	APIServer Purpose = "api-server"
	// DNS is for whoever connects by a name.
	DNS Purpose = "dns"
	// Names shows Cilium how the names are resolved that rules name.
	Names Purpose = "names"
	// Store is for backups and for recovery from them.
	Store Purpose = "object-store"
	// External is for other PostgreSQL servers and for LDAP.
	External Purpose = "external"
	// Databases are what an operator looks after.
	Databases Purpose = "databases"
	// Plugin is one of an operator's CNPG-I plugins.
	Plugin Purpose = "plugin"
)

// purposes are all of them, in the order in which policies are applied.
func purposes() []Purpose {
	return []Purpose{Peers, APIServer, DNS, Names, Store, External, Databases, Plugin}
}

// forAll is true for what poolers need as well as instances and jobs.
func (p Purpose) forAll() bool { return p == Peers || p == APIServer || p == DNS }

// once is true where a set has one such outlet at most.
func (p Purpose) once() bool { return p != Store && p != External && p != Plugin }

// Place is a peer in the forms that Cilium's rules have, by one of its fields.
type Place struct {
	// Entity is one of Cilium's: kube-apiserver, host.
	Entity string `json:"entity,omitempty"`
	// Namespace and Labels select pods. Without labels, all of the namespace are meant.
	Namespace string            `json:"namespace,omitempty"`
	Labels    map[string]string `json:"labels,omitempty"`
	// Name is a DNS name outside the Kubernetes cluster, or a pattern with asterisks for parts of it.
	Name string `json:"name,omitempty"`
	// CIDR is a range of addresses outside the Kubernetes cluster.
	CIDR string `json:"cidr,omitempty"`
	// Databases are CloudNativePG's pods in whichever namespace.
	Databases bool `json:"databases,omitempty"`
	// Ports are numbers with protocols, "443/TCP"; none stands for all.
	Ports []string `json:"ports,omitempty"`
	// selector narrows Namespace for the grants of flags, which can hold more than labels.
	selector Selector
}

// PortOf is a port as Places have it.
func PortOf(number uint16, protocol corev1.Protocol) string {
	return fmt.Sprintf("%d/%s", number, cmp.Or(protocol, corev1.ProtocolTCP))
}

// text is the outlet as it is stored.
func (out Outlet) text() string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(out); err != nil {
		return "" // Strings can't fail.
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// readOutlet is the inverse of text, and says what is wrong with what somebody has written there.
func readOutlet(text string) (Outlet, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	var out Outlet
	if err := decoder.Decode(&out); err != nil {
		return Outlet{}, fmt.Errorf("not what this version stores of what a policy lets out to: %w", err)
	}
	if strings.TrimSpace(text[decoder.InputOffset():]) != "" {
		return Outlet{}, errors.New("not what this version stores of what a policy lets out to: something follows it")
	}
	return out, out.check()
}

// check finds what no outlet can have. An outlet without places would let out to everywhere or nowhere.
func (out Outlet) check() error {
	problems := []error{}
	if !slices.Contains(purposes(), out.Purpose) {
		problems = append(problems, fmt.Errorf("%q is nothing that this version of lockdown lets out to", out.Purpose))
	}
	if len(out.Places) == 0 {
		problems = append(problems, fmt.Errorf("%q names no place", out.Purpose))
	}
	for _, p := range out.Places {
		problems = append(problems, p.check())
	}
	return errors.Join(problems...)
}

func (p Place) check() error {
	var problems []error
	given := 0
	for _, field := range []string{p.Entity, p.Namespace, p.Name, p.CIDR} {
		if field != "" {
			given++
		}
	}
	if p.Databases {
		given++
	}
	if given != 1 || p.Namespace == "" && len(p.Labels) > 0 {
		problems = append(problems, errors.New("a place is one of entity, namespace, name, cidr and databases"))
	}
	if p.Entity != "" && !slices.Contains([]api.Entity{api.EntityKubeAPIServer, api.EntityHost, api.EntityRemoteNode}, api.Entity(p.Entity)) {
		problems = append(problems, fmt.Errorf("entity %q is none that lockdown lets out to", p.Entity))
	}
	if p.Namespace != "" {
		problems = append(problems, checkNamespace(p.Namespace))
	}
	if p.Name != "" {
		_, err := readName(p.Name)
		problems = append(problems, err)
	}
	if p.CIDR != "" {
		if prefix, err := netip.ParsePrefix(p.CIDR); err != nil || prefix != prefix.Masked() || prefix.Bits() == 0 {
			problems = append(problems, fmt.Errorf("%q is no range of addresses", p.CIDR))
		}
	}
	for _, port := range p.Ports {
		if _, err := portProtocol(port); err != nil {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

// key tells the outlets of a set apart, whatever the words are that describe them.
func (out Outlet) key() string {
	if out.Purpose.once() {
		return string(out.Purpose)
	}
	places := slices.Clone(out.Places)
	slices.SortFunc(places, comparePlaces)
	return string(out.Purpose) + "=" + Outlet{Places: places}.text()
}

func comparePlaces(a, b Place) int {
	return cmp.Compare(Outlet{Places: []Place{a}}.text(), Outlet{Places: []Place{b}}.text())
}

// named is true where rules name the place, so that Cilium has to see how the name is resolved.
func (out Outlet) named() bool {
	return slices.ContainsFunc(out.Places, func(p Place) bool { return p.Name != "" })
}

// merged are the outlets in order, those to the same places once: several fields may ask for one.
func merged(outlets []Outlet) []Outlet {
	var all []Outlet
	at := map[string]int{}
	for _, out := range outlets {
		i, there := at[out.key()]
		if !there {
			at[out.key()] = len(all)
			all = append(all, out)
			continue
		}
		if out.Field != "" && !slices.Contains(strings.Split(all[i].Field, ", "), out.Field) {
			all[i].Field = strings.TrimPrefix(all[i].Field+", "+out.Field, ", ")
		}
	}
	order := purposes()
	slices.SortStableFunc(all, func(a, b Outlet) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Purpose), slices.Index(order, b.Purpose)), cmp.Compare(a.key(), b.key()))
	})
	return all
}

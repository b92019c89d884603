package explain

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// Target is what a database wants to reach, as it is written on a command line. Get one from ParseTarget.
type Target struct {
	form targetForm
	// namespace is empty as long as none was named; name is that of a Service.
	namespace, name string
	// pods are those of a pod or a workload.
	pods Source
	// host is a DNS name or an address.
	host string
	// port is a number, or a name where the target can have names for ports; empty for none.
	port string
}

type targetForm int

const (
	toAPIServer targetForm = iota
	toDNS
	toHost
	toService
	toPods
)

const (
	targetAPIServer = "api-server"
	targetDNS       = "dns"
	targetExternal  = "external"
)

// targetForms are for messages: what a target may look like.
const targetForms = "api-server, dns, 'external HOST:PORT', NAMESPACE/service/NAME, NAMESPACE/pod/NAME, or an address such as 203.0.113.7:443"

// ParseTarget reads a target and its port: api-server, dns, "external HOST:PORT", HOST:PORT, an address, or
// [NAMESPACE/]KIND/NAME[:PORT] with the kinds of ParseSource and service. The port may stand apart, as port;
// it is empty then when it does not. Whether the target exists is not looked at.
func ParseTarget(text, port string) (Target, error) {
	t, err := parseTarget(text)
	if err != nil {
		return Target{}, err
	}
	switch {
	case port == "":
	case t.form == toAPIServer || t.form == toDNS:
		return Target{}, fmt.Errorf("--port says nothing about %s: its ports are where it is found", text)
	case t.port != "":
		return Target{}, fmt.Errorf("target %q has a port already: leave out --port", text)
	default:
		t.port = port
	}
	if t.port == "" {
		if t.form == toHost {
			return Target{}, fmt.Errorf("target %q: the port is missing: use %s", text, exampleOf(t))
		}
		return t, nil
	}
	if err := (Query{Port: t.port}).Validate(); err != nil {
		return Target{}, err
	}
	if _, err := strconv.Atoi(t.port); err != nil && t.form == toHost {
		return Target{}, fmt.Errorf("target %q: port %q is no number, and a host has no names for ports", text, t.port)
	}
	return t, nil
}

func exampleOf(t Target) string {
	if address, err := netip.ParseAddr(t.host); err == nil {
		return netip.AddrPortFrom(address, 443).String()
	}
	return "'external " + t.host + ":443'"
}

func parseTarget(text string) (Target, error) {
	fields := strings.Fields(text)
	switch {
	case len(fields) == 0:
		return Target{}, fmt.Errorf("the target is empty: use %s", targetForms)
	case text == targetAPIServer:
		return Target{form: toAPIServer}, nil
	case text == targetDNS:
		return Target{form: toDNS}, nil
	case fields[0] == targetExternal && len(fields) == 2:
		return parseHost(text, fields[1], true)
	case fields[0] == targetExternal:
		return Target{}, fmt.Errorf("target %q: write it in quotes, as in --to 'external objects.example.com:443'", text)
	case len(fields) > 1:
		return Target{}, fmt.Errorf("target %q: use %s", text, targetForms)
	case strings.Contains(text, "/"):
		return parseObject(text)
	}
	return parseHost(text, text, false)
}

// parseObject reads [NAMESPACE/]KIND/NAME[:PORT].
func parseObject(text string) (Target, error) {
	if prefix, err := netip.ParsePrefix(text); err == nil {
		return Target{}, fmt.Errorf("target %q: a connection goes to one address, such as %s", text, netip.AddrPortFrom(prefix.Addr(), 443))
	}
	object, port, named := strings.Cut(text, ":")
	if named && port == "" {
		return Target{}, fmt.Errorf("target %q: the port is missing behind the colon", text)
	}
	parts := strings.Split(object, "/")
	if !isServiceKind(parts[max(0, len(parts)-2)]) {
		pods, err := ParseSource(object)
		if err == nil && pods.form != formPods {
			err = fmt.Errorf("source %q: nothing answers there", object)
		}
		if err != nil {
			return Target{}, errors.New(strings.ReplaceAll(strings.Replace(err.Error(), "source ", "target ", 1), sourceForms, targetForms))
		}
		return Target{form: toPods, pods: pods, namespace: pods.namespace, port: port}, nil
	}
	t := Target{form: toService, name: parts[len(parts)-1], port: port}
	if len(parts) > 3 {
		return Target{}, fmt.Errorf("target %q: use %s", text, targetForms)
	}
	if len(parts) == 3 {
		t.namespace = parts[0]
		if problems := validation.IsDNS1123Label(t.namespace); len(problems) > 0 {
			return Target{}, fmt.Errorf("target %q: %q can't be the name of a namespace: %s", text, t.namespace, withoutPattern(problems[0]))
		}
	}
	if problems := validation.IsDNS1123Label(t.name); len(problems) > 0 {
		return Target{}, fmt.Errorf("target %q: %q can't be the name of a Service: %s", text, t.name, withoutPattern(problems[0]))
	}
	return t, nil
}

// parseHost reads an address or a DNS name, with or without a port. Without the word external, a name needs
// something that tells it from a word.
func parseHost(text, host string, external bool) (Target, error) {
	if address, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return Target{form: toHost, host: address.Unmap().WithZone("").String()}, nil
	}
	t := Target{form: toHost, host: host}
	if at := strings.LastIndexByte(host, ':'); at >= 0 {
		t.host, t.port = strings.Trim(host[:at], "[]"), host[at+1:]
		if t.port == "" {
			return Target{}, fmt.Errorf("target %q: the port is missing behind the colon", text)
		}
	}
	if address, err := netip.ParseAddr(t.host); err == nil {
		t.host = address.Unmap().WithZone("").String()
		return t, nil
	}
	if !external && t.port == "" && !strings.Contains(t.host, ".") {
		return Target{}, fmt.Errorf("target %q: use %s", text, targetForms)
	}
	t.host = strings.ToLower(strings.TrimSuffix(t.host, "."))
	if problems := validation.IsDNS1123Subdomain(t.host); len(problems) > 0 {
		return Target{}, fmt.Errorf("target %q: %q is neither an address nor a DNS name: %s", text, t.host, withoutPattern(problems[0]))
	}
	return t, nil
}

// LooksLikeTarget tells a target from a cluster that is written as NAME or NAMESPACE/NAME. Neither name can have a dot.
func LooksLikeTarget(text string) bool {
	if text == targetAPIServer || text == targetDNS || strings.ContainsAny(text, " .:") {
		return true
	}
	parts := strings.Split(text, "/")
	return len(parts) > 2 || len(parts) == 2 && (isServiceKind(parts[0]) || sourceKinds()[strings.ToLower(parts[0])] != "")
}

func isServiceKind(kind string) bool {
	return slices.Contains([]string{"service", "services", "svc"}, strings.ToLower(kind))
}

// In returns the target in a namespace, when it is one that has a namespace and names none.
func (t Target) In(namespace string) Target {
	if t.namespace == "" && (t.form == toService || t.form == toPods) {
		t.namespace, t.pods = namespace, t.pods.In(namespace)
	}
	return t
}

// Name is the target as it is written, without its port.
func (t Target) Name() string {
	switch t.form {
	case toAPIServer:
		return targetAPIServer
	case toDNS:
		return targetDNS
	case toService:
		return t.namespace + "/service/" + t.name
	case toPods:
		return t.namespace + "/" + t.pods.Name()
	case toHost:
	}
	if _, err := netip.ParseAddr(t.host); err == nil {
		return t.host
	}
	return targetExternal + " " + t.host
}

// TargetForms are what a target begins with, for completion.
func TargetForms() []string {
	return []string{targetAPIServer, targetDNS, "'" + targetExternal + " ", "service/", "pod/", "deployment/", "statefulset/"}
}

// IsForAll is true for what everything needs that CloudNativePG starts: the API server and DNS.
func (t Target) IsForAll() bool { return t.form == toAPIServer || t.form == toDNS }

// Port is the port as it was asked for; empty without one.
func (t Target) Port() string { return t.port }

// PortSuffix is the port behind a colon, as it was asked for; empty without one.
func (t Target) PortSuffix() string {
	if t.port == "" {
		return ""
	}
	return ":" + t.port
}

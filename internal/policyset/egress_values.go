package policyset

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/cilium/cilium/pkg/fqdn/matchpattern"
	corev1 "k8s.io/api/core/v1"
)

// out is a value that names where to, with a port or without one.
func out(text string, place Place, port uint16) value {
	if port != 0 {
		place.Ports = []string{PortOf(port, corev1.ProtocolTCP)}
	}
	return value{text: text, place: place, port: port}
}

// hashed are the names of policies for such values, of which the readable form does not say all.
func hashed(prefix string, v value) (string, bool) {
	return prefix + strings.Trim(notReadable.ReplaceAllString(strings.ToLower(v.text), "-"), "-"), false
}

// portAt is the number at the end of a text; ok is false when the text ends with none.
func portAt(text string) (port uint16, ok bool, err error) {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, false, nil
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return 0, true, fmt.Errorf("%q is no port: ports are 1 to 65535", text)
	}
	return uint16(n), true, nil
}

// prefixesAt are PREFIX, PREFIX:PORT, and [PREFIX]:PORT for IPv6.
func prefixesAt() valueKind {
	return valueKind{
		Placeholder: "PREFIX[:PORT]",
		read: func(text, home string) (value, error) {
			prefix, number, at := text, "", strings.LastIndex(text, ":")
			if bracketed := strings.HasPrefix(text, "["); bracketed && strings.HasSuffix(text, "]") {
				prefix = text[1 : len(text)-1]
			} else if at > 0 && (bracketed && text[at-1] == ']' || strings.Count(text, ":") == 1) {
				prefix, number = strings.Trim(text[:at], "[]"), text[at+1:]
				if number == "" {
					number = "none"
				}
			}
			read, err := prefixes().read(prefix, home)
			problems := []error{err}
			port, ok, err := portAt(number)
			if err == nil && number != "" && !ok {
				err = errors.New("what follows the last colon is no port")
			}
			if err := errors.Join(append(problems, err)...); err != nil {
				return value{}, err
			}
			canonical := read.text
			if port != 0 {
				if netip.MustParsePrefix(canonical).Addr().Is6() {
					canonical = "[" + canonical + "]"
				}
				canonical += fmt.Sprintf(":%d", port)
			}
			return out(canonical, Place{CIDR: read.text}, port), nil
		},
		readable: hashed,
	}
}

// fqdns are NAME or NAME:PORT. Parts of a name may be asterisks, each for one or more characters but dots.
func fqdns() valueKind {
	return valueKind{
		Placeholder: "NAME[:PORT]",
		read: func(text, _ string) (value, error) {
			name, number, numbered := strings.Cut(text, ":")
			canonical, err := readName(name)
			problems := []error{err}
			port, ok, err := portAt(number)
			if err == nil && numbered && !ok {
				err = errors.New("what follows the colon is no port")
			}
			if err := errors.Join(append(problems, err)...); err != nil {
				return value{}, err
			}
			place := Place{Name: canonical}
			if port != 0 {
				canonical += fmt.Sprintf(":%d", port)
			}
			return out(canonical, place, port), nil
		},
		readable: hashed,
	}
}

// readName is a DNS name as rules have it.
func readName(text string) (string, error) {
	name := strings.ToLower(strings.TrimSuffix(text, "."))
	if _, err := netip.ParseAddr(name); err == nil {
		return "", errors.New("an address: give it with --allow-egress-cidr")
	}
	labels := strings.Split(name, ".")
	switch {
	case name == "":
		return "", errors.New("a DNS name is missing")
	case strings.Trim(name, "*.") == "":
		return "", errors.New("means every name: name the hosts that the database needs")
	case strings.Contains(name, "**"):
		return "", errors.New("two asterisks follow each other: an asterisk stands for a part of a name between two dots")
	case strings.HasSuffix(name, ".svc") || strings.HasSuffix(name, ".svc.cluster.local"):
		return "", errors.New("a Service of the Kubernetes cluster, and Cilium's rules for names select no pods: let out to the pods behind it with --allow-egress-pods")
	case len(labels) == 1:
		return "", errors.New("not a DNS name as in s3.example.com; the pods of a Service are let out to with --allow-egress-pods")
	}
	for _, label := range labels {
		if label == "" || len(label) > 63 {
			return "", errors.New("not a DNS name: between its dots are 1 to 63 characters")
		}
	}
	if _, err := matchpattern.Validate(name); err != nil {
		return "", errors.New("not a DNS name: letters, digits, -, _ and dots, and asterisks for parts of it")
	}
	return name, nil
}

// podsAt are NAMESPACE, NAMESPACE:SELECTOR, and either with a port at the end.
func podsAt() valueKind {
	return valueKind{
		Placeholder: "NAMESPACE[:SELECTOR][:PORT]",
		Completes:   namespaces().Completes,
		read: func(text, home string) (value, error) {
			rest, problems := text, []error{}
			var port uint16
			if at := strings.LastIndex(text, ":"); at >= 0 {
				number, ok, err := portAt(text[at+1:])
				if ok {
					rest, port = text[:at], number
				}
				problems = append(problems, err)
			}
			read, err := somePods().read(rest, home)
			if err := errors.Join(append(problems, err)...); err != nil {
				return value{}, err
			}
			canonical := read.text
			if port != 0 {
				canonical += fmt.Sprintf(":%d", port)
			}
			v := out(canonical, Place{Namespace: read.namespace, selector: read.selector}, port)
			v.namespace, v.selector = read.namespace, read.selector
			return v, nil
		},
		readable: hashed,
	}
}

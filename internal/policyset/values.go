package policyset

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
)

// none is for kinds of which there is only one client.
func none() valueKind {
	return valueKind{
		read: func(text, _ string) (value, error) {
			if text != "" {
				return value{}, fmt.Errorf("takes no value, and %q is one", text)
			}
			return value{}, nil
		},
		readable: func(prefix string, _ value) (string, bool) { return prefix, true },
	}
}

// selectors are label selectors. everybody is the remedy for an empty one, which would mean every pod.
func selectors(everybody string) valueKind {
	return valueKind{
		Placeholder: "SELECTOR",
		read: func(text, _ string) (value, error) {
			s, err := ParseSelector(text)
			if errors.Is(err, errEmptySelector) {
				err = fmt.Errorf("%w: %s", err, everybody)
			}
			return value{text: s.String(), selector: s}, err
		},
		readable: func(prefix string, v value) (string, bool) { return readableSelector(prefix, v.selector) },
	}
}

// namespaces are names of namespaces, which are readable as they are.
func namespaces() valueKind {
	return valueKind{
		Placeholder: "NAMESPACE",
		Completes:   Resource{GroupVersionResource: schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}},
		read: func(text, _ string) (value, error) {
			return value{text: text, namespace: text}, namespaceProblem(text)
		},
		readable: func(prefix string, v value) (string, bool) { return prefix + v.namespace, true },
	}
}

// somePods are NAMESPACE, for all of its pods, or NAMESPACE:SELECTOR.
func somePods() valueKind {
	return valueKind{
		Placeholder: "NAMESPACE[:SELECTOR]",
		Completes:   namespaces().Completes,
		read: func(text, _ string) (value, error) {
			namespace, labels, selected := strings.Cut(text, ":")
			v := value{text: namespace, namespace: namespace}
			problems := []error{namespaceProblem(namespace)}
			if selected {
				var err error
				if v.selector, err = ParseSelector(labels); errors.Is(err, errEmptySelector) {
					err = fmt.Errorf("%w: leave out the colon to allow all of the namespace", err)
				}
				problems = append(problems, err)
				v.text += ":" + v.selector.String()
			}
			return v, errors.Join(problems...)
		},
		readable: func(prefix string, v value) (string, bool) {
			if v.selector.String() == "" {
				return prefix + v.namespace, true
			}
			text, _ := readableSelector(prefix+v.namespace+"-", v.selector)
			return text, false
		},
	}
}

// serviceAccounts are NAME in the cluster's namespace, or NAMESPACE/NAME, which is what is stored.
func serviceAccounts() valueKind {
	return valueKind{
		Placeholder: "[NAMESPACE/]NAME",
		Completes:   Resource{GroupVersionResource: schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}, Namespaced: true},
		read: func(text, home string) (value, error) {
			namespace, name, elsewhere := strings.Cut(text, "/")
			if !elsewhere {
				namespace, name = home, text
			}
			var problems []error
			if namespace != "" || elsewhere {
				problems = append(problems, namespaceProblem(namespace))
			}
			// A policy selects it as the value of a label, which may not be as long as the name of an object.
			if messages := append(validation.IsDNS1123Subdomain(name), validation.IsValidLabelValue(name)...); len(messages) > 0 {
				problems = append(problems, fmt.Errorf("not the name of a ServiceAccount that a policy can select: %s", strings.Join(sortedSet(messages), "; ")))
			}
			if namespace != "" {
				text = namespace + "/" + name
			}
			return value{text: text, namespace: namespace, name: name}, errors.Join(problems...)
		},
		// Two dots, which no other kind's readable form has: neither a namespace nor the prefix has any.
		readable: func(prefix string, v value) (string, bool) { return prefix + v.namespace + "." + v.name, true },
	}
}

// prefixes are ranges of addresses, or single ones. All of them would be everybody, whom no flag lets in.
func prefixes() valueKind {
	return valueKind{
		Placeholder: "PREFIX",
		read: func(text, _ string) (value, error) {
			prefix, err := netip.ParsePrefix(text)
			if address, single := netip.ParseAddr(text); single == nil && address.Zone() == "" {
				prefix, err = netip.PrefixFrom(address, address.BitLen()), nil
			}
			switch {
			case err != nil:
				return value{}, errors.New("not a range of addresses as in 192.0.2.0/24 or 2001:db8::/32, nor an address")
			case prefix != prefix.Masked():
				return value{}, fmt.Errorf("an address with a length: give %q for the range, or the address alone", prefix.Masked().String())
			case prefix.Bits() == 0:
				return value{}, errors.New("means the whole world: name the ranges of the clients")
			}
			return value{text: prefix.String()}, nil
		},
		readable: func(prefix string, v value) (string, bool) {
			return prefix + strings.Trim(notReadable.ReplaceAllString(v.text, "-"), "-"), false
		},
	}
}

// namespaceProblem says why a namespace can't have this name.
func namespaceProblem(name string) error {
	if name == "" {
		return errors.New("a namespace's name is missing")
	}
	if messages := validation.IsDNS1123Label(name); len(messages) > 0 {
		return fmt.Errorf("not the name of a namespace: %s", strings.Join(messages, "; "))
	}
	return nil
}

// checkNamespace is namespaceProblem with the name in front.
func checkNamespace(name string) error {
	if err := namespaceProblem(name); err != nil {
		return fmt.Errorf("%q: %w", name, err)
	}
	return nil
}

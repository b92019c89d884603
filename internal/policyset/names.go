package policyset

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
)

const (
	// maxName keeps names within one DNS label where the cluster's name leaves room for it: they stay
	// readable in tables. Kubernetes' own limit is 253.
	maxName = 63
	// minSuffix is left for the suffix all the same. With it and a cluster's name, which is a label
	// value of 63 characters at most, no name comes near Kubernetes' limit.
	minSuffix = 30
	// hashLength is in hexadecimal digits.
	hashLength = 8
)

var (
	// plainSelector is a selector that its suffix says completely: no dash in the key, so that
	// "key-value" can be read in one way only.
	plainSelector = regexp.MustCompile(`^([a-z0-9]+)=([a-z0-9]([-a-z0-9]*[a-z0-9])?)$`)
	notReadable   = regexp.MustCompile(`[^a-z0-9]+`)
)

// name is the name of a policy of the set. suffix is empty for those that exist once.
func name(cluster string, role Role, suffix suffix) string {
	prefix := cluster + "-" + string(role)
	if suffix.readable == "" {
		return prefix
	}
	return prefix + "-" + suffix.within(max(maxName-len(prefix)-1, minSuffix))
}

// suffix tells the policies of one role apart. Equal flags give equal suffixes, and different
// flags different ones.
type suffix struct {
	// readable are lower-case letters, digits and dashes.
	readable string
	// exact is true when no other flag has this readable form.
	exact bool
	// flag is what the hash is taken of.
	flag string
}

// within is the suffix in at most limit characters. The hash follows a dot, which no readable
// form has, so that a readable form can't be mistaken for a hashed one.
func (s suffix) within(limit int) string {
	if s.exact && len(s.readable) <= limit {
		return s.readable
	}
	sum := sha256.Sum256([]byte(s.flag))
	readable := s.readable
	if room := limit - hashLength - 1; len(readable) > room {
		readable = strings.TrimRight(readable[:room], "-")
	}
	return readable + "." + hex.EncodeToString(sum[:])[:hashLength]
}

// selectorSuffix is the suffix of a flag that takes a selector.
func selectorSuffix(prefix, flag string, s Selector) suffix {
	if m := plainSelector.FindStringSubmatch(s.String()); m != nil {
		// Selectors on such keys would read like the suffixes of the other flags.
		reserved := prefix == "" && (m[1] == "namespace" || m[1] == "any" || m[1] == "cluster")
		return suffix{readable: prefix + m[1] + "-" + m[2], exact: !reserved, flag: flag}
	}
	words := strings.NewReplacer("!=", "-not-", "!", "not-").Replace(strings.ToLower(s.String()))
	return suffix{readable: strings.Trim(prefix+notReadable.ReplaceAllString(words, "-"), "-"), flag: flag}
}

// namespaceSuffix is the suffix of a flag that takes a namespace, whose name is readable as it is.
func namespaceSuffix(prefix, flag, namespace string) suffix {
	return suffix{readable: prefix + namespace, exact: true, flag: flag}
}

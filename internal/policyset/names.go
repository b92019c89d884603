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
	if cluster == OperatorSet {
		cluster = operatorPrefix
	}
	prefix := cluster + "-" + string(role)
	if suffix.readable == "" {
		return prefix
	}
	return prefix + "-" + suffix.within(max(maxName-len(prefix)-1, minSuffix))
}

// suffix tells the policies of one role apart. Equal grants give equal suffixes, and different
// grants different ones.
type suffix struct {
	// readable are lower-case letters, digits, dashes, and dots where there are several.
	readable string
	// exact is true when no other grant has this readable form.
	exact bool
	// hashed is what the hash is taken of: the grant, as the flag that asked for it was once written.
	hashed string
}

// within is the suffix in at most limit characters. The hash follows the only dot, and a readable
// form has none or more than one, so that it can't be mistaken for a hashed one.
func (s suffix) within(limit int) string {
	if s.exact && len(s.readable) <= limit {
		return s.readable
	}
	readable := strings.ReplaceAll(s.readable, ".", "-")
	if room := limit - hashLength - 1; len(readable) > room {
		readable = strings.TrimRight(readable[:room], "-")
	}
	return readable + "." + hashOf(s.hashed)
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:hashLength]
}

// readableSelector is the readable form of a selector, and whether it is exact.
func readableSelector(prefix string, s Selector) (string, bool) {
	if m := plainSelector.FindStringSubmatch(s.String()); m != nil {
		// Selectors on such keys would read like the suffixes of the other kinds.
		reserved := prefix == "" && (m[1] == "namespace" || m[1] == "any" || m[1] == "cluster")
		return prefix + m[1] + "-" + m[2], !reserved
	}
	words := strings.NewReplacer("!=", "-not-", "!", "not-").Replace(strings.ToLower(s.String()))
	return strings.Trim(prefix+notReadable.ReplaceAllString(words, "-"), "-"), false
}

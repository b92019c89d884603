package inventory

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
)

// Few or many, each address is there once, in the order in which they came, and what is none is left out.
func TestAddressesOf(t *testing.T) {
	for _, n := range []int{0, 1, 2, 15, 16, 17, 18, 40, 300} {
		var texts []string
		var want []netip.Addr
		for i := range n {
			text := fmt.Sprintf("10.0.%d.%d", i>>8, i&255)
			texts = append(texts, text, "", "none", fmt.Sprintf("10.0.0.%d", i/2), "::ffff:"+text)
			for _, text := range []string{text, fmt.Sprintf("10.0.0.%d", i/2)} {
				if a := netip.MustParseAddr(text); !slices.Contains(want, a) {
					want = append(want, a)
				}
			}
		}
		if got := AddressesOf(texts...); !slices.Equal(got, want) {
			t.Errorf("of %d: %v, want %v", n, got, want)
		}
	}
}

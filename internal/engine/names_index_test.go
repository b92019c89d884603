package engine

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/cilium/pkg/policy/api"
)

// The index finds the selectors that Cilium's own expressions match, each of which is tried here.
func TestNameIndexFindsWhatMatches(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	text := func(letters string, n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte(letters[random.IntN(len(letters))])
		}
		return b.String()
	}
	selectors := []api.FQDNSelector{
		{MatchPattern: "*"}, {MatchPattern: "**"}, {MatchPattern: "**."}, {MatchPattern: "*."}, {MatchPattern: "**.b"}, {MatchPattern: "***.a.b."},
		{MatchPattern: "A*.B"}, {MatchName: "A.b"}, {MatchName: "a.b."}, {MatchPattern: "a.b"}, {MatchPattern: "*.*"}, {MatchPattern: "a.**.b"}, {MatchPattern: "."},
	}
	for range 400 {
		selectors = append(selectors, api.FQDNSelector{MatchPattern: text("abA.*", 1+random.IntN(6))}, api.FQDNSelector{MatchName: text("abA.", 1+random.IntN(4))})
	}
	names := []string{"", ".", "a", "a.", "a.b", "x.a.b", "A.B.", "a.b.a.b"}
	for range 400 {
		names = append(names, text("abB.", random.IntN(9)))
	}
	index, matches := newNameIndex(selectors), 0
	for _, name := range names {
		var want []int
		for i := range selectors {
			expression, err := selectors[i].ToRegex()
			if err != nil {
				t.Fatal(selectors[i], err)
			}
			if expression.MatchString(asAsked(name)) {
				want = append(want, i)
			}
		}
		matches += len(want)
		if got := index.matching(name); !slices.Equal(got, want) {
			t.Errorf("seed %d: %q: %v, want %v", seed, name, got, want)
		}
	}
	if matches < 1000 {
		t.Errorf("seed %d: only %d matches", seed, matches)
	}
}

// A pattern that agents can't make an expression of matches nobody, and is no reason to answer nothing.
func TestPatternWithoutAnExpression(t *testing.T) {
	long := api.FQDNSelector{MatchPattern: strings.Repeat("a", 254) + "*"}
	if _, err := long.ToRegex(); err == nil {
		t.Error("Cilium makes an expression of it by now")
	}
	if got := newNameIndex([]api.FQDNSelector{long, {MatchPattern: "a*"}}).matching(strings.Repeat("a", 254)); !slices.Equal(got, []int{1}) {
		t.Errorf("got %v", got)
	}
}

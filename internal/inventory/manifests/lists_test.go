package manifests

import (
	"fmt"
	"strings"
	"testing"
)

// The items of a list in JSON are documents of their own, so that a list may be larger than a document.
func TestListsAreReadItemByItem(t *testing.T) {
	const pod = `{"apiVersion":"v1","kind":"Pod"}`
	for text, want := range map[string]string{
		`{"apiVersion":"v1","items":[` + pod + `,` + pod + `],"kind":"List","metadata":{"a":{"b":[1]}}}` + pod: "1.1 of : true; 1.2 of : true; 2.0 of : true",
		`{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[{"metadata":{"name":"a"}}]}`:               "1.1 of Pod: true",
		// Without a kind, it is not known what such items are until the end.
		`{"apiVersion":"v1","items":[{"metadata":{"name":"a"}}],"kind":"PodList"}`: "1.0 of : true",
		`{"kind":"Shop","apiVersion":"v1","items":[` + pod + `]}`:                  "1.0 of : true",
		`{"apiVersion":"v1","items":[` + pod + `,{"a":]}`:                          "1.1 of : true; 1.2 of : false",
		`{"apiVersion":"v1","items":[` + pod + `]`:                                 "1.1 of : true; 1.0 of : false",
	} {
		var got []string
		if err := documents(strings.NewReader(text), func(d document) error {
			got = append(got, fmt.Sprintf("%d.%d of %s: %t", d.number, d.item, d.of.Kind, d.err == nil))
			return nil
		}); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if strings.Join(got, "; ") != want {
			t.Errorf("%s:\ngot  %s\nwant %s", text, strings.Join(got, "; "), want)
		}
	}
}

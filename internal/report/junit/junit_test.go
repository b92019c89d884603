package junit_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/golden"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/junit"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

func written(t *testing.T, report junit.Report) string {
	t.Helper()
	var out bytes.Buffer
	if err := junit.Write(&out, report); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestReports(t *testing.T) {
	for name, report := range map[string]junit.Report{
		"nothing": {Name: "kubectl cnpg-netpol test"},
		"all": {Name: "kubectl cnpg-netpol test", Suites: []junit.Suite{
			{Name: "expectations.yaml", Cases: []junit.Case{
				{Class: "shop.orders", Name: "world is denied", File: "expectations.yaml", Line: 4},
				{Class: "shop.orders", Name: "pod/web is allowed", Failure: &junit.Problem{Type: "denied", Message: "denied at orders-1", Text: "denied at orders-1\nlook: kubectl …\n"}},
				{Name: "pod/gone is allowed", Error: &junit.Problem{Type: "unknown", Message: "there is no pod/gone"}, Output: "one\n\ttwo\n"},
			}},
			{Name: "later.yaml", Cases: []junit.Case{{Name: "never asked", Skipped: "there is no such database"}}},
			{Name: "empty.yaml"},
		}},
		"hostile": {Name: `"><evil/>`, Suites: []junit.Suite{{Name: "a\x1b[31m\nb", Cases: []junit.Case{{
			Name: "\u202e]]>&amp;\xff\x00", Class: "a\tb", File: "'<!--", Failure: &junit.Problem{Type: "\u0085", Message: "two\nlines", Text: "]]></failure>\x07\n\u2028\ufffe"},
			Skipped: "\r", Output: "<![CDATA[\x9b",
		}}}}},
	} {
		t.Run(name, func(t *testing.T) {
			golden.Compare(t, "testdata/"+name+".xml", []byte(written(t, report)))
		})
	}
}

// Whatever a name holds, the file is XML that says the same, and holds nothing that a terminal acts on.
func FuzzWrite(f *testing.F) {
	f.Add("pod/web", "denied", "one\ntwo")
	f.Add("\x1b]0;\x07", "]]>", "\ufffe\x00\u202e")
	f.Add("a", "b", "\xcf\n\xaa")
	f.Fuzz(func(t *testing.T, name, message, output string) {
		text := written(t, junit.Report{Name: name, Suites: []junit.Suite{{Name: name, Cases: []junit.Case{
			{Name: name, Class: message, File: message, Failure: &junit.Problem{Type: name, Message: message, Text: output}, Output: output},
			{Name: name, Skipped: message},
		}}}})
		if !utf8.ValidString(text) || terminal.EscapeLines(text) != text {
			t.Errorf("%q", text)
		}
		elements := 0
		for decoder := xml.NewDecoder(strings.NewReader(text)); ; {
			token, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			if start, ok := token.(xml.StartElement); ok {
				elements++
				if start.Name.Local == "testcase" && start.Attr[0].Value != terminal.Escape(name) {
					t.Errorf("the name %q is read back as %q", name, start.Attr[0].Value)
				}
			}
		}
		want := 5 // testsuites, testsuite, two cases, failure
		if output != "" {
			want++
		}
		if message != "" {
			want++
		}
		if elements != want {
			t.Errorf("%d elements, want %d: %s", elements, want, text)
		}
	})
}

// What can't be written is an error.
func TestWriteFails(t *testing.T) {
	if err := junit.Write(broken{}, junit.Report{}); err == nil || err.Error() != "the disk is full" {
		t.Errorf("%v", err)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }

package assess_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
)

// situation is what a file of testdata/situations expects of the report on its cluster pg, in the comments at its
// top: the posture, and what the report as JSON has, or has not, as regular expressions.
type situation struct {
	posture     v1alpha1.Posture
	has, hasNot []string
}

func readSituation(t *testing.T, file string) situation {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var s situation
	for line := range strings.Lines(string(text)) {
		comment, ok := strings.CutPrefix(strings.TrimSpace(line), "# ")
		if !ok {
			break
		}
		switch key, value, _ := strings.Cut(comment, ": "); key {
		case "posture":
			s.posture = v1alpha1.Posture(value)
		case "has":
			s.has = append(s.has, value)
		case "not":
			s.hasNot = append(s.hasNot, value)
		}
	}
	if s.posture == "" {
		t.Fatalf("%s does not say what posture it expects", file)
	}
	return s
}

// Policies as people write them around databases, and what they forget: stores of several providers, several kinds of
// DNS, rules by ports, names, addresses and entities.
func TestSituations(t *testing.T) {
	files, err := filepath.Glob("testdata/situations/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no situations: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			want := readSituation(t, file)
			list := reports(t, file)
			at := slices.IndexFunc(list.Items, func(r v1alpha1.IsolationReport) bool { return r.Metadata.Name == "pg" })
			if at < 0 {
				t.Fatalf("there is no report on pg: %+v", list)
			}
			text, err := json.Marshal(list.Items[at])
			if err != nil {
				t.Fatal(err)
			}
			plain := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(text))
			if got := list.Items[at].Posture; got != want.posture {
				t.Errorf("posture %s, want %s", got, want.posture)
			}
			for _, pattern := range want.has {
				if !regexp.MustCompile(pattern).MatchString(plain) {
					t.Errorf("no %s in\n%s", pattern, plain)
				}
			}
			for _, pattern := range want.hasNot {
				if regexp.MustCompile(pattern).MatchString(plain) {
					t.Errorf("%s in\n%s", pattern, plain)
				}
			}
		})
	}
}

package policyset

import (
	"strings"
	"testing"
)

func TestParseSelectorNormalises(t *testing.T) {
	for in, want := range map[string]string{
		"role=backend":              "role=backend",
		" role == backend ":         "role=backend",
		"role in (backend)":         "role=backend",
		"role in (b,a,b)":           "role in (a,b)",
		"role!=a":                   "role!=a",
		"role notin (a)":            "role!=a",
		"role notin (b,a)":          "role notin (a,b)",
		"b=1,a=2":                   "a=2,b=1",
		"a=2,a=2":                   "a=2",
		"a,!b":                      "!b,a",
		"a=":                        "a=",
		"app.kubernetes.io/name=x":  "app.kubernetes.io/name=x",
		"a=b,c in (d,e),!f":         "!f,a=b,c in (d,e)",
		"!role,role!=backend":       "!role,role!=backend",
		"role in (a,b),role!=b":     "role in (a,b),role!=b",
		"cnpg.io/cluster=elsewhere": "cnpg.io/cluster=elsewhere",
	} {
		if got := selector(t, in).String(); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestParseSelectorRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"":                                     "every pod",
		"  ":                                   "every pod",
		"=":                                    "not a label selector",
		"role=":                                "",
		"role=a b":                             "not a label selector",
		"role in (a":                           "not a label selector",
		"role=" + strings.Repeat("a", 64):      "63",
		"-x=a":                                 "not a label selector",
		"role>3":                               "cannot compare",
		"k8s:role=backend":                     "without a source",
		"reserved:host":                        "without a source",
		"io.kubernetes.pod.namespace=backend":  "--allow-namespace",
		"k8s.io.kubernetes.pod.namespace=b":    "--allow-namespace",
		"io.cilium.k8s.policy.cluster=default": "Cilium sets itself",
		"io.cilium.k8s.namespace.labels.t=a":   "Cilium sets itself",
		"a=b,a=c":                              "contradict",
		"a=b,!a":                               "contradict",
		"a=b,a!=b":                             "contradict",
		"a in (b,c),a in (d,e)":                "contradict",
		"a,!a":                                 "contradict",
		"role=\x1b[31mred":                     "not a label selector",
	} {
		_, err := ParseSelector(in)
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", in, err)
		case want != "" && err == nil:
			t.Errorf("%q was accepted", in)
		case want != "" && !strings.Contains(err.Error(), want):
			t.Errorf("%q: error %q does not say %q", in, err, want)
		case err != nil && strings.ContainsAny(err.Error(), "\x1b\n"):
			t.Errorf("%q: the error %q is not one printable line", in, err)
		}
	}
}

func TestParseSelectorReportsEveryProblem(t *testing.T) {
	_, err := ParseSelector("role>3,io.kubernetes.pod.name=x,a=b,a=c")
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("want three lines, got %v", err)
	}
}

// FuzzParseSelector: nothing panics, and a selector that is accepted always gives policies that
// Cilium accepts and names that Kubernetes accepts, and reads back as itself.
func FuzzParseSelector(f *testing.F) {
	for _, seed := range []string{"role=backend", "a=b,c in (d,e),!f", "a!=b", "a in ()", "a in (,b)", "a=,b", "x/y notin (z)", "k8s:a=b", "$host", "a>1", "é=ü"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSelector(text)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without a message")
			}
			return
		}
		again, err := ParseSelector(s.String())
		if err != nil || again.String() != s.String() {
			t.Fatalf("%q became %q, which became %q (%v)", text, s, again, err)
		}
		o := example(allow(Pods, text), allow("pods-any-namespace", text))
		for _, p := range build(t, o) {
			mustBeValid(t, p)
			mustBeName(t, p.Object.Name)
		}
	})
}

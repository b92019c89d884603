package expect

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	kjson "sigs.k8s.io/json"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory/decode"
)

// Document is one document of a file, as JSON.
type Document struct {
	// File is as it was named, and Number counts from one.
	File   string
	Number int
	JSON   []byte
	// Twice are sentences about keys that it has twice.
	Twice []string
}

// Is tells whether a document says that it holds expectations, of whatever version.
func Is(data []byte) bool {
	header, err := decode.Header(data)
	group, _, _ := strings.Cut(v1alpha1.APIVersion, "/")
	return err == nil && header.Kind == v1alpha1.ExpectationsKind && strings.HasPrefix(header.APIVersion, group+"/")
}

// Decode reads documents strictly. The error joins all that is wrong with any of them, each with its file,
// document and field.
func Decode(documents []Document) ([]Expectation, error) {
	var all []Expectation
	var errs []error
	for _, document := range documents {
		r := reader{document: document}
		r.read()
		all = append(all, r.expectations...)
		for _, err := range r.errs {
			errs = append(errs, fmt.Errorf("%s document %d: %w", document.File, document.Number, err))
		}
	}
	return all, errors.Join(errs...)
}

// reader reads one document, and gathers what is wrong with it.
type reader struct {
	document     Document
	namespace    string
	expectations []Expectation
	errs         []error
	// misspelt is true for an expectation with a field that there is not: whatever is missing is likely to be that.
	misspelt bool
}

// wrong notes a problem with a field; an empty path is the document as a whole.
func (r *reader) wrong(path, format string, arguments ...any) {
	if path != "" {
		format = path + ": " + format
	}
	r.errs = append(r.errs, fmt.Errorf(format, arguments...))
}

// missing notes that a field is missing.
func (r *reader) missing(path, what string) {
	if !r.misspelt {
		r.wrong(path, "is missing: %s", what)
	}
}

// into reads an object strictly. known are its fields, for the message about one that is not among them. It is false when
// nothing could be read.
func (r *reader) into(data []byte, path string, object any, known string) bool {
	if met := kindOf(data); met != "a mapping" {
		r.wrong(path, "%s is here, and a mapping is needed, with %s", met, known)
		return false
	}
	strict, err := kjson.UnmarshalStrict(data, object)
	var mismatch *json.UnmarshalTypeError
	switch {
	case errors.As(err, &mismatch) && mismatch.Field != "":
		r.wrong(join(path, mismatch.Field), "%s", strings.TrimPrefix(decode.Plain(err), mismatch.Field+": "))
		return false
	case err != nil:
		r.wrong(path, "%s", decode.Plain(err))
		return false
	}
	for _, err := range strict {
		var field kjson.FieldError
		if !errors.As(err, &field) || !strings.HasPrefix(err.Error(), "unknown field") {
			r.wrong(path, "%s", decode.Plain(err))
			continue
		}
		r.misspelt = true
		r.wrong(join(path, field.FieldPath()), "there is no such field: known are %s", known)
	}
	return true
}

func join(path, field string) string {
	if path == "" {
		return field
	}
	return path + "." + field
}

// kindOf is what YAML calls a value.
func kindOf(data []byte) string {
	switch {
	case len(data) == 0 || string(data) == "null":
		return "nothing"
	case data[0] == '{':
		return "a mapping"
	case data[0] == '[':
		return "a list"
	case data[0] == '"':
		return "text"
	case data[0] == 't' || data[0] == 'f':
		return "true or false"
	}
	return "a number"
}

const fieldsOfDocument = "apiVersion, kind, namespace and expect"

func (r *reader) read() {
	for _, sentence := range r.document.Twice {
		r.wrong("", "%s", sentence)
	}
	var content struct {
		APIVersion string            `json:"apiVersion"`
		Kind       string            `json:"kind"`
		Namespace  string            `json:"namespace"`
		Expect     []json.RawMessage `json:"expect"`
	}
	if !r.header() || !r.into(r.document.JSON, "", &content, fieldsOfDocument) {
		return
	}
	if r.namespace = content.Namespace; r.namespace != "" {
		r.validName("namespace", r.namespace, "namespace", validation.IsDNS1123Label)
	}
	if len(content.Expect) == 0 {
		r.wrong("expect", "is missing or empty: write one expectation at least")
	}
	for i, item := range content.Expect {
		before := len(r.errs)
		if x := r.expectation(item, fmt.Sprintf("expect[%d]", i)); len(r.errs) == before {
			r.expectations = append(r.expectations, x)
		}
	}
}

// header is false for a document that holds something else than expectations.
func (r *reader) header() bool {
	header, err := decode.Header(r.document.JSON)
	switch {
	case err != nil:
		r.wrong("", "%w", err)
	case header.Kind == "" && header.APIVersion == "":
		r.wrong("", "it has neither apiVersion nor kind: expectations have apiVersion: %s and kind: %s", v1alpha1.APIVersion, v1alpha1.ExpectationsKind)
	case header.Kind != v1alpha1.ExpectationsKind:
		r.wrong("kind", "%q is here, and %s is needed; manifests that are judged are named with -f", header.Kind, v1alpha1.ExpectationsKind)
	case header.APIVersion != v1alpha1.APIVersion:
		r.wrong("apiVersion", "%q is here, and %s is needed", header.APIVersion, v1alpha1.APIVersion)
	default:
		return true
	}
	return false
}

// validName notes a name that nothing of the kind can have.
func (r *reader) validName(path, name, kind string, problems func(string) []string) {
	if wrong := problems(name); len(wrong) > 0 {
		words, _, _ := strings.Cut(wrong[0], " (e.g. ")
		r.wrong(path, "%q can't be the name of a %s: %s", name, kind, words)
	}
}

const fieldsOfExpectation = "from, to, verdict, posture and because"

// expectation reads one item of the list. What it returns is good when nothing was wrong.
func (r *reader) expectation(data []byte, path string) Expectation {
	var item struct {
		From    json.RawMessage  `json:"from"`
		To      json.RawMessage  `json:"to"`
		Verdict v1alpha1.Verdict `json:"verdict"`
		Posture v1alpha1.Posture `json:"posture"`
		Because string           `json:"because"`
	}
	r.misspelt = false
	x := Expectation{File: r.document.File, Document: r.document.Number, Path: path, Namespace: r.namespace}
	if !r.into(data, path, &item, fieldsOfExpectation) {
		return x
	}
	x.Verdict, x.Posture, x.Because = item.Verdict, item.Posture, item.Because
	r.answer(&x)
	r.ends(&x, item.From, item.To)
	return x
}

// answer checks what is expected.
func (r *reader) answer(x *Expectation) {
	switch {
	case x.Verdict != "" && x.Posture != "":
		r.wrong(x.Path+".posture", "it stands in place of verdict: write an expectation for each")
	case x.Verdict == "" && x.Posture == "":
		r.missing(x.Path+".verdict", "write allowed or denied, or a posture in its place")
	case x.Verdict == v1alpha1.VerdictUnknown:
		r.wrong(x.Path+".verdict", "%s is no answer that can be expected: use %s or %s", x.Verdict, v1alpha1.VerdictAllowed, v1alpha1.VerdictDenied)
	case x.Verdict != "" && x.Verdict != v1alpha1.VerdictAllowed && x.Verdict != v1alpha1.VerdictDenied:
		r.wrong(x.Path+".verdict", "%q is no verdict: use %s or %s", x.Verdict, v1alpha1.VerdictAllowed, v1alpha1.VerdictDenied)
	case x.Posture == v1alpha1.PostureUnknown:
		r.wrong(x.Path+".posture", "%s is no answer that can be expected: use %s", x.Posture, postures())
	case x.Posture != "" && !slices.Contains(expectable(), x.Posture):
		r.wrong(x.Path+".posture", "%q is no posture: use %s", x.Posture, postures())
	}
}

// expectable are the postures that can be expected.
func expectable() []v1alpha1.Posture {
	return []v1alpha1.Posture{v1alpha1.PostureLocked, v1alpha1.PosturePartial, v1alpha1.PostureOpen, v1alpha1.PostureBroken}
}

func postures() string {
	names := make([]string, 0, len(expectable()))
	for _, posture := range expectable() {
		names = append(names, string(posture))
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

package policyset

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Grant lets one client in: what one client flag asks for. As String writes it, it is stored with
// its policy; neither depends on how the flag is spelled.
type Grant struct {
	Kind Kind
	// Value says which client of that kind: a selector, a namespace. It is empty for the kinds of
	// which there is only one. Build reads it as the flag's value is read.
	Value string
}

// String is the grant in the form that is stored: "pods=role=backend", "cluster-wide".
func (g Grant) String() string {
	if g.Value == "" {
		return string(g.Kind)
	}
	return string(g.Kind) + "=" + g.Value
}

// Flag is the flag that asks for the grant and its value, if it has one: "--allow-namespace",
// "backend". It is nil for a kind that is not known.
func (g Grant) Flag() []string {
	d, known := definition(g.Kind)
	switch {
	case !known:
		return nil
	case d.Placeholder == "":
		return []string{d.Flag}
	}
	return []string{d.Flag, g.Value}
}

// Direction is the way that the grant opens.
func (g Grant) Direction() Direction {
	d, _ := definition(g.Kind)
	return d.Direction
}

// Argument is Flag as one argument, unquoted: "--allow-namespace=backend".
func (g Grant) Argument() string { return strings.Join(g.Flag(), "=") }

// Place is where a grant lets out to; false for one that lets somebody in.
func (g Grant) Place() (Place, bool) {
	d, known := definition(g.Kind)
	if !known || d.Direction != Egress {
		return Place{}, false
	}
	v, err := d.read(g.Value, "")
	return v.place, err == nil
}

// parseGrant reads what String writes, and says what is wrong with it.
func parseGrant(text string) (Grant, error) {
	kind, value, valued := strings.Cut(text, "=")
	d, known := definition(Kind(kind))
	if !known || valued != (d.Placeholder != "") {
		return Grant{}, fmt.Errorf("%q is no client that this version of lockdown knows", text)
	}
	g := Grant{Kind: d.Kind, Value: value}
	if _, err := d.read(value, ""); err != nil {
		return Grant{}, d.problem(value, err)
	}
	return g, nil
}

// problem says of which flag and value the error is, line by line.
func (d Definition) problem(value string, err error) error {
	return eachOf(err, func(e error) error {
		if d.Placeholder == "" {
			return fmt.Errorf("%s: %w", d.Flag, e)
		}
		return fmt.Errorf("%s %q: %w", d.Flag, value, e)
	})
}

// parseGrants reads client flags as Flags writes them, in the order of Definitions. Two that mean the
// same are an error: one of them may have been meant as something else.
func parseGrants(arguments []string) ([]Grant, error) {
	var grants []Grant
	var problems []error
	left := slices.Clone(arguments)
	for _, d := range Definitions() {
		seen := map[string]string{}
		left = slices.DeleteFunc(left, func(argument string) bool {
			flag, text, valued := strings.Cut(argument, "=")
			if flag != d.Flag || valued != (d.Placeholder != "") {
				return false
			}
			v, err := d.read(text, "")
			first, twice := seen[v.text]
			switch {
			case err != nil:
				problems = append(problems, d.problem(text, err))
			case twice && first == text:
				problems = append(problems, fmt.Errorf("%s %q: given twice: leave one out", flag, text))
			case twice:
				problems = append(problems, fmt.Errorf("%s %q: given twice, it means the same as %q: leave one out", flag, text, first))
			default:
				seen[v.text] = text
				grants = append(grants, Grant{Kind: d.Kind, Value: v.text})
			}
			return true
		})
	}
	for _, argument := range left {
		problems = append(problems, fmt.Errorf("%q is not a flag that lets a client in", argument))
	}
	return grants, errors.Join(problems...)
}

// AnnotationGrant holds the Grant that a client policy was made from ("pods=role=backend"), so that
// the set can be told and rebuilt from the server alone.
const AnnotationGrant = "cnpg-netpol/grant"

// Before grants had a text of their own, the flag was stored: "--allow-pods=role=backend". What
// follows the prefix is the grant's text, for all kinds that there were.
const (
	annotationFlag = "cnpg-netpol/flag"
	flagPrefix     = "--allow-"
)

// stored is the text of the grant in a policy's annotations, and the annotation that holds it.
func stored(annotations map[string]string) (text, annotation string) {
	flag, old := annotations[annotationFlag]
	if text, ok := annotations[AnnotationGrant]; ok || !old {
		return text, AnnotationGrant
	}
	if text, ok := strings.CutPrefix(flag, flagPrefix); ok {
		return text, annotationFlag
	}
	return flag, annotationFlag
}

// restated are the annotations with the grant as it is stored now, if an older version has stored the
// same one: a policy that says the same is as it shall be, and need not be written again.
func restated(live, desired map[string]string) map[string]string {
	if text, annotation := stored(live); annotation != annotationFlag || text != desired[AnnotationGrant] {
		return live
	}
	out := maps.Clone(live)
	out[AnnotationGrant] = desired[AnnotationGrant]
	delete(out, annotationFlag)
	return out
}

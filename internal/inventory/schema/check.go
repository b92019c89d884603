package schema

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// Result is what the API server makes of an object.
type Result struct {
	// Stored is the object as it would be stored, in JSON: without the fields that are in no schema.
	Stored []byte
	// Dropped are the paths of those fields ("spec.ingress[0].fromEndpoints[0].labelSelector").
	Dropped []string
	// Refused says why the object would not be stored at all; empty when it would.
	Refused []Problem
	// TooMany says what it has too many of, so that it was not checked; empty otherwise.
	TooMany string
}

// MostRules is how many rules a policy may have to be checked. One with more is not evaluated, so that what it does is unknown in any
// case, and to check what one object can hold takes seconds. So are objects with more labels than inventory.MostLabels.
const MostRules = 10_000

// Check reads raw, one JSON object of the kind, as the API server reads what somebody applies. The error is
// about raw that is no JSON object, or about this program's own schemas.
func (k *Kind) Check(raw []byte) (Result, error) {
	r, err := k.read()
	if err != nil {
		return Result{}, err
	}
	object := map[string]any{}
	twice, err := kjson.UnmarshalStrict(raw, &object, kjson.DisallowDuplicateFields)
	if err != nil {
		return Result{}, err
	}
	if why := tooMany(object); why != "" {
		return Result{Stored: raw, TooMany: why}, nil
	}
	var result Result
	var meta *metav1.ObjectMeta
	meta, result.Dropped = r.prune(object)
	for _, err := range twice {
		result.Refused = append(result.Refused, duplicate(err))
	}
	asItIs := !r.form.dropNulls(object) && len(result.Dropped) == 0
	result.Refused = append(result.Refused, k.problems(object, meta, r)...)
	if asItIs {
		result.Stored = raw
		return result, nil
	}
	result.Stored, err = json.Marshal(object)
	return result, err
}

// tooMany says what an object has too many of to be checked; empty when it has not.
func tooMany(object map[string]any) string {
	metadata, _ := object["metadata"].(map[string]any)
	if labels, _ := metadata["labels"].(map[string]any); len(labels) > inventory.MostLabels {
		return fmt.Sprintf("it has %d labels, and more than %d are not looked at", len(labels), inventory.MostLabels)
	}
	return TooManyRules(rulesIn(object))
}

// TooManyRules says that a policy has more rules than are evaluated; empty when it has not.
func TooManyRules(rules int) string {
	if rules <= MostRules {
		return ""
	}
	return fmt.Sprintf("it has %d rules, and more than %d are not evaluated", rules, MostRules)
}

// rulesIn is how many rules a policy has.
func rulesIn(object map[string]any) int {
	n := 0
	count := func(spec any) {
		fields, _ := spec.(map[string]any)
		for _, name := range []string{"ingress", "ingressDeny", "egress", "egressDeny"} {
			rules, _ := fields[name].([]any)
			n += len(rules)
		}
	}
	count(object["spec"])
	specs, _ := object["specs"].([]any)
	n += len(specs)
	for _, spec := range specs {
		count(spec)
	}
	return n
}

// Prune is Check without the question whether the object would be refused.
func (k *Kind) Prune(raw []byte) (stored []byte, dropped []string, err error) {
	r, err := k.read()
	if err != nil {
		return nil, nil, err
	}
	object := map[string]any{}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, &object); err != nil {
		return nil, nil, err
	}
	_, dropped = r.prune(object)
	stored, err = json.Marshal(object)
	return stored, dropped, err
}

// prune removes the fields that are in no schema, and returns their paths. Metadata is what could be read of it, nil where nothing could.
func (r *rules) prune(object map[string]any) (metadata *metav1.ObjectMeta, dropped []string) {
	dropped = pruning.PruneWithOptions(object, r.structural, true,
		structural.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	// Malformed metadata is a reason to refuse the object, and not to drop something.
	metadata, _, inMetadata, err := objectmeta.GetObjectMetaWithOptions(object,
		objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true, DropMalformedFields: true})
	if err != nil {
		return nil, dropped
	}
	return metadata, append(dropped, inMetadata...)
}

func (k *Kind) problems(object map[string]any, meta *metav1.ObjectMeta, r *rules) []Problem {
	if object["metadata"] == nil {
		object["metadata"] = map[string]any{} // What is missing in it will be told.
	}
	var problems []Problem
	if !r.form.certain(object) {
		problems = fromSchema(r.pieces().validate("", object, r.form))
		problems = append(problems, fromFields(listtype.ValidateListSetsAndMaps(nil, r.structural, object))...)
	}
	if !slices.ContainsFunc(problems, inMetadata) { // Else, something in it is of another type than it should be.
		problems = append(problems, k.metadata(meta)...)
	}
	if len(problems) == 0 && k.check != nil {
		// What is said of values takes their types for granted.
		problems = k.check(object)
	}
	return sorted(problems)
}

func inMetadata(p Problem) bool { return strings.HasPrefix(p.Path, "metadata") }

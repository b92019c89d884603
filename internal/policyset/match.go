package policyset

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"github.com/cilium/cilium/pkg/policy/api"
)

// Differences are the parts of a live policy that are not as desired: paths such as
// "spec.ingress[0].toPorts", "metadata.labels[cnpg-netpol/policy]" and "specs", in order. None means
// that an apply would change nothing that matters. Labels and annotations of others, status and the
// order within lists, which has no meaning in a policy, do not count.
func Differences(live, desired *ciliumv2.CiliumNetworkPolicy) []string {
	var paths []string
	paths = append(paths, mapDifferences("metadata.annotations", restated(live.Annotations, desired.Annotations), desired.Annotations)...)
	paths = append(paths, mapDifferences("metadata.labels", live.Labels, desired.Labels)...)
	paths = append(paths, ownerDifferences(live, desired)...)
	paths = append(paths, compare("spec", plain(live.Spec), plain(desired.Spec))...)
	if len(live.Specs) > 0 {
		paths = append(paths, "specs")
	}
	slices.Sort(paths)
	return paths
}

// mapDifferences compares what the set owns: every key that is desired, and every key of ours.
func mapDifferences(path string, live, desired map[string]string) []string {
	var paths []string
	for _, key := range sortedSet(slices.AppendSeq(slices.Collect(maps.Keys(live)), maps.Keys(desired))) {
		want, wanted := desired[key]
		got, has := live[key]
		if (wanted || isOurKey(key)) && (wanted != has || want != got) {
			paths = append(paths, fmt.Sprintf("%s[%s]", path, key))
		}
	}
	return paths
}

func isOurKey(key string) bool {
	return strings.HasPrefix(key, "cnpg-netpol/") || strings.HasPrefix(key, LabelUserPrefix)
}

// OwnsKey tells whether a label or an annotation of this key is one that the set's policies have.
func OwnsKey(key string) bool { return key == LabelManagedBy || isOurKey(key) }

// plain is a rule as JSON's own types. A rule that can't be written as JSON differs from all others.
func plain(spec *api.Rule) any {
	if spec == nil {
		return nil
	}
	content, err := toMap(spec)
	if err != nil {
		return err.Error()
	}
	return content
}

// compare walks two JSON values and returns the paths at which they differ. A list whose length
// differs is one difference.
func compare(path string, live, desired any) []string {
	if canonical(live) == canonical(desired) {
		return nil
	}
	switch want := desired.(type) {
	case map[string]any:
		got, ok := live.(map[string]any)
		if !ok {
			return []string{path}
		}
		var paths []string
		for _, key := range sortedSet(slices.AppendSeq(slices.Collect(maps.Keys(got)), maps.Keys(want))) {
			paths = append(paths, compare(path+"."+key, got[key], want[key])...)
		}
		return paths
	case []any:
		got, ok := live.([]any)
		if !ok || len(got) != len(want) {
			return []string{path}
		}
		var paths []string
		for i := range want {
			paths = append(paths, compare(fmt.Sprintf("%s[%d]", path, i), got[i], want[i])...)
		}
		return paths
	}
	return []string{path}
}

// canonical is a value's JSON with every list in order: the lists of a policy are sets.
func canonical(value any) string {
	raw, err := json.Marshal(sorted(value))
	if err != nil {
		return fmt.Sprintf("%#v", value)
	}
	return string(raw)
}

func sorted(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			out[key] = sorted(item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = sorted(item)
		}
		slices.SortFunc(out, func(a, b any) int { return strings.Compare(canonical(a), canonical(b)) })
		return out
	}
	return value
}

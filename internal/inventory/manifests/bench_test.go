package manifests

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// podsJSON is a list of n pods of about the size that real ones have.
func podsJSON(n int) string {
	var b strings.Builder
	b.WriteString(`{"apiVersion":"v1","kind":"List","items":[`)
	for i := range n {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, podTemplate, i, i%100, i, i)
	}
	b.WriteString("]}")
	return b.String()
}

const podTemplate = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web-%d","namespace":"ns-%d","uid":"u-%d",
"labels":{"app":"web","pod-template-hash":"abc","index":"%d"},"ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web-abc","uid":"x","controller":true}]},
"spec":{"serviceAccountName":"web","nodeName":"n","containers":[{"name":"web","image":"example.org/web:1","ports":[{"name":"http","containerPort":80}],
"env":[{"name":"A","value":"b"},{"name":"C","value":"d"}],"resources":{"requests":{"cpu":"1","memory":"1Gi"}},"volumeMounts":[{"name":"v","mountPath":"/v"}]}],
"volumes":[{"name":"v","emptyDir":{}}],"tolerations":[{"key":"a","operator":"Exists"}]},
"status":{"phase":"Running","podIP":"10.0.0.1","conditions":[{"type":"Ready","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z"}],"containerStatuses":[{"name":"web","ready":true,"restartCount":0,"image":"example.org/web:1","imageID":"x"}]}}`

// BenchmarkLoad and BenchmarkPlain read the same pods: what Load costs above decoding them.
func BenchmarkLoad(b *testing.B) {
	text := podsJSON(10_000)
	for b.Loop() {
		l := newLoader(b.Context(), "default")
		if err := documents(strings.NewReader(text), func(d document) error {
			return l.object(d.raw, header{}, place{source: "x"}, 0)
		}); err != nil {
			b.Fatal(err)
		}
		if inv := l.finish(); len(inv.Pods) != 10_000 {
			b.Fatalf("%d pods", len(inv.Pods))
		}
	}
}

func BenchmarkPlain(b *testing.B) {
	text := podsJSON(10_000)
	for b.Loop() {
		var list corev1.List
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			b.Fatal(err)
		}
		pods := make([]corev1.Pod, len(list.Items))
		for i := range list.Items {
			if err := json.Unmarshal(list.Items[i].Raw, &pods[i]); err != nil {
				b.Fatal(err)
			}
		}
	}
}

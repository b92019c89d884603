// Command decode does what every program has to do with a file of manifests: it splits the file into documents, as kubectl
// does, and decodes each into its type. It says how many there were.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	kjson "sigs.k8s.io/json"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "error: name a file")
		os.Exit(2)
	}
	documents, err := decode(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	fmt.Fprintln(os.Stdout, documents, "documents")
}

func decode(name string) (int, error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }() // Only read from.
	split := utilyaml.NewYAMLOrJSONDecoder(bufio.NewReader(f), 4096)
	for documents := 0; ; documents++ {
		var raw runtime.RawExtension
		if err := split.Decode(&raw); errors.Is(err, io.EOF) {
			return documents, nil
		} else if err != nil {
			return documents, err
		}
		var kind metav1.TypeMeta
		if err := kjson.UnmarshalCaseSensitivePreserveInts(raw.Raw, &kind); err != nil {
			return documents, err
		}
		if err := kjson.UnmarshalCaseSensitivePreserveInts(raw.Raw, typeOf(kind.Kind)); err != nil {
			return documents, err
		}
	}
}

// typeOf is what an object of the kind is decoded into.
func typeOf(kind string) any {
	switch kind {
	case "Pod":
		return &corev1.Pod{}
	case "Cluster":
		return &cnpgv1.Cluster{}
	case "CiliumNetworkPolicy":
		return &ciliumv2.CiliumNetworkPolicy{}
	case "NetworkPolicy":
		return &networkingv1.NetworkPolicy{}
	default:
		return &map[string]any{}
	}
}

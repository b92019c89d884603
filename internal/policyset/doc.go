// Package policyset holds the document's seven policies as typed builders, corrected so that Cilium
// enforces what the document's sentences mean, plus those that go beyond it (metrics, kubectl
// cnpg). It turns flags into Options, Options into policies, and live policies back
// into the flags that made them. Everything here is pure: values in, values out. What a policy does
// to a running cluster is computed by package change; nothing here talks to a server.
//
// Whoever is let in beside operator and peers is a Grant. All that the program knows about a kind of
// client stands in one entry of Definitions: its flag, its policy, when it is suggested, how it is
// documented. One more kind is one more entry.
//
// Where the built set differs from the document's text:
//
//   - Policy 1 has `ingress: [{}]` for `ingress: []`, which Cilium refuses and does not enforce.
//   - Policy 5 has matchLabels and matchExpressions directly in the fromEndpoints item; the
//     document's nested labelSelector is in no schema, and lets everybody of the namespace in.
//   - Only policy 1 brings default deny; the others say enableDefaultDeny: false. In the document, each
//     of them shuts out everybody whom it does not let in, from the moment in which it is applied.
//   - With ScopeCluster, policies 1 to 3 select the cluster's pods and not the whole namespace.
package policyset

package inventory

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// How the agents of konnectivity are recognised, through which API servers connect that stand apart from the nodes'
// network (see cloudnative-pg#6025).
const (
	KonnectivityNamespace = metav1.NamespaceSystem
	// KonnectivityApp is the value of one of KonnectivityLabels.
	KonnectivityApp = "konnectivity-agent"
)

// KonnectivityLabels are the keys of the label that names the agents. AKS labels them by "app".
func KonnectivityLabels() []string { return []string{"k8s-app", "app"} }

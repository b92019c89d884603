package inventory

import (
	barmanapi "github.com/cloudnative-pg/barman-cloud/pkg/api"
	cnpgv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Around is what databases depend on, and how they are reached, besides pods and policies. What is not
// known of it makes unknown only what depends on it.
type Around struct {
	// Others are the clusters that nobody asked about. They may need those that somebody did ask about.
	Others []*cnpgv1.Cluster
	// Services are those of all namespaces; AllServices tells that there are no others.
	Services    []*corev1.Service
	AllServices bool
	// EndpointSlices are those of the Service default/kubernetes, and of Services without a selector that
	// something refers to.
	EndpointSlices []*discoveryv1.EndpointSlice
	// Backups are those that clusters begin from.
	Backups       []*cnpgv1.Backup
	Subscriptions []*cnpgv1.Subscription
	ObjectStores  []ObjectStore
	// CIDRGroups are those that policies may refer to; AllCIDRGroups tells that there are no others.
	CIDRGroups    []*ciliumv2.CiliumCIDRGroup
	AllCIDRGroups bool
	Monitors      []Monitor
	// Unseen is what could not be read of all this.
	Unseen []Missing
}

// ObjectStore is one of barmancloud.cnpg.io/v1: where the Barman Cloud plugin keeps backups
// (api/v1/objectstore_types.go of plugin-barman-cloud).
type ObjectStore struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Configuration barmanapi.BarmanObjectStoreConfiguration `json:"configuration"`
		// InstanceSidecarConfiguration is about the containers that carry backups out of the instances' pods.
		InstanceSidecarConfiguration struct {
			Env []corev1.EnvVar `json:"env"`
		} `json:"instanceSidecarConfiguration"`
	} `json:"spec"`
}

// Monitor is a PodMonitor or ServiceMonitor of monitoring.coreos.com/v1: Prometheus, or another program that
// knows them, scrapes what it selects.
type Monitor struct {
	metav1.ObjectMeta `json:"metadata"`
	Kind              string `json:"kind"`
	Spec              struct {
		Selector          metav1.LabelSelector `json:"selector"`
		NamespaceSelector struct {
			Any        bool     `json:"any"`
			MatchNames []string `json:"matchNames"`
		} `json:"namespaceSelector"`
	} `json:"spec"`
}

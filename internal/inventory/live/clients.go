// Package live fills an inventory from an API server, once (Collect) or for as long as somebody
// watches (Watch): only reading, only what a verdict needs, lists in parallel and page by page. What
// can't be read is recorded as missing evidence.
package live

import (
	"fmt"
	"time"

	ciliumclient "github.com/cilium/cilium/pkg/k8s/client/clientset/versioned"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
)

// QPS are the requests per second, and Burst is how many there may be at once before that counts. A cluster is read
// with a few dozen requests, which client-go's own limit of 5 would make queue up; the server has its own protection.
const (
	QPS   = 50
	Burst = 100
)

// Clients talk to one API server.
type Clients struct {
	// Kubernetes reads the built-in kinds.
	Kubernetes kubernetes.Interface
	// Metadata reads the metadata of objects, without the rest.
	Metadata metadata.Interface
	// Cilium reads Cilium's policies and endpoints.
	Cilium ciliumclient.Interface
	// Dynamic reads CloudNativePG's kinds and ClusterNetworkPolicy.
	Dynamic dynamic.Interface
	// Server is the server's address, for messages.
	Server string
	// Now is the time by the server's clock, as its last answer told it; zero before the first one.
	Now func() time.Time
}

// NewClients makes the clients for config, which is not changed. They share one HTTP client, and
// with it the connections, credentials and time limits of config. Built-in kinds travel as protobuf.
func NewClients(config *rest.Config) (Clients, error) {
	config = rest.CopyConfig(config)
	if config.QPS == 0 {
		config.QPS, config.Burst = QPS, Burst
	}
	var told clock
	config.Wrap(told.listenTo)
	httpClient, err := rest.HTTPClientFor(config)
	if err != nil {
		return Clients{}, fmt.Errorf("the connection settings can't be used: %w", err)
	}
	if config.ExecProvider != nil {
		httpClient.Transport = impatient{httpClient.Transport}
	}
	typed := rest.CopyConfig(config)
	typed.ContentType = runtime.ContentTypeProtobuf
	typed.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON

	clients := Clients{Server: config.Host, Now: told.now}
	if clients.Kubernetes, err = kubernetes.NewForConfigAndClient(typed, httpClient); err != nil {
		return Clients{}, fmt.Errorf("client for Kubernetes: %w", err)
	}
	if clients.Metadata, err = metadata.NewForConfigAndClient(config, httpClient); err != nil {
		return Clients{}, fmt.Errorf("client for metadata: %w", err)
	}
	if clients.Cilium, err = ciliumclient.NewForConfigAndClient(config, httpClient); err != nil {
		return Clients{}, fmt.Errorf("client for Cilium: %w", err)
	}
	if clients.Dynamic, err = dynamic.NewForConfigAndClient(config, httpClient); err != nil {
		return Clients{}, fmt.Errorf("client for CloudNativePG: %w", err)
	}
	return clients, nil
}

package testserver

import (
	"context"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// Options say what is installed on a server. The zero value is a cluster with Cilium and CloudNativePG.
type Options struct {
	// Assets is the folder with kube-apiserver and etcd; see the function of that name.
	Assets string
	// WithoutCilium and WithoutCNPG leave out the custom resources of one of them.
	WithoutCilium, WithoutCNPG bool
	// WithClusterNetworkPolicy adds policy.networking.k8s.io/v1alpha2, which Cilium does not bring along.
	WithClusterNetworkPolicy bool
	// Cilium and CNPG are the versions whose custom resources are installed ("v1.18.6"); empty for those that the
	// plugin is built against.
	Cilium, CNPG string
}

// Server is a running API server with its etcd.
type Server struct {
	env       *envtest.Environment
	discovery discovery.DiscoveryInterface
	dynamic   dynamic.Interface
	// virgin is what was there after the start, for Reset.
	virgin map[objectKey]string
}

const (
	startTimeout = time.Minute
	stopTimeout  = 20 * time.Second
	// settleTimeout bounds the wait for what the API server writes by itself after a start.
	settleTimeout = 30 * time.Second
)

// Start starts a server and returns when its custom resources are served and it writes nothing
// more by itself. The caller stops it.
func Start(ctx context.Context, o Options) (*Server, error) {
	// controller-runtime complains on stderr when nobody says where its log goes.
	log.SetLogger(logr.Discard())
	files, err := crdFiles(ctx, o)
	if err != nil {
		return nil, err
	}
	env := &envtest.Environment{
		BinaryAssetsDirectory:    o.Assets,
		CRDDirectoryPaths:        files,
		ErrorIfCRDPathMissing:    true,
		ControlPlaneStartTimeout: startTimeout,
		ControlPlaneStopTimeout:  stopTimeout,
	}
	// Flow control would fill the server with objects that nobody looks at.
	env.ControlPlane.GetAPIServer().Configure().Set("enable-priority-and-fairness", "false")
	s := &Server{env: env}
	if err := s.start(ctx); err != nil {
		// What is half started is stopped; the first error is the one that matters.
		_ = env.Stop()
		return nil, fmt.Errorf("start the API server: %w", err)
	}
	return s, nil
}

func (s *Server) start(ctx context.Context) error {
	config, err := s.env.Start()
	if err != nil {
		return err
	}
	if s.discovery, err = discovery.NewDiscoveryClientForConfig(config); err != nil {
		return err
	}
	if s.dynamic, err = dynamic.NewForConfig(config); err != nil {
		return err
	}
	s.virgin, err = s.settle(ctx)
	return err
}

// Config connects as a cluster administrator.
func (s *Server) Config() *rest.Config { return rest.CopyConfig(s.env.Config) }

// Kubeconfig is a kubeconfig file of the same administrator.
func (s *Server) Kubeconfig() []byte { return s.env.KubeConfig }

// Stop ends the server and removes its data.
func (s *Server) Stop() error { return s.env.Stop() }

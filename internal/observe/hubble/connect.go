package hubble

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/inventory"
)

// serverName is that of the relay's certificate, as Cilium's chart makes it.
const serverName = "ui.hubble-relay.cilium.io"

// relayService and relayPort are those of Cilium's chart; the port is that of the pods.
const (
	relayService = "hubble-relay"
	relayPort    = 4245
)

// TLS is how the relay is spoken to.
type TLS struct {
	// Use is true for TLS at all.
	Use bool
	// CAFile has the certificates by which the relay is known; the system's when it is empty.
	CAFile string
	// ServerName is that of the certificate; that of Cilium's chart when it is empty.
	ServerName string
}

// Connect prepares a connection to an address. Errors of the network come with the first request.
func Connect(address string, t TLS) (*grpc.ClientConn, error) {
	transport := insecure.NewCredentials()
	if t.Use {
		config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: serverName}
		if t.ServerName != "" {
			config.ServerName = t.ServerName
		}
		if t.CAFile != "" {
			text, err := os.ReadFile(t.CAFile)
			if err != nil {
				return nil, fmt.Errorf("the certificates of Hubble's relay can't be read: %w", err)
			}
			config.RootCAs = x509.NewCertPool()
			if !config.RootCAs.AppendCertsFromPEM(text) {
				return nil, fmt.Errorf("the certificates of Hubble's relay can't be read: %q holds none in PEM", t.CAFile)
			}
		}
		transport = credentials.NewTLS(config)
	}
	// A proxy of the environment is for the way out of the network.
	return grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(transport), grpc.WithNoProxy())
}

// ErrNoRelay says that Hubble's relay was not found.
var ErrNoRelay = errors.New("hubble's relay was not found")

// Relay is a pod of the relay, and whether its Service is one for TLS.
func Relay(inv *inventory.Inventory) (pod *inventory.Pod, useTLS bool, _ error) {
	for _, s := range inv.Services {
		if s.Name != relayService || len(s.Spec.Selector) == 0 {
			continue
		}
		for i := range s.Spec.Ports {
			useTLS = useTLS || s.Spec.Ports[i].Port == 443
		}
		for i := range inv.Pods {
			p := &inv.Pods[i]
			if p.Namespace == s.Namespace && p.Phase == corev1.PodRunning && !p.Expected && selects(s.Spec.Selector, p.Labels) {
				return p, useTLS, nil
			}
		}
		return nil, useTLS, fmt.Errorf("%w: no pod of it runs in namespace %q", ErrNoRelay, s.Namespace)
	}
	return nil, false, fmt.Errorf("%w: there is no Service %s", ErrNoRelay, relayService)
}

func selects(selector, labels map[string]string) bool {
	for key, value := range selector {
		if labels[key] != value {
			return false
		}
	}
	return true
}

// Forward opens a port of this machine that leads to the relay's pod, by the API server, until ctx is done.
func Forward(ctx context.Context, config *rest.Config, client kubernetes.Interface, pod *inventory.Pod) (address string, _ error) {
	transport, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		return "", err
	}
	url := client.CoreV1().RESTClient().Post().Resource("pods").Namespace(pod.Namespace).Name(pod.Name).SubResource("portforward").URL()
	dialer := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, url)
	ready, failed := make(chan struct{}), make(chan error, 1)
	forwarder, err := portforward.NewOnAddresses(dialer, []string{"127.0.0.1"}, []string{fmt.Sprintf("0:%d", relayPort)}, ctx.Done(), ready, io.Discard, io.Discard)
	if err != nil {
		return "", err
	}
	go func() { failed <- forwarder.ForwardPorts() }()
	select {
	case <-ready:
	case err := <-failed:
		if err == nil {
			err = errors.New("it ended at once")
		}
		return "", err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	ports, err := forwarder.GetPorts()
	if err != nil || len(ports) == 0 {
		return "", errors.Join(err, errors.New("no port of this machine leads to the relay"))
	}
	return fmt.Sprintf("127.0.0.1:%d", ports[0].Local), nil
}

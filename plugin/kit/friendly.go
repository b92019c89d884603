package kit

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/clientcmd"
)

// friendly rewords errors of the Kubernetes libraries that users meet often, so that they say what
// to do. It looks at err itself and not at what err wraps. The cases follow StandardErrorMessage in
// k8s.io/kubectl/pkg/cmd/util/helpers.go.
func (w wording) friendly(err error) (string, bool) {
	if status, ok := err.(apierrors.APIStatus); ok {
		return friendlyStatus(status, err)
	}
	switch {
	case clientcmd.IsContextNotFound(err):
		return fmt.Sprintf("%s: 'kubectl config get-contexts' lists what there is", err), true
	case err == context.DeadlineExceeded:
		return "timed out", true
	case err == context.Canceled:
		return "interrupted", true
	}
	if connection, ok := err.(*url.Error); ok {
		return w.friendlyConnection(connection), true
	}
	return "", false
}

// friendlyStatus rewords an API server's answer.
func friendlyStatus(status apierrors.APIStatus, err error) (string, bool) {
	message := status.Status().Message
	switch {
	case apierrors.IsUnauthorized(err):
		return fmt.Sprintf("you must be logged in to the server (%s): check the user of the kubeconfig's context", message), true
	case apierrors.IsForbidden(err):
		return fmt.Sprintf("%s; 'kubectl auth can-i --list' shows what you may do", message), true
	case apierrors.IsTimeout(err), apierrors.IsServerTimeout(err):
		return fmt.Sprintf("the server did not answer in time (%s): try again, or raise --request-timeout", message), true
	}
	return "", false
}

// friendlyConnection rewords a request that never got an answer.
func (w wording) friendlyConnection(err *url.Error) string {
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	host := err.URL
	if server, parseErr := url.Parse(err.URL); parseErr == nil {
		host = server.Host
	}
	var unknown *net.DNSError
	switch {
	case err.Timeout():
		return fmt.Sprintf("the server %s did not answer in time: check the network, or raise --request-timeout", host)
	case strings.Contains(err.Err.Error(), "refused"):
		question := "is it the right one ('kubectl config current-context'), and does it run?"
		if w.named {
			question = "does it run?"
		}
		return fmt.Sprintf("the connection to the server %s was refused: %s", host, question)
	case errors.As(err, &unknown):
		return fmt.Sprintf("the server %s cannot be found (%v): check the server of the kubeconfig's context", host, unknown.Err)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Sprintf("the server %s did not answer in time: check the network, or raise --request-timeout", host)
	}
	return fmt.Sprintf("unable to connect to the server %s: %v", host, err.Err)
}

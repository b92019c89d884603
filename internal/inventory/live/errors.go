package live

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// errorKind is what an error of a request means for the rest of the work.
type errorKind int

const (
	// fatal errors hit every other request too.
	fatal errorKind = iota
	// forbidden: the user may not do this.
	forbidden
	// unknownKind: the server does not have such objects.
	unknownKind
	// failed: this request went wrong.
	failed
)

// kindOf sorts errors. An answer of the server concerns one kind; no answer concerns all.
func (c *collector) kindOf(ctx context.Context, err error) errorKind {
	var network net.Error
	var request *url.Error
	var answer apierrors.APIStatus
	switch {
	case ctx.Err() != nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fatal
	case apierrors.IsForbidden(err):
		return forbidden
	case apierrors.IsNotFound(err):
		return unknownKind
	case apierrors.IsUnauthorized(err):
		return fatal
	case errors.As(err, &answer):
		return failed
	case errors.As(err, &request), errors.As(err, &network):
		return fatal
	}
	return failed
}

// explain names the server in a fatal error, and what to do.
func (c *collector) explain(err error) error {
	if apierrors.IsUnauthorized(err) {
		return fmt.Errorf("the API server at %q does not accept the credentials: log in again or choose another --context: %w", c.clients.Server, err)
	}
	return fmt.Errorf("the API server at %q can't be reached: check --context, --kubeconfig and the network: %w", c.clients.Server, err)
}

// oneLine is the message of an error in one line.
func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

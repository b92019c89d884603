package kit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"syscall"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
)

// errFirst and errSecond stand for problems that a verb found.
var errFirst, errSecond = errors.New("first problem"), errors.New("second problem")

func TestExitCode(t *testing.T) {
	for _, test := range []struct {
		name string
		err  error
		want int
	}{
		{"nothing wrong", nil, 0},
		{"the answer is no", AnswerNo(nil), 1},
		{"refused, with a reason", AnswerNo(errFirst), 1},
		{"refused, wrapped", fmt.Errorf("cluster %q: %w", "shop-db", AnswerNo(errFirst)), 1},
		{"any other error", errFirst, 2},
		{"usage", UsageErrorf("--yes and --dry-run exclude each other"), 2},
		{"two refusals", errors.Join(AnswerNo(errFirst), AnswerNo(errSecond)), 1},
		{"a refusal and a failure", errors.Join(AnswerNo(errFirst), errSecond), 2},
		{"an aggregate of refusals", utilerrors.NewAggregate([]error{AnswerNo(errFirst), AnswerNo(errSecond)}), 1},
		{"a sentence with a failure in it", fmt.Errorf("%w, and %w", AnswerNo(errFirst), errSecond), 2},
		{"interrupted", context.Canceled, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := ExitCode(test.err); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}

func TestPrintError(t *testing.T) {
	pods := schema.GroupResource{Resource: "pods"}
	refused := &url.Error{Op: "Get", URL: "https://10.0.0.1:6443/api/v1/pods", Err: &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}}
	for _, test := range []struct {
		name string
		err  error
		want string
	}{
		{"silent no", AnswerNo(nil), ""},
		{"reason for a no", AnswerNo(errFirst), "error: first problem\n"},
		{"usage", UsageErrorf("--yes needs a cluster"),
			"error: --yes needs a cluster\nsee 'kubectl cnpg-netpol lockdown --help'\n"},
		{"joined", errors.Join(errFirst, errSecond), "error: first problem\nerror: second problem\n"},
		{"joined usage, one pointer", errors.Join(UsageErrorf("one"), UsageErrorf("two")),
			"error: one\nerror: two\nsee 'kubectl cnpg-netpol lockdown --help'\n"},
		{"joined in joined", errors.Join(errFirst, errors.Join(errSecond, errFirst)),
			"error: first problem\nerror: second problem\nerror: first problem\n"},
		{"joined, wrapped", fmt.Errorf("cluster %q: %w", "shop-db", errors.Join(errFirst, errSecond)),
			"error: cluster \"shop-db\": first problem\nerror: cluster \"shop-db\": second problem\n"},
		{"aggregate", utilerrors.NewAggregate([]error{errFirst, errSecond}),
			"error: first problem\nerror: second problem\n"},
		{"two errors in a sentence", fmt.Errorf("%w after %w", errFirst, errSecond), "error: first problem after second problem\n"},
		{"text of several lines", errors.New("yaml: line 2:\n  mapping values are not allowed"),
			"error: yaml: line 2: mapping values are not allowed\n"},
		{"control sequences", errors.New("pod \x1b[31m\u202ered"), "error: pod \\x1b[31m\\u202ered\n"},
		{"connection refused, wrapped", fmt.Errorf("list pods: %w", refused),
			"error: list pods: the connection to the server 10.0.0.1:6443 was refused: is it the right one ('kubectl config current-context'), and does it run?\n"},
		{"unknown host", &url.Error{Op: "Get", URL: "https://db.example/api", Err: &net.DNSError{Err: "no such host", Name: "db.example"}},
			"error: the server db.example cannot be found (no such host): check the server of the kubeconfig's context\n"},
		{"request timeout", &url.Error{Op: "Get", URL: "https://db.example/api", Err: context.DeadlineExceeded},
			"error: the server db.example did not answer in time: check the network, or raise --request-timeout\n"},
		{"other connection problem", &url.Error{Op: "Get", URL: "https://db.example/api", Err: errFirst},
			"error: unable to connect to the server db.example: first problem\n"},
		{"interrupted in a request", &url.Error{Op: "Get", URL: "https://db.example/api", Err: context.Canceled}, "error: interrupted\n"},
		{"interrupted", fmt.Errorf("wait for %q: %w", "shop-db", context.Canceled), "error: wait for \"shop-db\": interrupted\n"},
		{"timed out", fmt.Errorf("wait for %q: %w", "shop-db", context.DeadlineExceeded), "error: wait for \"shop-db\": timed out\n"},
		{"forbidden", fmt.Errorf("read: %w", apierrors.NewForbidden(pods, "", errors.New(`User "eve" cannot list resource "pods"`))),
			"error: read: pods is forbidden: User \"eve\" cannot list resource \"pods\"; 'kubectl auth can-i --list' shows what you may do\n"},
		{"unauthorized", apierrors.NewUnauthorized("token expired"),
			"error: you must be logged in to the server (token expired): check the user of the kubeconfig's context\n"},
		{"server timeout", apierrors.NewTimeoutError("etcd is slow", 1),
			"error: the server did not answer in time (Timeout: etcd is slow): try again, or raise --request-timeout\n"},
		{"other answer of the server", apierrors.NewNotFound(pods, "web"), "error: pods \"web\" not found\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var b bytes.Buffer
			PrintError(&b, "kubectl cnpg-netpol lockdown", test.err)
			if got := b.String(); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

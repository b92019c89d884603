//go:build e2e

package kind_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/tools/remotecommand"
)

// where says in which pod something runs.
type where func(ctx context.Context) (namespace, pod string, err error)

// follow runs a command in a pod and hands its lines on. The command gets the name of a file as its
// last argument, and ends when the file is there: nothing else ends a program in a pod when nobody
// listens to it any more. When the command ends before that, or can't be started, again says why and
// it is started again; so it is when it has said nothing for as long as silence, unless that is 0: when a container goes away, its
// stream may stay. The function that follow returns makes the file, and waits for the last line.
func (w *world) follow(t *testing.T, in where, line, again func(string), silence time.Duration, command ...string) (stop func()) {
	t.Helper()
	file := fmt.Sprintf("/dev/shm/stop-%d", time.Now().UnixNano())
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	stopping, done := make(chan struct{}), make(chan struct{})
	stop = sync.OnceFunc(func() {
		defer cancel()
		close(stopping)
		for limit := time.After(patience); ; {
			w.touch(ctx, in, file)
			select {
			case <-done:
				return
			case <-limit:
				again("it does not end")
				return
			case <-time.After(5 * time.Second): // Maybe touch could not run.
			}
		}
	})
	t.Cleanup(stop)
	go func() {
		defer close(done)
		for {
			err := w.lines(ctx, in, line, silence, append(command, file)...)
			select {
			case <-stopping:
				return
			default:
				again(fmt.Sprintf("it has ended: %v", err))
			}
			select {
			case <-stopping:
				return
			case <-time.After(time.Second):
			}
		}
	}()
	return stop
}

// touch makes a file in a pod, or gives up after a while: it is tried again.
func (w *world) touch(ctx context.Context, in where, file string) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if namespace, pod, err := in(ctx); err == nil {
		w.exec(ctx, namespace, pod, "touch", file)
	}
}

// lines runs a command in a pod until it ends, or says nothing for as long as silence, and hands its lines on.
func (w *world) lines(ctx context.Context, in where, line func(string), silence time.Duration, command ...string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	heard := func() {}
	if silence > 0 {
		dead := time.AfterFunc(silence, func() { cancel(fmt.Errorf("it has said nothing for %s", silence)) })
		defer dead.Stop()
		heard = func() { dead.Reset(silence) }
	}
	namespace, pod, err := in(ctx)
	if err != nil {
		return err
	}
	read, write := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := w.stream(ctx, namespace, pod, command, remotecommand.StreamOptions{Stdout: write, Stderr: write})
		_ = write.Close() // never fails
		ended <- err
	}()
	context.AfterFunc(ctx, func() { _ = read.Close() }) // never fails
	for lines := bufio.NewScanner(read); lines.Scan(); {
		heard()
		line(lines.Text())
	}
	_ = read.Close() // never fails
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

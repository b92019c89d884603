package kit

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"
)

func TestProgress(t *testing.T) {
	for _, test := range []struct {
		name string
		work func(*Progress)
		want string
	}{
		{"quick work shows nothing", func(p *Progress) {
			p.Update("reading pods")
			time.Sleep(progressDelay - time.Millisecond)
			p.Update("reading policies")
		}, ""},
		{"slow work shows what is going on", func(p *Progress) {
			p.Update("reading pods")
			time.Sleep(progressDelay + time.Millisecond)
		}, "\r\x1b[Kreading pods… 1s"},
		{"the line follows the work", func(p *Progress) {
			p.Update("reading pods")
			time.Sleep(progressDelay + progressInterval + time.Millisecond)
			p.Update("reading policies of %q", "shop")
		}, "\r\x1b[Kreading pods… 1s\r\x1b[Kreading pods… 2s\r\x1b[Kreading policies of \"shop\"… 2s"},
		{"control sequences are escaped", func(p *Progress) {
			p.Update("\x1b[2J")
			time.Sleep(progressDelay + time.Millisecond)
		}, "\r\x1b[K\\x1b[2J… 1s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var b bytes.Buffer
				p := newProgress(&b, 0)
				test.work(p)
				synctest.Wait()
				if got := b.String(); got != test.want {
					t.Errorf("got %q, want %q", got, test.want)
				}
				b.Reset()
				p.Stop()
				p.Stop()
				if erased := b.String() == "\r\x1b[K"; erased != (test.want != "") {
					t.Errorf("Stop prints %q after %q", b.String(), test.want)
				}
				time.Sleep(time.Minute)
				if b.Len() > len("\r\x1b[K") {
					t.Errorf("%q is printed after Stop", b.String())
				}
			})
		})
	}
}

func TestProgressFitsTheTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		p := newProgress(&b, 20)
		p.Update("%s", strings.Repeat("long ", 20))
		time.Sleep(progressDelay + time.Millisecond)
		if got := len([]rune(strings.TrimPrefix(b.String(), "\r\x1b[K"))); got == 0 || got > 19 {
			t.Errorf("%d columns of 20: %q", got, b.String())
		}
		p.Stop()
	})
}

func TestProgressBeginsAnewAfterStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		p := newProgress(&b, 80)
		p.Update("one")
		time.Sleep(time.Minute)
		p.Stop()
		b.Reset()
		p.Update("two")
		time.Sleep(progressDelay + time.Millisecond)
		p.Stop()
		if got, want := b.String(), "\r\x1b[Ktwo… 1s\r\x1b[K"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestNoProgressWithoutATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		p := NewGlobals(genericiooptions.IOStreams{ErrOut: &b}, "v0.1.0").Progress()
		p.Update("reading pods")
		time.Sleep(time.Minute)
		p.Stop()
		if b.Len() > 0 {
			t.Errorf("%q is printed", b.String())
		}
	})
}

//go:build unix

package terminal

import (
	"os"
	"os/signal"
	"syscall"
)

// Resized receives when the size of the terminal has changed, until stop is called. Where the system
// does not tell, it never does.
func Resized() (changed <-chan os.Signal, stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGWINCH)
	return signals, func() { signal.Stop(signals) }
}

package kit

import (
	"cmp"
	"io"
	"sync/atomic"
)

// Remembering keeps the first error of writing, for those who print and do not look at it: cobra's helps, and some
// of kubectl's printers.
type Remembering struct {
	io.Writer
	Err error
}

// Write implements io.Writer.
func (w *Remembering) Write(data []byte) (int, error) {
	n, err := w.Writer.Write(data)
	w.Err = cmp.Or(w.Err, err)
	return n, err
}

// LostOutput is an error that is told even where the reader of the output has gone away: a change was made, or
// was not, and nobody has read which.
type LostOutput struct{ Err error }

// Error says what was lost.
func (e LostOutput) Error() string { return e.Err.Error() }

func (e LostOutput) Unwrap() error { return e.Err }

// changes counts what must not be left in the middle.
type changes struct{ running atomic.Int32 }

// Changing says that something is being changed, until done is called: whoever interrupts the program waits for
// it to be finished or put back.
func (o *Globals) Changing() (done func()) {
	o.changes.running.Add(1)
	return func() { o.changes.running.Add(-1) }
}

// IsChanging tells whether something is being changed.
func (o *Globals) IsChanging() bool { return o.changes.running.Load() > 0 }

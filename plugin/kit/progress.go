package kit

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

const (
	// progressDelay is how long work must take before anything shows.
	progressDelay = time.Second
	// progressInterval is how often the seconds on the line are brought up to date.
	progressInterval = time.Second
)

// Progress is a line on a terminal that says what the plugin waits for. It appears when work takes
// longer than progressDelay, is drawn over as work goes on, and leaves nothing behind. On anything
// but a terminal it does nothing. It is safe for concurrent use.
type Progress struct {
	w       io.Writer
	columns int

	mu sync.Mutex
	// timer draws the line for the first time and again; nil when nothing is going on.
	timer *time.Timer
	// run counts the calls of Stop, so that a tick that waited for the lock meanwhile sees that its
	// run is over.
	run   int
	begun time.Time
	text  string
	drawn bool
}

// Progress returns the progress line of stderr. Callers stop it before they print.
func (o *Globals) Progress() *Progress {
	isatty, columns := terminal.Detect(o.ErrOut)
	if !isatty {
		return &Progress{}
	}
	return newProgress(o.ErrOut, columns)
}

// newProgress is for a terminal with so many columns; 0 is read as 80.
func newProgress(w io.Writer, columns int) *Progress {
	if columns <= 0 {
		columns = 80
	}
	return &Progress{w: w, columns: columns}
}

// Update says what is being done now, in a few words: "reading policies". The first call after
// Stop, or at all, starts the clock.
func (p *Progress) Update(format string, args ...any) {
	if p.w == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text = terminal.Escape(fmt.Sprintf(format, args...))
	if p.timer == nil {
		p.begun = time.Now()
		run := p.run
		p.timer = time.AfterFunc(progressDelay, func() { p.tick(run) })
		return
	}
	if p.drawn {
		p.draw()
	}
}

// Stop erases the line. It may be called more than once, and Update begins anew.
func (p *Progress) Stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer == nil {
		return
	}
	p.timer.Stop()
	p.timer = nil
	p.run++
	if p.drawn {
		fmt.Fprint(p.w, eraseLine)
		p.drawn = false
	}
}

func (p *Progress) tick(run int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if run != p.run {
		return
	}
	p.draw()
	p.timer.Reset(progressInterval)
}

// eraseLine goes to the first column and clears the line.
const eraseLine = "\r\x1b[K"

func (p *Progress) draw() {
	seconds := fmt.Sprintf("… %ds", int(time.Since(p.begun).Seconds()))
	room := p.columns - 1 - terminal.Width(seconds)
	fmt.Fprint(p.w, eraseLine, terminal.Shorten(p.text, room), seconds)
	p.drawn = true
}

package datapath

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Attempt is one attempt to connect, as the one who tried has seen it.
type Attempt struct {
	// Begun and Ended are by the clock of the machine that the nodes run on.
	Begun, Ended time.Time
	// Answered is true when the other side has given the right answer.
	Answered bool
	// Text is what was seen: the answer, or a program's complaint.
	Text string
}

// ParseAttempt reads the line of a probe's script: begin, end, exit code, and what was seen. The times
// are bash's EPOCHREALTIME.
func ParseAttempt(line string) (Attempt, error) {
	fields := strings.SplitN(line, " ", 4)
	if len(fields) < 3 {
		return Attempt{}, fmt.Errorf("%q: want BEGIN END CODE [TEXT]", line)
	}
	begun, err := parseTime(fields[0])
	if err != nil {
		return Attempt{}, fmt.Errorf("%q: %w", line, err)
	}
	ended, err := parseTime(fields[1])
	if err != nil {
		return Attempt{}, fmt.Errorf("%q: %w", line, err)
	}
	code, err := strconv.Atoi(fields[2])
	if err != nil {
		return Attempt{}, fmt.Errorf("%q: %q is no exit code", line, fields[2])
	}
	a := Attempt{Begun: begun, Ended: ended, Answered: code == 0}
	if len(fields) == 4 {
		a.Text = strings.TrimSpace(fields[3])
	}
	return a, nil
}

// parseTime reads bash's EPOCHREALTIME: seconds, a separator that depends on the locale, and six digits.
func parseTime(text string) (time.Time, error) {
	seconds, micros, found := strings.Cut(strings.ReplaceAll(text, ",", "."), ".")
	if !found || len(micros) != 6 {
		return time.Time{}, fmt.Errorf("%q is no time: want SECONDS.MICROSECONDS", text)
	}
	n, err := strconv.ParseInt(seconds+micros, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no time: want SECONDS.MICROSECONDS", text)
	}
	return time.UnixMicro(n), nil
}

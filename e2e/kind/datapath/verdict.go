package datapath

import "time"

// Verdict is what an attempt shows about the data path.
type Verdict string

// The verdicts. The first two are called as the plugin calls its own.
const (
	Allowed Verdict = "allowed"
	Denied  Verdict = "denied"
	// Undecided attempts show nothing: nobody answered, and no policy is known to have denied a packet. A
	// program that could not start, or a machine with too much to do, looks like this. Try again.
	Undecided Verdict = "undecided"
)

// Judge is the verdict about an attempt on a way, given the packets that policies have denied.
func Judge(a Attempt, path Path, drops []Drop) Verdict {
	if a.Answered {
		return Allowed
	}
	if Denials(path, a.Begun, a.Ended, drops) > 0 {
		return Denied
	}
	return Undecided
}

// Denials counts the packets on a way that policies have denied in a time.
func Denials(path Path, from, to time.Time, drops []Drop) int {
	count := 0
	for _, d := range drops {
		if !d.At.Before(from) && !d.At.After(to) && path.Took(d) {
			count++
		}
	}
	return count
}

package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// What one run reads is mostly needed until its end, so that collecting garbage frees little: it is done less
// often, as long as there is not much of it. A fixed limit of memory would make the collector run all the time once a
// fleet needs more than it; here, the more there is, the less room there is for garbage, down to a half.
const (
	mostPercent  = 800
	leastPercent = 50
	// room is how many bytes there may be in all, what was freed and is not given back included, or three quarters more than is needed
	// where that is more: the limit moves, so that no fleet is too large for it.
	room = 1300 << 20
	// comfortable is how many bytes the heap may have with its garbage before it is collected more often.
	comfortable = 1 << 30
)

// tuneGarbage sets how much garbage there may be, after each collection anew. GOGC and GOMEMLIMIT count when they
// are set.
func tuneGarbage() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetGCPercent(mostPercent)
	watchCollections()
}

// watchCollections learns of each collection as the value that it allocates is freed by it.
func watchCollections() {
	type canary struct{ _ [16]byte }
	runtime.SetFinalizer(&canary{}, func(*canary) {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		needed := live[0].Value.Uint64()
		debug.SetGCPercent(percentFor(needed))
		debug.SetMemoryLimit(int64(max(room, needed*7/4)))
		watchCollections()
	})
}

// percentFor is how much garbage there may be, in percent of so many bytes that are needed.
func percentFor(live uint64) int {
	if live == 0 {
		return mostPercent
	}
	if live >= comfortable {
		return leastPercent
	}
	return int(max(leastPercent, min(mostPercent, (comfortable-live)*100/live)))
}

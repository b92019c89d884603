package live

import (
	"sync"
	"time"
)

// watchedState is how well a kind is known. It may be used by several goroutines.
type watchedState struct {
	mu sync.Mutex
	// failure is why the kind can't be read or watched now, refused why not in all namespaces.
	failure, refused error
	// streams are open. There may be two for a moment: the informer does not wait for the end of one.
	streams int
	// late ends the patience of who waits for the next stream; nil when nobody does.
	late *time.Timer
}

// change changes the state, and tells whoever watches when something is wrong that was not, or the
// other way round.
func (k *watched) change(f func()) {
	k.mu.Lock()
	failed, limited := k.failure != nil, k.refused != nil
	f()
	changed := failed != (k.failure != nil) || limited != (k.refused != nil)
	k.mu.Unlock()
	if changed {
		k.notify()
	}
}

// note keeps an error, or that there is none any more.
func (k *watched) note(err error) {
	k.change(func() {
		k.failure = err
		k.stopWaiting()
	})
}

// narrow keeps why all namespaces can't be read, or that they can.
func (k *watched) narrow(refused error) { k.change(func() { k.refused = refused }) }

// opened counts a stream. With one that goes on from what is known, all is well.
func (k *watched) opened(well bool) {
	k.change(func() {
		k.streams++
		if well {
			k.failure = nil
			k.stopWaiting()
		}
	})
}

// complete is for a stream that has brought everything, of all namespaces.
func (k *watched) complete() {
	k.change(func() {
		k.failure, k.refused = nil, nil
		k.stopWaiting()
	})
}

// ended begins the wait for the next stream. Without one, nobody tells what changes.
func (k *watched) ended() {
	k.change(func() {
		k.streams--
		if k.streams > 0 {
			return
		}
		k.stopWaiting()
		var late *time.Timer
		late = time.AfterFunc(k.patience, func() {
			k.change(func() {
				if k.late == late && k.failure == nil {
					k.failure = k.silence()
				}
			})
		})
		k.late = late
	})
}

func (k *watched) stopWaiting() {
	if k.late != nil {
		k.late.Stop()
		k.late = nil
	}
}

// narrowed is why all namespaces can't be read; nil when they can.
func (k *watched) narrowed() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.refused
}

// state is whether the kind has ever been read, and what is wrong now.
func (k *watched) state() (read bool, failure error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.control.HasSynced(), k.failure
}

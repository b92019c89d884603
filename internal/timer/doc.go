// Package timer has the Jobs with whose end policies end, as values. Such a Job never runs a pod: it has no completions
// to wait for, so Kubernetes' Job controller calls it complete at once, its TTL controller deletes it when
// ttlSecondsAfterFinished are over, and its garbage collector then deletes the policies that have an owner reference to
// it. Nothing is installed for that, and nobody's client has to live until then.
//
// Nothing here asks a server: package rollout makes and ends timers.
package timer

// Package change is what stands between an intent and its execution, as values: the plan of a lockdown or an
// unlock, the proof that none of its prefixes interrupts what a database needs, what it would mean for everybody,
// the reasons not to go on, whether the result is what was promised, and the way back.
//
// A plan is computed from the policies that are there and those that are wanted. It is computed anew by every
// run, so a run that was interrupted anywhere is completed by the next. What a run has done is a plan as well, the
// journal: turned round, it is the plan of the roll-back.
//
// Nothing is asked here of a server or of a user, and nothing is done: package rollout carries plans out.
package change

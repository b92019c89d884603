// Package rollout plans and makes the changes of lockdown and unlock: what has to be created,
// updated and deleted, in which order, and how to put back what was there when a step fails.
//
// The plan is a value, computed from the policies that are there and those that are wanted. It is
// computed anew by every run, so a run that was interrupted anywhere is completed by the next. What
// a run has done is a value too, the journal: turned round, it is the plan of the roll-back.
package rollout

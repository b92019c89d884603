// Package change holds the verbs that are about a change of policies: lockdown and unlock, which make
// one, and diff, which shows what lockdown would change. They preview, ask, and print what was done;
// which policies there will be, and in which order, is decided elsewhere.
package change

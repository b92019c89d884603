// Package kit is what the verbs share: the streams and flags that all of them have, where an inventory
// comes from, choosing clusters, flags with a few values, completion, progress, contexts, and what
// errors become: messages and exit codes. It knows no verb, and decides nothing about policies.
package kit

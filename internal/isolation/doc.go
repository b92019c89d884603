// Package isolation computes what an inventory means: posture, required flows, exposure, findings,
// and the preview of a change. It takes values and returns values: no client, no clock, no stream.
// Every verdict comes from package engine.
package isolation

// Package assess says what a model means for each cluster: posture, required flows, exposure and
// findings, once or for one inventory after the other. Every verdict comes from package engine. What
// would be after a change, and why a single connection is allowed, is never answered here.
package assess

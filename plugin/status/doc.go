// Package status is the verb status: once, for several contexts, or for as long as somebody watches. It
// collects inventories and prints reports; what they say is computed elsewhere.
package status

// Package expect has expectations as values: who must and who must not connect. It reads them, without a file
// or a stream, puts each to a model as package explain and package assess do, and compares the answers; and it
// writes today's state as expectations. What an answer is, is never decided here.
package expect

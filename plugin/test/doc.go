// Package test is the verb test: it reads files of expectations, collects what the answers need, and prints what
// came of each; or it writes today's state as expectations. The answers are computed elsewhere.
package test

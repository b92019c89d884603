// Package explain is the verb explain: it turns the command line into one question, collects what the
// answer needs, and prints it. The answer is computed elsewhere.
package explain

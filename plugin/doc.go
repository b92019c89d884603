// Package plugin puts the command line of kubectl cnpg-netpol together: the root command with the
// verbs below it, the help, and the commands that are about the plugin itself. Main turns what a verb
// returns into a message and an exit code. What a verb does is in the package of the verb.
package plugin

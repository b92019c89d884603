// Package plugin is the command line of kubectl cnpg-netpol: the root command, the flags that all
// verbs share, one file for each verb, and the one place that turns errors into messages and exit
// codes. A verb turns its flags into typed options, collects an inventory, lets the inner packages
// compute, and prints. Nothing about policies is decided here.
package plugin

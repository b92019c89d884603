// Package clients says who uses a database: it joins the evidence of package observe, what Cilium's engine says
// about each client, and the lockdown that lets in those who use it. What was not covered is never taken for
// nobody. It asks no server, and changes nothing.
package clients

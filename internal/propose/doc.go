// Package propose looks for the smallest change that lets somebody in who is denied: a flag of lockdown,
// or a policy of the user's own. The engine has tried whatever is proposed. It never changes anything.
package propose

package terminal

import "golang.org/x/term"

// Detect says whether a stream is a terminal, and how many columns it has: 0 when it is none or
// does not tell. It is the only place that asks the system.
func Detect(stream any) (isatty bool, columns int) {
	file, ok := stream.(interface{ Fd() uintptr })
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return false, 0
	}
	columns, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return true, 0
	}
	return true, columns
}

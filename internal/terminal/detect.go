package terminal

import "golang.org/x/term"

// Detect says whether a stream is a terminal, and how many columns it has: 0 when it is none or
// does not tell. Only this file and Resized ask the system.
func Detect(stream any) (isatty bool, columns int) {
	isatty, columns, _ = detect(stream)
	return isatty, columns
}

// Rows is how many rows a terminal has; 0 when the stream is none or does not tell.
func Rows(stream any) int {
	_, _, rows := detect(stream)
	return rows
}

func detect(stream any) (isatty bool, columns, rows int) {
	file, ok := stream.(interface{ Fd() uintptr })
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return false, 0, 0
	}
	columns, rows, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return true, 0, 0
	}
	return true, columns, rows
}

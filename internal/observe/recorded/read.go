// Package recorded reads flows that Hubble or the agents' exporter have written: files, gzipped or not, and
// standard input. What the lines say is package observe's to know.
package recorded

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/observe"
)

// maxLine is the length beyond which a line is no flow: they take a few kilobytes.
const maxLine = 1 << 20

// Read gives the lines of a file to flows; of stdin for the name "-". What follows something that can't be
// read, such as the end of a file that is still being compressed, is counted as unread. The error is about a
// file that can't be read at all.
func Read(ctx context.Context, name string, stdin io.Reader, flows *observe.Flows) error {
	if name == "-" {
		return read(ctx, stdin, flows)
	}
	file, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("the flows can't be read: %w", err)
	}
	defer func() { _ = file.Close() }() // It was only read.
	if err := read(ctx, file, flows); err != nil {
		return fmt.Errorf("the flows of %q can't be read: %w", name, err)
	}
	return nil
}

func read(ctx context.Context, from io.Reader, flows *observe.Flows) error {
	reader := bufio.NewReaderSize(from, 1<<16)
	if magic, err := reader.Peek(2); err == nil && bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		unzipped, err := gzip.NewReader(reader)
		if err != nil {
			return err
		}
		reader = bufio.NewReaderSize(unzipped, 1<<16)
	}
	var line []byte
	for number := uint64(1); ; number++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		var err error
		var long bool
		line, long, err = next(reader, line[:0])
		if long {
			flows.Unread(fmt.Errorf("line %d: longer than %d bytes", number, maxLine))
		} else {
			flows.Line(number, line)
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && number == 1 && len(line) == 0:
			return err
		case err != nil:
			flows.Unread(fmt.Errorf("after line %d: %w", number, err))
			return nil
		}
	}
}

// next is a line, in the memory of the last one. What is beyond its greatest length is passed over.
func next(reader *bufio.Reader, line []byte) (_ []byte, long bool, _ error) {
	for {
		part, err := reader.ReadSlice('\n')
		if len(line)+len(part) > maxLine {
			long = true
		} else {
			line = append(line, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, long, err
		}
	}
}

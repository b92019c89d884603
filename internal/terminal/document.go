package terminal

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"sigs.k8s.io/yaml"
)

// EscapeJSON writes what a terminal would act on (C1 controls, bidirectional overrides) as \u escapes:
// encoding/json does so for ASCII only. It is the same JSON, since such runes can only occur inside
// strings. Nearly all of it is plain ASCII, which is copied as it is.
func EscapeJSON(data []byte) []byte {
	if !slices.ContainsFunc(data, isSpecial) {
		return data
	}
	var out bytes.Buffer
	for rest := data; len(rest) > 0; {
		plain := slices.IndexFunc(rest, isSpecial)
		if plain < 0 {
			plain = len(rest)
		}
		out.Write(rest[:plain])
		if rest = rest[plain:]; len(rest) == 0 {
			break
		}
		r, size := utf8.DecodeRune(rest)
		rest = rest[size:]
		switch {
		case Visible(r):
			out.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.Bytes()
}

// isSpecial tells whether a byte is more than a visible ASCII character or a line break.
func isSpecial(b byte) bool { return (b < ' ' || b > '~') && b != '\n' }

// EscapeYAML is JSON as YAML, or JSON again where there is something in it that a terminal would act on:
// YAML lets bidirectional overrides stand in plain scalars, where they can't be escaped, and JSON is
// YAML too. The error is that it is no JSON.
func EscapeYAML(data []byte) ([]byte, error) {
	// The YAML library reads JSON as YAML on its way, and rejects raw control characters there.
	data = longEscapes(EscapeJSON(data))
	text, err := yaml.JSONToYAML(data)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(EscapeJSON(text), text) {
		return data, nil
	}
	return text, nil
}

// longEscapes writes pairs of surrogates, which are JSON's way to write characters beyond U+FFFF, as YAML does.
func longEscapes(data []byte) []byte {
	const length = len(`\u0000`)
	if !bytes.Contains(data, []byte(`\ud`)) {
		return data
	}
	out := make([]byte, 0, len(data))
	for i := 0; i < len(data); {
		if data[i] != '\\' || i+1 >= len(data) {
			out = append(out, data[i])
			i++
			continue
		}
		high, low := escaped(data[i:]), rune(-1)
		if high >= 0 && i+length < len(data) {
			low = escaped(data[i+length:])
		}
		if r := utf16.DecodeRune(high, low); high >= 0 && low >= 0 && r != utf8.RuneError {
			out = fmt.Appendf(out, `\U%08x`, r)
			i += 2 * length
			continue
		}
		out = append(out, data[i], data[i+1])
		i += 2
	}
	return out
}

// escaped is the character of an escape of four digits at the beginning, -1 where there is none.
func escaped(data []byte) rune {
	const length = len(`\u0000`)
	if len(data) < length || data[0] != '\\' || data[1] != 'u' {
		return -1
	}
	n, err := strconv.ParseUint(string(data[2:length]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(n)
}

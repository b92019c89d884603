package kit

import "testing"

func TestDedent(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"raw literal", "\n\t\t\tone\n\t\t\t  two\n\n\t\t\tthree\n\t\t", "one\n  two\n\nthree"},
		{"single line", "one", "one"},
		{"nothing", "", ""},
		{"trailing spaces", "\n\tone  \n", "one"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Long(test.text); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	if got, want := Examples("\n\t\t# one\n\t\ttwo\n\n\t\tthree"), "  # one\n  two\n\n  three"; got != want {
		t.Errorf("examples: got %q, want %q", got, want)
	}
}

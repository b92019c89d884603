package markdown_test

import (
	"bytes"
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	gmhtml "github.com/yuin/goldmark/renderer/html"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/markdown"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// Inline says how it is written.
func TestInline(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "",
		"the API server can't be reached": "the API server can't be reached",
		"port 5432, 8000: \"shop\"":       `port 5432, 8000: "shop"`,
		"spec.ingress[0].fromCIDR":        `spec.ingress\[0\].fromCIDR`,
		"a_b *c* ~d":                      "a\\_b \\*c\\* `~d`",
		"<b>&amp;|":                       "`<b>&amp;`&#124;",
		"<b> | \\":                        `&lt;b&gt; &#124; \\`,
		"ask @org/team about #12":         "ask `@org/team` about `#12`",
		"see https://evil.example now":    "see `https://evil.example` now",
		"a@b.example www.evil.example":    "`a@b.example` `www.evil.example`",
		"GH-12 :tada: :+1: host:5432: $x$ deadbeef": "`GH-12` `:tada:` `:+1:` host:5432: `$x$` `deadbeef`",
		"- item":           `\- item`,
		"12. item":         `12\. item`,
		"# title":          `\# title`,
		"one\ntwo\x1b[0m":  `one\\ntwo\\x1b\[0m`,
		"  much   space  ": "much space",
	} {
		if got := markdown.Text(text); string(got) != want {
			t.Errorf("Text(%q) is %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"":             "",
		"cnp/shop":     "`cnp/shop`",
		"a`b":          "`` a`b ``",
		"a|b":          "`a`&#124;`b`",
		"|":            "&#124;",
		" a\nb ":       "`a\\nb`",
		"<b>@me</b> *": "`<b>@me</b> *`",
		`\`:            "`\\`",
	} {
		if got := markdown.Code(text); string(got) != want {
			t.Errorf("Code(%q) is %q, want %q", text, got, want)
		}
	}
}

// A document is what people review in a pull request.
func TestDocument(t *testing.T) {
	var d markdown.Document
	d.Heading(2, markdown.Text("Databases"))
	d.Paragraph(markdown.Bold("2"), markdown.Text("of them"), "")
	d.Paragraph("")
	d.List()
	d.List(markdown.Text("one"), markdown.Code("two"))
	d.Table([]markdown.Inline{"A", "B"}, nil)
	d.Table([]markdown.Inline{"A", "B"}, [][]markdown.Inline{{"1", ""}, {markdown.Text("x|y"), markdown.Code("x|y")}})
	d.Details("2 <more> for @you", func() { d.Fence("sh", "echo '```'\nrm x\u202e\n") })
	var out bytes.Buffer
	if _, err := d.WriteTo(&out); err != nil || d.Len() != out.Len() {
		t.Fatal(err, d.Len())
	}
	want := strings.Join([]string{
		"## Databases", "", "**2** of them", "", "- one", "- `two`", "",
		"| A | B |", "| --- | --- |", "| 1 |  |", "| x&#124;y | `x`&#124;`y` |", "",
		"<details>", "<summary>2 &lt;more&gt; for <code>@you</code></summary>", "",
		"````sh", "echo '```'", `rm x\u202e`, "````", "", "</details>", "",
	}, "\n")
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

// FuzzText makes sure that text shows as it is, wherever it stands, by a parser of Markdown with GitHub's extensions.
// What GitHub looks for behind that is only in code, where it does not look.
func FuzzText(f *testing.F) {
	for _, text := range []string{
		"plain words", "<script>alert(1)</script>", "![x](https://evil.example/x.png)", "[x]: https://evil.example", "@all #1 !2 GH-3",
		"| --- | --- |", "a|b\\|c\\\\|d", "`a` ``b|c`` ```d", "``` sh", "~~~", "~~x~~", "- [ ] task", "1. one", "    code", "***", "===", "> quote",
		"[^1]: note", "&lt;&#64;all", "\\", "\\|", "x\\", "`\\`|", "a@b.example", "http://a", "<https://evil.example>", "mailto:a@b.example", "**a _b_**",
		"$$x$$", "line\r\nbreak", "\x00\x1b\u202e\xff", "</summary></details><b>", "ftp://x.example.com/", "(www.example.com)",
	} {
		f.Add(text)
	}
	render := goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote), goldmark.WithRendererOptions(gmhtml.WithUnsafe()))
	f.Fuzz(func(t *testing.T, text string) {
		shown := strings.Join(strings.Fields(terminal.Escape(text)), " ")
		if shown == "" {
			return // There is nothing to show.
		}
		for what, inline := range map[string]markdown.Inline{"text": markdown.Text(text), "code": markdown.Code(text)} {
			for where, write := range map[string]func(d *markdown.Document){
				"paragraph": func(d *markdown.Document) { d.Paragraph(inline) },
				"heading":   func(d *markdown.Document) { d.Heading(3, inline) },
				"list":      func(d *markdown.Document) { d.List(inline) },
				"bold":      func(d *markdown.Document) { d.Paragraph("x", markdown.Bold(inline)) },
				"table":     func(d *markdown.Document) { d.Table([]markdown.Inline{"A", "B"}, [][]markdown.Inline{{inline, "end"}}) },
				"summary":   func(d *markdown.Document) { d.Details(text, func() { d.Paragraph("body") }) },
			} {
				var d markdown.Document
				write(&d)
				var source, out bytes.Buffer
				if _, err := d.WriteTo(&source); err != nil {
					t.Fatal(err)
				}
				if err := render.Convert(source.Bytes(), &out); err != nil {
					t.Fatal(err)
				}
				rest := out.String()
				for _, tag := range elements.FindAllString(rest, -1) {
					if !ours.MatchString(tag) {
						t.Fatalf("%s in a %s has %s of %q:\n%s", what, where, tag, text, source.String())
					}
				}
				if visible := visible(rest); !strings.Contains(visible, strings.Join(strings.Fields(shown), " ")) && where != "bold" {
					t.Fatalf("%s in a %s shows %q as %q:\n%s", what, where, shown, visible, source.String())
				}
				outside := html.UnescapeString(elements.ReplaceAllString(codes.ReplaceAllString(rest, " "), ""))
				if link := links.FindString(outside); link != "" {
					t.Fatalf("%s in a %s: %q is outside of code:\n%s", what, where, link, source.String())
				}
			}
		}
	})
}

var (
	elements = regexp.MustCompile(`<[^>]*>`)
	ours     = regexp.MustCompile(`^</?(p|code|h3( id="[^"]*")?|ul|li|strong|table|thead|tbody|tr|th|td|details|summary)>$`)
	codes    = regexp.MustCompile(`(?s)<code>.*?</code>`)
	// links are what GitHub and GitLab make links of.
	links = regexp.MustCompile(`[@#!][\pL\pN_]|://|www\.`)
)

// visible is what a reader sees: no elements, one blank for all space.
func visible(rendered string) string {
	return strings.Join(strings.Fields(html.UnescapeString(elements.ReplaceAllString(rendered, ""))), " ")
}

package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestCommandLinesAreValues makes sure that what computes and what renders holds no command line as text: it
// could neither be quoted nor be given a context. Package command is where they are made.
func TestCommandLinesAreValues(t *testing.T) {
	house := read(t)
	line := regexp.MustCompile(`\bkubectl (cnpg-netpol|get|delete|describe|label|auth|config|apply|rollout) `)
	for _, file := range goFiles(t) {
		row := house.row(filepath.ToSlash(filepath.Dir(file)))
		if row == nil || row.section != computes && row.section != renders || strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				if text, err := strconv.Unquote(literal.Value); err == nil && line.MatchString(text+" ") {
					t.Errorf("%s holds a command line as text, which belongs to package command: %s", file, literal.Value)
				}
			}
			return true
		})
	}
}

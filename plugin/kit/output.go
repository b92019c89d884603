package kit

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/printers"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/object"
)

// templates are the values of -o that take a template behind an equals sign, as in kubectl get. With -file
// at the end, it is the name of a file that has it.
func templates() []string {
	return []string{"jsonpath", "jsonpath-as-json", "go-template", "custom-columns"}
}

// fileTemplates are the same whose template is in a file.
func fileTemplates() []string {
	return []string{"jsonpath-file", "go-template-file", "custom-columns-file"}
}

// output is the flag -o of the commands that print reports.
type output struct {
	value   *report.Output
	formats []report.Format
	text    string
}

// OutputVarP adds -o/--output, which takes one of the formats or one of kubectl's templates. The default
// is what value holds.
func OutputVarP(cmd *cobra.Command, value *report.Output, formats []report.Format) {
	o := &output{value, formats, string(value.Format)}
	cmd.Flags().VarP(o, "output", "o", fmt.Sprintf(
		"Output format: %s; or as in kubectl get jsonpath=…, go-template=…, custom-columns=…, each also with -file", strings.Join(o.names(), ", ")))
	// The only errors are a flag that does not exist and one that has completions already.
	_ = cmd.RegisterFlagCompletionFunc("output", o.complete)
}

// Set is called by pflag, which puts the flag's name and the rejected value into the message.
func (o *output) Set(text string) error {
	name, template, _ := strings.Cut(text, "=")
	if slices.Contains(o.formats, report.Format(text)) {
		*o.value, o.text = report.Output{Format: report.Format(text)}, text
		return nil
	}
	if !slices.Contains(slices.Concat(templates(), fileTemplates()), name) {
		return fmt.Errorf("must be one of %s", strings.Join(slices.Concat(o.names(), templateForms()), ", "))
	}
	printer, err := templatePrinter(name, template)
	if err != nil {
		return err
	}
	*o.value, o.text = report.Output{Template: printer}, text
	return nil
}

// String is the present value.
func (o *output) String() string { return o.text }

// Type is what the help shows for the value.
func (o *output) Type() string { return "string" }

func (o *output) names() []string {
	names := make([]string, len(o.formats))
	for i, format := range o.formats {
		names[i] = string(format)
	}
	return names
}

// templateForms are the templates as a user writes them.
func templateForms() []string {
	var forms []string
	for _, name := range slices.Concat(templates(), fileTemplates()) {
		forms = append(forms, name+"=…")
	}
	return forms
}

func (o *output) complete(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	directive := cobra.ShellCompDirectiveNoFileComp
	values := o.names()
	for _, name := range slices.Concat(templates(), fileTemplates()) {
		values = append(values, name+"=")
	}
	values = slices.DeleteFunc(values, func(value string) bool { return !strings.HasPrefix(value, typed) })
	if !slices.ContainsFunc(values, func(value string) bool { return !strings.HasSuffix(value, "=") }) {
		// The template follows without a space.
		directive |= cobra.ShellCompDirectiveNoSpace
	}
	return values, directive
}

// templatePrinter is kubectl's printer for a template.
func templatePrinter(name, template string) (printers.ResourcePrinter, error) {
	if template == "" {
		return nil, fmt.Errorf("%s takes a template: %s", name, example(name))
	}
	if kind, isFile := strings.CutSuffix(name, "-file"); isFile {
		content, err := os.ReadFile(template)
		if err != nil {
			return nil, fmt.Errorf("read the template: %w", err)
		}
		if kind == "custom-columns" {
			return object.NewColumnsFromFile(string(content))
		}
		name, template = kind, string(content)
	}
	if name == "custom-columns" {
		return object.NewColumns(template)
	}
	printer, err := genericclioptions.NewKubeTemplatePrintFlags().ToPrinter(name + "=" + template)
	if err != nil {
		// The printer repeats the template, and the flag has named it already.
		return nil, errors.New(strings.Replace(err.Error(), " "+template+",", ":", 1))
	}
	return printer, nil
}

// example is how a template is written.
func example(name string) string {
	switch name {
	case "custom-columns":
		return name + "=NAME:.metadata.name,POSTURE:.posture"
	case "go-template":
		return name + "='{{.kind}}'"
	case "jsonpath", "jsonpath-as-json":
		return name + "='{.kind}'"
	default:
		return name + "=FILE"
	}
}

package object

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/terminal"
)

// atOnce is how many reports are encoded at a time: enough for every processor, and few enough that their text is
// small beside the reports.
const atOnce = 64

const (
	// indent is what kubectl's printer writes at each level, and inItems what stands before an item of a list.
	indent  = "    "
	inItems = indent + indent
	// noItems is the line of a list without items as that printer writes it. No text inside has a line break, so
	// that it stands there once.
	noItems = "\n    \"items\": []"
)

// reports writes a list as JSON would. Its reports are encoded side by side, some at a time: what is written is let go
// before the next ones.
func reports(w io.Writer, list v1alpha1.IsolationReportList) error {
	items := list.Items
	list.TypeMeta = metav1.TypeMeta{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.IsolationReportListKind}
	list.Items = []v1alpha1.IsolationReport{}
	var frame bytes.Buffer
	if err := whole(&frame, list); err != nil {
		return err
	}
	before, after, found := bytes.Cut(frame.Bytes(), []byte(noItems))
	if !found {
		return fmt.Errorf("encode as JSON: a list without items lacks the line %q", noItems)
	}
	if _, err := fmt.Fprintf(w, "%s\n    \"items\": [", before); err != nil {
		return err
	}
	for start := 0; start < len(items); start += atOnce {
		batch := items[start:min(start+atOnce, len(items))]
		texts, err := indentedEach(batch)
		if err != nil {
			return err
		}
		for i, text := range texts {
			separator := ","
			if start+i == 0 {
				separator = ""
			}
			if _, err := fmt.Fprintf(w, "%s\n%s%s", separator, inItems, text); err != nil {
				return err
			}
		}
	}
	_, err := fmt.Fprintf(w, "\n    ]%s", after)
	return err
}

// indentedEach are the texts of some reports as they stand in a list.
func indentedEach(items []v1alpha1.IsolationReport) ([][]byte, error) {
	texts := make([][]byte, len(items))
	var work errgroup.Group
	work.SetLimit(runtime.GOMAXPROCS(0))
	for i, item := range items {
		work.Go(func() error {
			data, err := json.Marshal(normalized(item))
			if err != nil {
				return fmt.Errorf("encode as JSON: %w", err)
			}
			var text bytes.Buffer
			if err := json.Indent(&text, terminal.EscapeJSON(data), inItems, indent); err != nil {
				return fmt.Errorf("encode as JSON: %w", err)
			}
			texts[i] = text.Bytes()
			return nil
		})
	}
	return texts, work.Wait()
}

package object_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/api/v1alpha1"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/example"
	"github.com/cnpg-netpol/kubectl-cnpg-netpol/internal/report/object"
)

// fleet is a list that is not encoded at once; one of its names looks like a list without items.
func fleet(t *testing.T) v1alpha1.IsolationReportList {
	t.Helper()
	list, hostile := example.Locked(t), example.Hostile(t).Items
	one := list.Items[0]
	list.Items = hostile
	for i := range 300 {
		one.Metadata.Name = fmt.Sprintf("pg-%d\n    \"items\": []", i)
		list.Items = append(list.Items, one)
	}
	return list
}

func TestALongListIsEncodedAsAShortOne(t *testing.T) {
	list := fleet(t)
	text := encoded(t, "json", list)
	var compact, again bytes.Buffer
	if err := json.Compact(&compact, []byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := json.Indent(&again, compact.Bytes(), "", "    "); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(again.String()+"\n", text); diff != "" {
		t.Errorf("not indented as kubectl does (-want +got):\n%s", diff)
	}
	var got v1alpha1.IsolationReportList
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Items) != len(list.Items) {
		t.Fatalf("%d reports, want %d", len(got.Items), len(list.Items))
	}
	for i := range got.Items {
		if got.Items[i].Metadata.Name != list.Items[i].Metadata.Name {
			t.Errorf("report %d is of %q, want %q", i, got.Items[i].Metadata.Name, list.Items[i].Metadata.Name)
		}
	}
}

// full takes so many bytes and then fails, as a full disk does.
type full int

func (f *full) Write(data []byte) (int, error) {
	if *f -= full(len(data)); *f < 0 {
		return 0, errFull
	}
	return len(data), nil
}

var errFull = errors.New("no space left")

func TestAnOutputThatIsFullIsAnError(t *testing.T) {
	list := fleet(t)
	size := len(encoded(t, "json", list))
	for _, room := range []int{0, 10, 1000, size / 2, size - 1} {
		out := full(room)
		if err := object.JSON(&out, list); !errors.Is(err, errFull) {
			t.Errorf("room for %d of %d bytes: %v, want %v", room, size, err, errFull)
		}
	}
}

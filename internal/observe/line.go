package observe

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	flowpb "github.com/cilium/cilium/api/v1/flow"
	observerpb "github.com/cilium/cilium/api/v1/observer"
	"google.golang.org/protobuf/encoding/protojson"
)

// Line takes a line as 'hubble observe -o jsonpb' and the exporter of the agents write them. One that is no
// event of Hubble's is counted in the coverage; number is what it is called there.
func (f *Flows) Line(number uint64, line []byte) {
	if line = bytes.TrimSpace(line); len(line) == 0 {
		return
	}
	r, err := Decode(line)
	if err != nil {
		f.Unread(fmt.Errorf("line %d: %w", number, err))
		return
	}
	f.Add(r)
}

// Unread counts a line that can't be read.
func (f *Flows) Unread(err error) {
	if f.coverage.Unread == 0 {
		f.coverage.Unreadable = err.Error()
	}
	f.coverage.Unread++
}

// events are the members of an exporter's event that say nothing about connections.
var events = [][]byte{[]byte(`"agent_event"`), []byte(`"debug_event"`)} //nolint:gochecknoglobals // A constant of a type that can't be one.

// Decode reads an event, or a flow by itself, as versions of Hubble before 0.8 have written it.
func Decode(line []byte) (*observerpb.GetFlowsResponse, error) {
	lenient := protojson.UnmarshalOptions{DiscardUnknown: true}
	r := &observerpb.GetFlowsResponse{}
	if err := lenient.Unmarshal(line, r); err != nil {
		return nil, errors.New(reason(err))
	}
	if r.GetResponseTypes() != nil {
		return r, nil
	}
	flow := &flowpb.Flow{}
	if err := lenient.Unmarshal(line, flow); err == nil && (flow.GetIP() != nil || flow.GetSource() != nil) {
		r.ResponseTypes = &observerpb.GetFlowsResponse_Flow{Flow: flow}
		return r, nil
	}
	for _, event := range events {
		if bytes.Contains(line, event) {
			return r, nil
		}
	}
	return nil, errors.New("neither a flow nor another event of Hubble's")
}

// reason is an error of protojson without its prefix, which varies on purpose.
func reason(err error) string {
	_, text, found := strings.Cut(err.Error(), "proto:")
	if !found {
		text = err.Error()
	}
	return strings.Join(strings.Fields(text), " ")
}

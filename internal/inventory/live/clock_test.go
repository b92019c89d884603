package live

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// answers is a server with a clock of its own.
type answers struct{ date func() time.Time }

func (a answers) RoundTrip(*http.Request) (*http.Response, error) {
	header := http.Header{}
	if at := a.date(); !at.IsZero() {
		header.Set("Date", at.UTC().Format(http.TimeFormat))
	}
	return &http.Response{StatusCode: http.StatusOK, Header: header, Body: http.NoBody}, nil
}

// Deadlines are by the server's clock, however wrong that of this machine is.
func TestTheClockIsTheServers(t *testing.T) {
	for name, skew := range map[string]time.Duration{"in time": 0, "five minutes behind": 5 * time.Minute, "five minutes ahead": -5 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told clock
				if !told.now().IsZero() {
					t.Error("no answer has told the time")
				}
				server := func() time.Time { return time.Now().Add(skew) }
				ask := func(date func() time.Time) {
					t.Helper()
					answer, err := told.listenTo(answers{date}).RoundTrip(nil)
					if err != nil {
						t.Fatal(err)
					}
					_ = answer.Body.Close()
				}
				ask(server)
				time.Sleep(90 * time.Second)
				if got := told.now(); !got.Equal(server().Truncate(time.Second)) {
					t.Errorf("%s, want %s", got, server())
				}
				ask(func() time.Time { return time.Time{} })
				if got := told.now(); !got.Equal(server().Truncate(time.Second)) {
					t.Errorf("after an answer without a date: %s, want %s", got, server())
				}
			})
		})
	}
}

package providertest

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// TestLoseWhatWasDone proves that only what a forge did is lost: a reply that
// refuses comes through, and the next one is lost.
func TestLoseWhatWasDone(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 1 {
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
	}))
	t.Cleanup(server.Close)
	wire := &Wire{}
	client := &http.Client{Transport: wire}
	wire.Cause(Accident{Match: Writes, Lose: true})
	post := func() (int, error) {
		reply, err := client.Post(server.URL, "text/plain", nil)
		if err != nil {
			return 0, err
		}
		return reply.StatusCode, reply.Body.Close()
	}
	if status, err := post(); status != http.StatusMethodNotAllowed || err != nil {
		t.Errorf("the first: got %d, %v", status, err)
	}
	if status, err := post(); err == nil {
		t.Errorf("the second: got %d, want a lost reply", status)
	}
	if status, err := post(); status != http.StatusOK || err != nil {
		t.Errorf("the third: got %d, %v", status, err)
	}
	if !wire.Happened() {
		t.Error("nothing happened")
	}
}

package echo

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestAnswer(t *testing.T) {
	for _, tc := range []struct{ from, path, accept, want string }{
		{"192.0.2.7:4000", "/", "", "192.0.2.7\n"},
		{"[2001:db8::7]:4000", "/", "*/*", "2001:db8::7\n"},
		{"[::ffff:192.0.2.7]:4000", "/ip", "", "192.0.2.7\n"},
		{"[2001:db8::7]:4000", "/json", "", `{"ip":"2001:db8::7","port":4000}` + "\n"},
		{"192.0.2.7:4000", "/", "application/json", `{"ip":"192.0.2.7","port":4000}` + "\n"},
	} {
		r := httptest.NewRequest(http.MethodGet, tc.path, nil)
		r.RemoteAddr = tc.from
		r.Header.Set("Accept", tc.accept)
		w := httptest.NewRecorder()
		answer(w, r)
		if w.Body.String() != tc.want {
			t.Errorf("%s from %s: %q, want %q", tc.path, tc.from, w.Body.String(), tc.want)
		}
	}
}

func TestServeWantsAddresses(t *testing.T) {
	if err := Serve(nil); err == nil || !strings.Contains(err.Error(), "want addresses") {
		t.Errorf("without addresses: %v", err)
	}
}

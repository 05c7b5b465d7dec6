package advertise

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestMessage(t *testing.T) {
	for _, tc := range []struct {
		preference string
		flags      byte
	}{{"low", 0x18}, {"medium", 0}, {"high", 0x08}} {
		got, err := message(1800*time.Second, tc.preference)
		if err != nil {
			t.Fatal(err)
		}
		want := []byte{134, 0, 0, 0, 0, tc.flags, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: % x, want % x", tc.preference, got, want)
		}
	}
}

func TestServeRefuses(t *testing.T) {
	for want, args := range map[string][]string{
		"want the name of an interface": nil,
		"--lifetime 500ms":              {"--lifetime", "500ms", "lo"},
		"--lifetime 3h0m0s":             {"--lifetime", "3h", "lo"},
		`--preference "best"`:           {"--preference", "best", "lo"},
		"advertise on none0":            {"none0"},
	} {
		if err := Serve(args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", args, err, want)
		}
	}
}

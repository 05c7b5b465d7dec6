package controlplane

import (
	"slices"
	"testing"
)

func TestOverride(t *testing.T) {
	args := []string{"--a=1", "--ab=2", "--switch"}
	for _, tc := range []struct{ flags, want []string }{
		{nil, args},
		{[]string{"--a=3"}, []string{"--ab=2", "--switch", "--a=3"}},
		{[]string{"--switch=false", "--new=4"}, []string{"--a=1", "--ab=2", "--switch=false", "--new=4"}},
	} {
		if got := override(args, tc.flags); !slices.Equal(got, tc.want) {
			t.Errorf("%q: %q, want %q", tc.flags, got, tc.want)
		}
	}
}

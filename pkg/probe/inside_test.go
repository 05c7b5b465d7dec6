package probe

import (
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
)

// TestScript runs the script where there is a busybox: one port of each family has a
// listener, and one has none.
func TestScript(t *testing.T) {
	v4, v6 := listen(t, "tcp4", "127.0.0.1:0"), listen(t, "tcp6", "[::1]:0")
	closed := netip.AddrPortFrom(v4.Addr(), 1)
	targets := []netip.AddrPort{v4, v6, closed}
	script := strings.Replace(Script(targets), "sleep 1", ":", 1)
	for _, want := range []string{fmt.Sprintf("try 127.0.0.1 %d &\n", v4.Port()), fmt.Sprintf("try ::1 %d &\n", v6.Port())} {
		if !strings.Contains(script, want) {
			t.Errorf("no %q in\n%s", want, script)
		}
	}
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Logf("without a busybox the script is not run here; the lab has one: %v", err)
		return
	}
	cmd := exec.Command(busybox, "sh", "-c", script)
	cmd.Env = []string{"PATH=/bin"} // busybox's shell runs its own nc and timeout first
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	results := Read(string(out), targets)
	if results[v4] != nil || results[v6] != nil || results[closed] == nil {
		t.Errorf("%v\n%s", results, out)
	}
}

func TestRead(t *testing.T) {
	v4, v6, other := netip.MustParseAddrPort("192.0.2.7:80"), netip.MustParseAddrPort("[2001:db8::7]:80"), netip.MustParseAddrPort("192.0.2.8:80")
	for said, want := range map[string]string{
		"192.0.2.7 80 connected\n2001:db8::7 80 connected\n": "<nil> <nil>",
		"192.0.2.7 80 connected\n2001:db8::7 80 refused\n":   "<nil> [2001:db8::7]:80 does not answer",
		"192.0.2.7 80 untried\n2001:DB8:0::7 80 connected":   "192.0.2.7:80 was not tried: the image has no nc or no timeout <nil>",
		"": "nothing is known of 192.0.2.7:80 nothing is known of [2001:db8::7]:80",
		"sh: no such thing\n192.0.2.9 80 connected\n192.0.2.7 http connected\n": "nothing is known of 192.0.2.7:80 nothing is known of [2001:db8::7]:80",
	} {
		results := Read(said, []netip.AddrPort{v4, v6})
		if got := fmt.Sprint(results[v4], " ", results[v6]); strings.ReplaceAll(got, "  ", " ") != want {
			t.Errorf("%q: %s, want %s", said, got, want)
		}
		if _, ok := results[other]; ok || len(results) != 2 {
			t.Errorf("%q: %v", said, results)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("192.0.2.7 80 connected\n")
	f.Add("::1 99999 refused\n\x00")
	f.Fuzz(func(t *testing.T, said string) {
		to := netip.MustParseAddrPort("192.0.2.7:80")
		if results := Read(said, []netip.AddrPort{to}); len(results) != 1 {
			t.Errorf("%v", results)
		}
	})
}

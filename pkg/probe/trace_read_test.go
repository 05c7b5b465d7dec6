package probe

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/trace"
)

// TestReadTrace reads what the script said on real nodes.
func TestReadTrace(t *testing.T) {
	files, err := filepath.Glob("testdata/trace/*.said")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		said, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.MarshalIndent(ReadTrace(string(said), "exec in pod lab/nginx-test", trace.TierExec), "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		golden(t, strings.TrimSuffix(file, "said")+"json", string(text)+"\n")
	}
}

// TestReasons is the words of programs and C libraries for what came of a connection.
func TestReasons(t *testing.T) {
	for said, want := range map[string]trace.Outcome{
		"curl 0 200,0.01,192.0.2.1,192.0.2.7,80,12":                                                                      trace.Connected,
		"curl 7 000,0.000000,,,0,0\nwhy * connect to 192.0.2.7 port 80 failed: Connection refused":                       trace.Refused,
		"curl 7 000,0.000000,,,0,0\nwhy curl: (7) Failed connect to 192.0.2.7:80; No route to host":                      trace.Unreachable,
		"curl 7 000,0.000000,,,0,0\nwhy *   Immediate connect fail for 192.0.2.7: Network is unreachable":                trace.Unreachable,
		"curl 7 000,0.000000,,,0,0\nwhy * Immediate connect fail for 192.0.2.7: Network unreachable":                     trace.Unreachable,
		"curl 7 000,0.000000,,,0,0\nwhy * connect to 192.0.2.7 port 80 from 10.0.0.1 port 4 failed: Host is unreachable": trace.Unreachable,
		"curl 7 000,0.000000,,,0,0\nwhy * connect to 192.0.2.7 port 80 failed: Permission denied":                        trace.Unreachable,
		"curl 7 000,0.000000,,,0,0\nwhy * connect to 192.0.2.7 port 80 failed: Address not available":                    trace.Unreachable,
		"curl 7 000,0.000000,,,0,0":                      trace.Failed,
		"curl 28 000,0.000000,,,0,0":                     trace.TimedOut,
		"curl 28 000,0.000210,192.0.2.1,192.0.2.7,80,0":  trace.Connected, // but no answer
		"curl 35 000,0.000210,192.0.2.1,192.0.2.7,443,0": trace.Connected,
		"curl 6 000,0.000000,,,0,0":                      trace.NotTried,
		"curl 2":                                         trace.Failed,
		"wget 1\nwhy wget: can't connect to remote host (192.0.2.7): Connection refused": trace.Refused,
		"wget 1\nwhy wget: can't connect to remote host: Network unreachable":            trace.Unreachable,
		"wget 1\nwhy wget: server returned error: HTTP/1.1 404 Not Found":                trace.Connected,
		"wget 1\nwhy wget: download timed out":                                           trace.TimedOut,
		"wget 5\nwhy ERROR: cannot verify example.com's certificate, issued by ‘CN=x’:":  trace.Connected,
		"wget 143": trace.TimedOut,
		"bash 1\nwhy bash: connect: Connection refused": trace.Refused,
		"bash 124":       trace.TimedOut,
		"connected bash": trace.Connected,
		"nc 1\nwhy nc: can't connect to remote host (192.0.2.7): Connection refused": trace.Refused,
		"nc 1\nwhy nc: connect to 192.0.2.7 port 80 (tcp) failed: No route to host":  trace.Unreachable,
		"nc 1\nwhy nc: timed out":                               trace.TimedOut,
		"python3 1\nwhy [Errno 101] Network is unreachable":     trace.Unreachable,
		"perl 255\nwhy Cannot assign requested address":         trace.Unreachable,
		"perl 97\nwhy Address family not supported by protocol": trace.Unreachable,
	} {
		text := "dualstack/1 0 start\ndualstack/1 4 target 80 192.0.2.7\n"
		for line := range strings.Lines(said) {
			text += "dualstack/1 4 main " + line
		}
		o := ReadTrace(text, "", trace.TierExec).V4
		if o.Connect != want || o.Dialed != netip.MustParseAddrPort("192.0.2.7:80") || o.Error != "" {
			t.Errorf("%s: %q, want %q (%+v)", said, o.Connect, want, o)
		}
	}
}

// TestPing is about rungs that have no port.
func TestPing(t *testing.T) {
	for said, want := range map[string]trace.Outcome{
		"ping 0": trace.Connected,
		"ping 1": trace.TimedOut,
		"ping 1\nwhy From 192.0.2.1 icmp_seq=1 Destination Host Unreachable": trace.Unreachable,
		"ping 2\nwhy ping: connect: Network is unreachable":                  trace.Unreachable,
		"ping 1\nwhy ping: permission denied (are you root?)":                trace.NotTried,
		"ping 2\nwhy ping: socket: Operation not permitted":                  trace.NotTried,
		"nothing":        trace.NotTried,
		"bash 143":       trace.NotTried,
		"connected bash": trace.Connected,
		"bash 1\nwhy bash: connect: Connection refused": trace.Refused,
	} {
		text := "dualstack/1 6 rung0 to 0 2001:db8::1 the router\n"
		for line := range strings.Lines(said) {
			text += "dualstack/1 6 rung0 " + line
		}
		got := ReadTrace(text, "", trace.TierExec).V6.Rungs
		if diff := cmp.Diff([]trace.Rung{{Name: "the router", To: netip.MustParseAddrPort("[2001:db8::1]:0"), Outcome: want}}, got, cmp.Comparer(sameAddrPort)); diff != "" {
			t.Errorf("%s: %s", said, diff)
		}
	}
}

func sameAddrPort(a, b netip.AddrPort) bool { return a == b }

func TestLarge(t *testing.T) {
	const begin = "dualstack/1 6 target 80 2001:db8::7\ndualstack/1 6 main curl "
	for said, want := range map[string]trace.Outcome{
		"0 200,0.01,,,80,12\ndualstack/1 6 large curl 0 200,0.01,,,80,12":      trace.Connected,
		"0 200,0.01,,,80,12\ndualstack/1 6 large curl 0 400,0.01,,,80,12":      trace.Connected, // it has arrived
		"0 200,0.01,,,80,12\ndualstack/1 6 large curl 28 000,0.01,,,80,0":      trace.TimedOut,
		"0 200,0.01,,,80,12\ndualstack/1 6 large curl 56 000,0.01,,,80,0":      trace.Failed,
		"28 200,0.01,,,80,1200\ndualstack/1 6 large curl 0 400,0.01,,,80,12":   trace.TimedOut, // the answer does not arrive
		"28 200,0.01,,,80,300000\ndualstack/1 6 large curl 0 400,0.01,,,80,12": trace.Connected,
		"28 000,0.01,,,80,0": trace.NotTried,
	} {
		if o := ReadTrace(begin+said, "", trace.TierExec).V6; o.Large != want {
			t.Errorf("%s: %q, want %q", said, o.Large, want)
		}
	}
}

func TestFar(t *testing.T) {
	server := netip.MustParseAddr("2001:db8:ffff::80")
	for body, want := range map[string]string{
		"2001:db8::7":                     "2001:db8::7",
		"[2001:db8::7]:4711":              "2001:db8::7",
		`{"ip":"2001:db8::7","port":80}`:  "2001:db8::7",
		"2001:db8::7 2001:db8:ffff::80":   "2001:db8::7",
		"2001:db8:ffff::80":               "2001:db8:ffff::80",
		"192.0.2.7":                       "invalid IP",
		"::ffff:192.0.2.7":                "invalid IP",
		"2001:db8::7 2001:db8::8":         "invalid IP",
		"<p>2001:db8::7</p>":              "invalid IP",
		strings.Repeat("x ", 300) + "::7": "invalid IP",
		"":                                "invalid IP",
		"HTTP/1.1 200 OK 2001:db8::7":     "2001:db8::7",
	} {
		if got := far(ipfam.V6, body, server).String(); got != want {
			t.Errorf("%q: %s, want %s", body, got, want)
		}
	}
	if got := far(ipfam.V4, "192.0.2.7:4711", server); got.String() != "192.0.2.7" {
		t.Error(got)
	}
}

func TestReadPath(t *testing.T) {
	hops, mtu := readPath(ipfam.V6, strings.Split(` 1?: [LOCALHOST]                        0.028ms pmtu 1500
 1:  2001:db8::1                                           0.310ms
 1:  2001:db8::1                                           0.297ms
 2:  2001:db8::1                                           0.301ms pmtu 1450
 2:  no reply
 4:  2001:db8::4                                           0.5ms
99:  2001:db8::5                                           0.5ms
     Resume: pmtu 1450 hops 5 back 5`, "\n"), netip.Addr{})
	want := "[2001:db8::1 2001:db8::1 invalid IP 2001:db8::4]"
	if got := strings.Join(strings.Fields(joined(hops)), " "); got != want || mtu != 1450 {
		t.Errorf("%s, want %s; %d", got, want, mtu)
	}
}

func joined(as []netip.Addr) string {
	var words []string
	for _, a := range as {
		words = append(words, a.String())
	}
	return "[" + strings.Join(words, " ") + "]"
}

// TestNoise is a shell that could not run it, and lines of others.
func TestNoise(t *testing.T) {
	o := ReadTrace("sh: 1: syntax error\n", "x", trace.TierExec).V6
	if o.Error != "the script did not run: sh: 1: syntax error" || o.Family != ipfam.V6 || o.Tier != trace.TierExec || o.From != "x" {
		t.Errorf("%+v", o)
	}
	o = ReadTrace("motd\ndualstack/2 4 main curl 7\ndualstack/1 9 main curl 7\ndualstack/1 4 mai\ndualstack/1 4 main\n", "", trace.TierExec).V4
	if o.Error != "" || o.Connect != trace.NotTried {
		t.Errorf("%+v", o)
	}
}

func FuzzReadTrace(f *testing.F) {
	files, _ := filepath.Glob("testdata/trace/*.said")
	for _, file := range files {
		said, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(said))
	}
	f.Fuzz(func(t *testing.T, said string) {
		seen := ReadTrace(said, "fuzz", trace.TierExec)
		for _, family := range ipfam.All {
			o := seen.Of(family)
			if o.Family != family || len(o.Hops) > maxHops || len(o.Rungs) > maxRungs {
				t.Errorf("%+v", o)
			}
			for _, a := range append(append([]netip.Addr{o.Own, o.Far, o.Dialed.Addr()}, o.Answers...), o.Hops...) {
				if a.IsValid() && ipfam.Of(a) != family {
					t.Errorf("%s in %s", a, family)
				}
			}
		}
	})
}

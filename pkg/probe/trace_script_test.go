package probe

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/trace"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestTraceScript has what follows the functions, which are a file of their own.
func TestTraceScript(t *testing.T) {
	to := netip.MustParseAddrPort
	for name, qs := range map[string][]Question{
		"http": {
			{Family: ipfam.V4, Name: "ifconfig.example", Target: to("203.0.113.80:80"), HTTP: true, FirstHops: true, Rungs: []trace.Rung{
				{Name: trace.RungNode, To: to("192.168.16.22:10250")}, {Name: trace.RungRouter, To: to("192.168.16.1:0")},
				{Name: "of the other family", To: to("[2001:db8:7653:216::1]:0")},
			}},
			{Family: ipfam.V6, Name: "ifconfig.example", Target: to("[2001:db8:ffff::80]:80"), HTTP: true, Path: "/a b?c=$(d)", Seconds: 5, Rungs: []trace.Rung{
				{Name: "it's near", To: to("[2001:db8:7653:216::22]:10250")},
			}},
		},
		"https": {{Family: ipfam.V6, Name: "example.com", Target: to("[2001:db8:ffff::80]:443"), HTTP: true}},
		"name":  {{Family: ipfam.V6, Name: "example.com", Target: netip.AddrPortFrom(netip.Addr{}, 8443), HTTP: true}},
		"hostile": {
			{Family: ipfam.V4, Name: "x'; reboot\n#", Target: netip.AddrPortFrom(netip.Addr{}, 5432)},
			{Family: ipfam.V4, Name: "a second question of the family"},
		},
	} {
		script := TraceScript(qs)
		got, ok := strings.CutPrefix(script, traceShell)
		if !ok {
			t.Fatalf("%s: the script does not begin with the functions", name)
		}
		golden(t, filepath.Join("testdata", "trace", name+".sh"), got)
		if sh, err := exec.LookPath("sh"); err == nil {
			if out, err := exec.Command(sh, "-n", "-c", script).CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", name, err, out)
			}
		}
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// echo serves the caller's address on the loopback of the family.
func echo(t *testing.T, network, address string) netip.AddrPort {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err) // of either family: a machine without one cannot test this
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, netip.MustParseAddrPort(r.RemoteAddr).Addr())
	})}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return netip.MustParseAddrPort(l.Addr().String())
}

// without is a port of the loopback that nobody listens at.
func without(a netip.Addr) netip.AddrPort { return netip.AddrPortFrom(a, 1) }

// only is a folder with nothing but these programs.
func only(t *testing.T, programs ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, p := range programs {
		from, err := exec.LookPath("/usr/bin/" + p) // elsewhere there may be scripts in its place
		if p == "nc" {                              // busybox's, the one of small images
			from, err = exec.LookPath("busybox")
		}
		if err != nil {
			t.Skipf("no %s here", p) // an image need not have it either: each that is there is tried
		}
		if err := os.Symlink(from, filepath.Join(dir, p)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func runScript(t *testing.T, shell []string, path string, qs []Question) ipfam.Pair[trace.Observation] {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(Within(qs)+5)*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, shell[0], append(slices.Clone(shell[1:]), "-c", TraceScript(qs))...)
	if shell[len(shell)-1] == "-s" { // it reads the script, and the end of that is not where its input ends
		cmd = exec.CommandContext(ctx, shell[0], shell[1:]...)
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		go func() { _, _ = io.WriteString(in, TraceScript(qs)+"exit 0\n") }()
	}
	cmd.Env = []string{"PATH=" + path, "http_proxy=http://192.0.2.1:3128"}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
	return ReadTrace(string(out), "here", trace.TierExec)
}

// TestPrograms has the script connect with one program alone: to a server, and to a port
// that has none. Every program tells the two apart.
func TestPrograms(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"curl", "wget", "bash", "nc", "python3", "perl"} {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			v4, v6 := echo(t, "tcp4", "127.0.0.1:0"), echo(t, "tcp6", "[::1]:0")
			path := only(t, "sh", "timeout", "sleep", program)
			for _, speaks := range []bool{true, false} {
				if program == "wget" && !speaks {
					continue
				}
				seen := runScript(t, []string{sh}, path, []Question{
					{Family: ipfam.V4, Target: v4, HTTP: speaks, Seconds: 2, Rungs: []trace.Rung{{Name: "open", To: v4}, {Name: "closed", To: without(v4.Addr())}}},
					{Family: ipfam.V6, Target: v6, HTTP: speaks, Seconds: 2, Rungs: []trace.Rung{{Name: "open", To: v6}, {Name: "closed", To: without(v6.Addr())}}},
				})
				for _, f := range ipfam.All {
					judgeProgram(t, program, speaks, seen.Of(f))
				}
			}
		})
	}
}

func judgeProgram(t *testing.T, program string, speaks bool, o trace.Observation) {
	t.Helper()
	if o.Error != "" || o.Connect != trace.Connected || ipfam.Of(o.Dialed.Addr()) != o.Family || len(o.Rungs) != 2 {
		t.Fatalf("%s, HTTP %v: %+v", program, speaks, o)
	}
	rungs := []trace.Outcome{o.Rungs[0].Outcome, o.Rungs[1].Outcome}
	want := []trace.Outcome{trace.Connected, trace.Refused}
	if program == "wget" { // which speaks nothing but HTTP
		want = []trace.Outcome{trace.NotTried, trace.NotTried}
	}
	if diff := cmp.Diff(want, rungs); diff != "" {
		t.Errorf("%s, HTTP %v, %s: %s", program, speaks, o.Family, diff)
	}
	switch program {
	case "curl":
		if speaks && (o.Large != trace.Connected || o.Took <= 0) || !o.Own.IsLoopback() {
			t.Errorf("%+v", o)
		}
	case "python3":
		if !o.Own.IsLoopback() {
			t.Errorf("%+v", o)
		}
	}
	if speaks && (program == "curl" || program == "wget" || program == "bash") && (o.Status != 200 || !o.Far.IsLoopback()) {
		t.Errorf("%s: %+v", program, o)
	}
}

// TestShells runs the script in each shell: it keeps to what all of them have.
func TestShells(t *testing.T) {
	for _, shell := range [][]string{
		{"dash"}, {"dash", "-s"}, {"bash", "--posix"}, {"bash", "-s"}, {"busybox", "sh"}, {"busybox", "sh", "-s"}, {"ksh"}, {"mksh"}, {"zsh", "--emulate", "sh"},
	} {
		t.Run(strings.Join(shell, " "), func(t *testing.T) {
			t.Parallel()
			program, err := exec.LookPath(shell[0])
			if err != nil {
				t.Skip(err) // as many shells as there are
			}
			v4, v6 := echo(t, "tcp4", "127.0.0.1:0"), echo(t, "tcp6", "[::1]:0")
			seen := runScript(t, append([]string{program}, shell[1:]...), only(t, "sh", "curl"), []Question{
				{Family: ipfam.V4, Target: v4, HTTP: true, Seconds: 2},
				{Family: ipfam.V6, Target: without(v6.Addr()), HTTP: true, Seconds: 2},
			})
			if o := seen.V4; o.Error != "" || o.Connect != trace.Connected || o.Far != v4.Addr() || o.Own != v4.Addr() || o.Routes == nil {
				t.Errorf("%+v", o)
			}
			if o := seen.V6; o.Error != "" || o.Connect != trace.Refused || o.Routes == nil {
				t.Errorf("%+v", o)
			}
		})
	}
}

// TestNoPrograms has an image with a shell, and nothing else.
func TestNoPrograms(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	seen := runScript(t, []string{sh}, t.TempDir(), []Question{{Family: ipfam.V4, Target: netip.MustParseAddrPort("127.0.0.1:1")}})
	if !strings.Contains(seen.V4.Error, "nothing to connect with") || seen.V4.Connect != trace.NotTried {
		t.Errorf("%+v", seen.V4)
	}
	if seen.V6.Error != "" || seen.V6.Connect != trace.NotTried { // it was not asked
		t.Errorf("%+v", seen.V6)
	}
}

// TestTimeLimit has a server that takes a connection and says nothing.
func TestTimeLimit(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	silent := listen(t, "tcp4", "127.0.0.1:0")
	for _, programs := range [][]string{{"curl"}, {"bash", "timeout", "sh"}, {"bash", "sleep"}, {"wget", "timeout", "sh"}} {
		t.Run(strings.Join(programs, " "), func(t *testing.T) {
			t.Parallel()
			qs := []Question{{Family: ipfam.V4, Target: silent, HTTP: true, Seconds: 1}}
			start := time.Now()
			seen := runScript(t, []string{sh}, only(t, programs...), qs)
			if took := time.Since(start); took > time.Duration(Within(qs)+1)*time.Second {
				t.Errorf("it took %s", took)
			}
			if o := seen.V4; programs[0] != "wget" && o.Connect != trace.Connected || o.Status != 0 || o.Large == trace.Connected {
				t.Errorf("%+v", o)
			}
		})
	}
}

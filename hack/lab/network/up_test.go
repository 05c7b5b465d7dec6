//go:build e2e

package network

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/host"
)

// TestUp makes the whole network and asks the echo server from every host, over both
// families. It needs what the lab needs: root, on Linux.
func TestUp(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("the lab's hosts are namespaces: run this test as root")
	}
	program, dir := filepath.Join(t.TempDir(), "lab"), t.TempDir()
	build := exec.Command("go", "build", "-o", program, "../")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	hosts := map[string]*host.Host{}
	specs := Hosts()
	for _, n := range Nodes() {
		specs = append(specs, NodeSpec(n))
	}
	t.Cleanup(func() {
		for _, h := range hosts {
			h.Stop()
		}
		if err := host.RemoveCgroups(dir); err != nil {
			t.Error(err)
		}
	})
	before := settings(t)
	for _, s := range specs {
		h, err := host.Start(ctx, program, filepath.Dir(program), dir, s)
		if err != nil {
			t.Fatal(err)
		}
		hosts[s.Name] = h
	}
	if err := Up(ctx, hosts, OnLink); err != nil {
		t.Fatal(err)
	}
	if _, err := hosts[Internet].Serve("echo", nil, "lab", "echo", "203.0.113.80:80", "[2001:db8:ffff::80]:80"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]Pair[string]{
		Laptop:       {Uplink.V4.String(), LaptopOnLAN.V6.String()},
		Router:       {Uplink.V4.String(), Uplink.V6.String()},
		"k8s-node-1": {Uplink.V4.String(), Workers[1].Addresses.V6.String()},
	} {
		for target, want := range map[string]string{"203.0.113.80": want.V4, "[2001:db8:ffff::80]": want.V6} {
			got, err := hosts[name].Run(ctx, "", "curl", "-sS", "--retry", "3", "--retry-connrefused", "--retry-delay", "1", "-m", "5", "http://"+target)
			if err != nil || strings.TrimSpace(got) != want {
				t.Errorf("from %s to %s: %q, %v, want %s", name, target, got, err, want)
			}
		}
	}
	// What a kubelet writes stays in the node.
	node := hosts["k8s-node-0"]
	if _, err := node.Run(ctx, "", "sh", "-c", "echo 7 > /proc/sys/kernel/panic; echo 1 > /proc/sys/vm/overcommit_memory; hostname | grep k8s-node-0; echo x > /etc/lab-was-here; ls /sys/fs/cgroup; mount -t tmpfs x /mnt"); err != nil {
		t.Error(err)
	}
	if after := settings(t); after != before {
		t.Errorf("settings of the machine: %q became %q", before, after)
	}
	if _, err := os.Stat("/etc/lab-was-here"); err == nil {
		t.Error("a file that a node wrote is on the machine")
	}
}

func settings(t *testing.T) string {
	t.Helper()
	var all []string
	for _, name := range []string{"kernel/panic", "vm/overcommit_memory", "net/ipv6/conf/all/forwarding"} {
		value, err := os.ReadFile(filepath.Join("/proc/sys", name))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.TrimSpace(string(value)))
	}
	return strings.Join(all, " ")
}

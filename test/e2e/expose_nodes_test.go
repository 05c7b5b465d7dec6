//go:build e2e

package e2e

import (
	"bytes"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// testExposeNodes exposes Pods that run, and asks their addresses from the laptop.
func testExposeNodes(t *testing.T, lab *cluster) {
	t.Run("both families answer", func(t *testing.T) {
		lab := lab.in(t)
		out := lab.run(programs.plugin, "expose", "pod/nginx-test", "-n", "lab", "--name", "exposed", "--port", "80", "--lb", "--wait=1m")
		if out.code != 0 || out.stdout != "service/exposed exposed\n" || out.stderr != "" {
			t.Errorf("exit status %d: %s%s", out.code, out.stdout, out.stderr)
		}
		for _, a := range lab.ofBothFamilies("service/exposed", "{.status.loadBalancer.ingress[*].ip}", "192.168.16.0/24", "2001:db8:7653:216::/64") {
			lab.announced("laptop", "http://"+netip.AddrPortFrom(a, 80).String())
		}
		lab.remove(object("v1", "Service", "lab", "exposed", nil))
	})
	t.Run("published on the internet", func(t *testing.T) { testPublished(lab.in(t)) })
	t.Run("probed on the laptop", func(t *testing.T) {
		lab := lab.in(t)
		lab.equipLaptop()
		defer lab.on("laptop", "rm", "-f", onLaptop, onLaptop+".program", onLaptop+".kubeconfig")
		out := lab.on("laptop", onLaptop, "expose", "pod/nginx-test", "-n", "lab", "--name", "exposed", "--port", "80", "--lb", "--wait=1m", "--probe", "--probe-image", "lab.local/toolbox:1")
		if out.code != 0 || out.stdout != "service/exposed exposed\n" {
			t.Errorf("exit status %d: %s%s", out.code, out.stdout, out.stderr)
		}
		lab.remove(object("v1", "Service", "lab", "exposed", nil))
		lab.onlyIPv4()
	})
}

// announced waits until nginx answers on a host: an address that a Service has got is
// announced a moment later.
func (c *cluster) announced(host, url string) {
	c.t.Helper()
	c.eventually(url+" to answer", func() bool {
		return strings.Contains(c.on(host, "curl", "-sSI", "-m", "5", url).stdout, "Server: nginx/")
	})
}

// forgetPublished takes what testPublished has the router do out of it again.
const forgetPublished = `nft delete table ip nat
nft -a list chain inet home forward | sed -n 's/.*comment "lab.published".*# handle //p' | while read handle; do nft delete rule inet home forward handle "$handle"; done`

// testPublished has the router do what expose prints for it, and asks from the internet.
func testPublished(c *cluster) {
	out := c.run(programs.plugin, "expose", "pod/nginx-test", "-n", "lab", "--name", "published", "--port", "80", "--lb", "--wait=1m", "--print-router", "nftables", "--plan", repository("examples", "homelab-today", "plan.yaml"))
	defer c.remove(object("v1", "Service", "lab", "published", nil))
	line, commands, _ := strings.Cut(out.stdout, "\n")
	if out.code != 0 || line != "service/published exposed" {
		c.t.Fatalf("exit status %d: %s%s", out.code, out.stdout, out.stderr)
	}
	addresses := c.ofBothFamilies("service/published", "{.status.loadBalancer.ingress[*].ip}", "192.168.16.0/24", "2001:db8:7653:216::/64")
	outside := []string{"http://" + uplink.String(), "http://" + netip.AddrPortFrom(addresses[1], 80).String()}
	for _, url := range outside {
		if out := c.on("internet", "curl", "-sSI", "-m", "1", url); out.code == 0 {
			c.t.Errorf("%s answers before anything is published", url)
		}
	}
	// The home router has a table of its own in the place of Debian's.
	script := "nft 'add table ip nat; add chain ip nat prerouting { type nat hook prerouting priority dstnat; }'\nset -e\n" +
		strings.ReplaceAll(commands, "inet filter forward", "inet home forward")
	if out := c.on("router", "sh", "-c", script); out.code != 0 {
		c.t.Errorf("the router: %s\n%s", out.stderr, script)
	}
	defer c.on("router", "sh", "-c", forgetPublished)
	for _, url := range outside {
		c.announced("internet", url)
	}
}

// onlyIPv4 exposes a Pod that listens on IPv4 alone: everything is there, and over IPv6
// nobody answers.
func (c *cluster) onlyIPv4() {
	c.t.Helper()
	pod := object("v1", "Pod", "lab", "half", map[string]any{
		"spec": map[string]any{"terminationGracePeriodSeconds": int64(0), "containers": []any{map[string]any{
			"name": "c", "image": "lab.local/toolbox:1", "command": []any{"busybox", "httpd", "-f", "-p", "0.0.0.0:8080"},
		}}},
	})
	pod.SetLabels(map[string]string{"app": "half"})
	c.put(pod, "e2e")
	defer c.remove(pod)
	c.kubectl("wait", "pod/half", "-n", "lab", "--for=condition=Ready", "--timeout=60s")
	out := c.on("laptop", onLaptop, "expose", "pod/half", "-n", "lab", "--port", "8080", "--lb", "--wait=20s", "--probe", "--probe-image", "none", "--rollback")
	for _, want := range []string{"container c binds to an IPv4 address", "service/half is not complete", "IPv6: [2001:db8:7653:216:", "does not answer from here", "it was removed again"} {
		if out.code != 3 || !strings.Contains(out.stderr, want) {
			c.t.Errorf("exit status %d, want 3 and %q: %s", out.code, want, out.stderr)
		}
	}
	if strings.Contains(out.stderr, "IPv4: ") {
		c.t.Errorf("IPv4 does not answer either: %s", out.stderr)
	}
	out = c.run(programs.plugin, "expose", "pod/half", "-n", "lab", "--port", "8080", "--wait=40s", "--probe", "--probe-image", "lab.local/toolbox:1", "--rollback")
	if want := "IPv6 from inside: [2001:db8:7653:299:cafe:1:"; out.code != 3 || !strings.Contains(out.stderr, want) || strings.Contains(out.stderr, "IPv4 from inside") {
		c.t.Errorf("exit status %d, want 3 and %q: %s", out.code, want, out.stderr)
	}
	if pods := c.kubectl("get", "pods", "-n", "lab", "-l", "app.kubernetes.io/managed-by=kubectl-dualstack", "-o", "name"); pods != "" {
		c.t.Errorf("Pods of probes are left: %s", pods)
	}
}

const onLaptop = "/tmp/kubectl-dualstack"

var server = regexp.MustCompile(`server: https://127\.0\.0\.1:\d+`)

// equipLaptop gives the laptop the plugin and a kubeconfig. Both are in its own memory:
// the server's address is on the LAN, which is only in the lab what it is.
func (c *cluster) equipLaptop() {
	c.t.Helper()
	controller := strings.Fields(c.kubectl("get", "node", "k8s-controller-0", "-o", `jsonpath={.status.addresses[?(@.type=="InternalIP")].address}`))[0]
	kubeconfig, err := os.ReadFile(c.kubeconfig)
	if err != nil {
		c.t.Fatal(err)
	}
	plugin, err := os.ReadFile(programs.plugin)
	if err != nil {
		c.t.Fatal(err)
	}
	c.intoLaptop(onLaptop+".kubeconfig", server.ReplaceAll(kubeconfig, []byte("server: https://"+controller+":6443")))
	c.intoLaptop(onLaptop+".program", plugin)
	c.intoLaptop(onLaptop, []byte("#!/bin/sh\nexport KUBECONFIG="+onLaptop+".kubeconfig\nexec "+onLaptop+".program \"$@\"\n"))
}

func (c *cluster) intoLaptop(path string, content []byte) {
	c.t.Helper()
	cmd := exec.Command(programs.lab, "exec", "--dir", c.dir, "laptop", "sh", "-c", `cat >"$1" && chmod 700 "$1"`, "sh", path)
	cmd.Stdin = bytes.NewReader(content)
	if out, err := cmd.CombinedOutput(); err != nil {
		c.t.Fatalf("%s on the laptop: %v: %s", path, err, out)
	}
}

//go:build e2e

package e2e

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// The home network of the lab: what somebody there sees of whom.
var (
	uplink   = netip.MustParseAddr("203.0.113.2") // the router's, which all IPv4 leaves with
	echo     = map[string]string{"-4": "http://203.0.113.80", "-6": "http://[2001:db8:ffff::80]"}
	laptop   = map[string]string{"-4": "http://192.168.16.50", "-6": "http://[2001:db8:7653:216::50]"}
	echoName = map[string]string{"-4": "http://ifconfig.example", "-6": "http://ifconfig.example"}
)

// testSeed is the last chapter of the document that examples/homelab is from, and what it
// leaves to be tried: each step as it was done there by hand, over each family.
func testSeed(t *testing.T, lab *cluster) {
	t.Run("the Pod has both addresses", func(t *testing.T) {
		lab.in(t).ofBothFamilies("pod/nginx-test", "{.status.podIPs[*].ip}", "10.244.0.0/16", "2001:db8:7653:299:cafe::/96")
	})
	t.Run("the Pod reaches the internet", func(t *testing.T) {
		lab := lab.in(t)
		own := lab.ofBothFamilies("pod/nginx-test", "{.status.podIPs[*].ip}", "10.244.0.0/16", "2001:db8:7653:299:cafe::/96")
		lab.answers("nginx-test", "-4", echoName["-4"], uplink.String())
		lab.answers("nginx-test", "-6", echoName["-6"], own[1].String())
	})
	t.Run("every node's Pods reach the internet and the LAN", func(t *testing.T) { lab.in(t).egress() })
	t.Run("Pods reach each other across nodes", func(t *testing.T) { lab.in(t).podToPod() })
	t.Run("the ClusterIPs answer in a Pod", func(t *testing.T) {
		lab := lab.in(t)
		lab.ofBothFamilies("service/nginx-test", "{.spec.clusterIPs[*]}", "10.96.0.0/16", "2001:db8:7653:299:cafe:1::/112")
		for _, family := range []string{"-4", "-6"} {
			for _, pod := range lab.toolboxes() {
				lab.isNginx(family, lab.exec(pod.name, "curl", family, "-sSI", "-m", "5", "http://nginx-test.lab.svc.cluster.local"))
			}
		}
	})
	t.Run("the load balancer's addresses answer on the laptop", func(t *testing.T) {
		lab := lab.in(t)
		for _, a := range lab.ofBothFamilies("service/nginx-test-lb", "{.status.loadBalancer.ingress[*].ip}", "192.168.16.0/24", "2001:db8:7653:216::/64") {
			lab.isNginx(a.String(), lab.on("laptop", "curl", "-sSI", "-m", "5", "http://"+netip.AddrPortFrom(a, 80).String()))
		}
	})
	t.Run("the laptop reaches the Pod over IPv6 and nobody outside does", func(t *testing.T) {
		lab := lab.in(t)
		own := lab.ofBothFamilies("pod/nginx-test", "{.status.podIPs[*].ip}", "10.244.0.0/16", "2001:db8:7653:299:cafe::/96")
		url := "http://" + netip.AddrPortFrom(own[1], 80).String()
		lab.isNginx("laptop", lab.on("laptop", "curl", "-sSI", "-m", "5", url))
		if out := lab.on("internet", "curl", "-sSI", "-m", "2", url); out.code == 0 {
			t.Errorf("the internet reaches the Pod through the router: %s", out.stdout)
		}
	})
}

// ofBothFamilies is the addresses at a path of an object, of which there is one in each
// of these ranges, IPv4 first.
func (c *cluster) ofBothFamilies(object, path, v4, v6 string) []netip.Addr {
	c.t.Helper()
	printed := strings.Fields(c.kubectl("-n", "lab", "get", object, "-o", "jsonpath="+path))
	if len(printed) != 2 {
		c.t.Fatalf("%s %s: %q, want two addresses", object, path, printed)
	}
	var all []netip.Addr
	for i, within := range []string{v4, v6} {
		a, err := netip.ParseAddr(printed[i])
		if err != nil {
			c.t.Fatal(err)
		}
		if !netip.MustParsePrefix(within).Contains(a) {
			c.t.Errorf("%s %s: %s is not in %s", object, path, a, within)
		}
		all = append(all, a)
	}
	return all
}

// toolbox is a Pod to try things from.
type toolbox struct {
	name, node string
	addresses  []netip.Addr
	nodeIPv4   string
}

// toolboxes is one on each node.
func (c *cluster) toolboxes() []toolbox {
	c.t.Helper()
	const path = `{range .items[*]}{.metadata.name} {.spec.nodeName} {.status.hostIP} {.status.podIPs[*].ip}{"\n"}{end}`
	var all []toolbox
	for line := range strings.Lines(c.kubectl("-n", "lab", "get", "pods", "-l", "app=toolbox", "-o", "jsonpath="+path)) {
		var one toolbox
		var v4, v6 string
		if _, err := fmt.Sscan(line, &one.name, &one.node, &one.nodeIPv4, &v4, &v6); err != nil {
			c.t.Fatalf("%q: %v", line, err)
		}
		one.addresses = []netip.Addr{netip.MustParseAddr(v4), netip.MustParseAddr(v6)}
		all = append(all, one)
	}
	if len(all) != 3 {
		c.t.Fatalf("%d toolboxes, want one on each of three nodes", len(all))
	}
	return all
}

// egress tries what the echo servers outside and on the LAN see of Pods: over IPv4 the
// router's address and the node's, over IPv6 the Pod's own.
func (c *cluster) egress() {
	c.t.Helper()
	for _, pod := range c.toolboxes() {
		c.answers(pod.name, "-4", echo["-4"], uplink.String())
		c.answers(pod.name, "-6", echo["-6"], pod.addresses[1].String())
		c.answers(pod.name, "-4", laptop["-4"], pod.nodeIPv4)
		c.answers(pod.name, "-6", laptop["-6"], pod.addresses[1].String())
	}
}

func (c *cluster) podToPod() {
	c.t.Helper()
	pods := c.toolboxes()
	for _, from := range pods {
		for _, to := range pods {
			for i, family := range []string{"-4", "-6"} {
				url := "http://" + netip.AddrPortFrom(to.addresses[i], 8080).String()
				c.answers(from.name, family, url, from.addresses[i].String())
			}
		}
	}
}

// answers asks an echo server from a Pod, which has to see want.
func (c *cluster) answers(pod, family, url, want string) {
	c.t.Helper()
	out := c.exec(pod, "curl", family, "-sS", "-m", "5", url)
	if got := strings.TrimSpace(out.stdout); got != want {
		c.t.Errorf("%s to %s: %q, want %s; %s", pod, url, got, want, out.stderr)
	}
}

func (c *cluster) isNginx(what string, out output) {
	c.t.Helper()
	if !strings.Contains(out.stdout, "200 OK") || !strings.Contains(out.stdout, "Server: nginx/") {
		c.t.Errorf("%s: %q; %s", what, out.stdout, out.stderr)
	}
}

// exec runs a command in a Pod of the namespace lab.
func (c *cluster) exec(pod string, command ...string) output {
	c.t.Helper()
	return c.run(kubectl(), append([]string{"-n", "lab", "exec", pod, "--"}, command...)...)
}

// on runs a command on a host of the lab.
func (c *cluster) on(host string, command ...string) output {
	c.t.Helper()
	return c.run(programs.lab, append([]string{"exec", "--dir", c.dir, host}, command...)...)
}

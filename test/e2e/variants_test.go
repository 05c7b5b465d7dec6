//go:build e2e

package e2e

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// variant is a lab that is not the homelab in one thing.
type variant struct {
	flags    []string
	families []string // in the cluster's order
	// masquerade is the families that Pods leave with a node's address over.
	masquerade []string
}

// TestVariants starts the plain lab with other families, and with other masquerading, and
// holds it to what these decide.
func TestVariants(t *testing.T) {
	t.Parallel()
	for _, v := range []variant{
		{[]string{"--families", "IPv4"}, []string{"IPv4"}, []string{"IPv4"}},
		{[]string{"--families", "IPv6", "--masquerade", "IPv6"}, []string{"IPv6"}, []string{"IPv6"}},
		{[]string{"--families", "IPv6,IPv4", "--masquerade", "none"}, []string{"IPv6", "IPv4"}, nil},
	} {
		t.Run(strings.Join(v.flags, " "), func(t *testing.T) {
			lab := startLab(t, append([]string{"--profile", "plain"}, v.flags...)...)
			t.Run("addresses", func(t *testing.T) { v.addresses(lab.in(t)) })
			t.Run("the load balancer's addresses answer on the laptop", func(t *testing.T) { v.answers(lab.in(t)) })
			t.Run("egress", func(t *testing.T) { v.egress(lab.in(t)) })
			t.Run("doctor finds no error", func(t *testing.T) { v.doctor(lab.in(t)) })
			t.Run("truth", func(t *testing.T) {
				reportTruth(t, testTruth(lab.in(t), strings.Join(v.flags, " ")), 32)
			})
		})
	}
}

// addresses holds the Nodes, and the Pod and the Services of the example, to having just
// the families of the cluster, in its order.
func (v variant) addresses(c *cluster) {
	c.t.Helper()
	for _, of := range []struct{ what, path string }{
		{"node/k8s-controller-0", `{.status.addresses[?(@.type=="InternalIP")].address}`},
		{"node/k8s-node-0", `{.status.addresses[?(@.type=="InternalIP")].address}`},
		{"node/k8s-node-1", `{.status.addresses[?(@.type=="InternalIP")].address}`},
		{"pod/nginx-test", `{.status.podIPs[*].ip}`},
		{"service/nginx-test", `{.spec.clusterIPs[*]}`},
		{"service/nginx-test-lb", `{.spec.clusterIPs[*]}`},
		{"service/kubernetes", `{.spec.clusterIP}`},
	} {
		want, namespace := v.families, "lab"
		if of.what == "service/kubernetes" { // of one family in every cluster
			want, namespace = v.families[:1], "default"
		}
		printed := strings.Fields(c.kubectl("-n", namespace, "get", of.what, "-o", "jsonpath="+of.path))
		if diff := gocmp.Diff(want, families(c.t, printed)); diff != "" {
			c.t.Errorf("%s %s is %q (-want +got):\n%s", of.what, of.path, printed, diff)
		}
	}
	if got := c.kubectl("get", "nodes", "-o", `jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}`); got != "True True True" {
		c.t.Errorf("the nodes are ready: %s", got)
	}
}

// families is those of addresses.
func families(t *testing.T, addresses []string) (all []string) {
	t.Helper()
	for _, s := range addresses {
		a, err := netip.ParseAddr(s)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, map[bool]string{true: "IPv4", false: "IPv6"}[a.Is4()])
	}
	return all
}

// answers asks nginx at every address of its load balancer. MetalLB gives them in an order
// of its own.
func (v variant) answers(c *cluster) {
	c.t.Helper()
	printed := strings.Fields(c.kubectl("-n", "lab", "get", "service", "nginx-test-lb", "-o", "jsonpath={.status.loadBalancer.ingress[*].ip}"))
	if diff := gocmp.Diff(slices.Sorted(slices.Values(v.families)), slices.Sorted(slices.Values(families(c.t, printed)))); diff != "" {
		c.t.Errorf("nginx-test-lb has %q (-want +got):\n%s", printed, diff)
	}
	for _, s := range printed {
		c.isNginx(s, c.on("laptop", "curl", "-sSI", "-m", "5", "http://"+netip.AddrPortFrom(netip.MustParseAddr(s), 80).String()))
	}
}

// egress asks the laptop who the Pod is. It is the node where its family is masqueraded.
// Else it is the Pod itself, to which only the IPv6 of the router leads back.
func (v variant) egress(c *cluster) {
	c.t.Helper()
	hosts := strings.Fields(c.kubectl("-n", "lab", "get", "pod", "nginx-test", "-o", "jsonpath={.status.hostIPs[*].ip}"))
	own := strings.Fields(c.kubectl("-n", "lab", "get", "pod", "nginx-test", "-o", "jsonpath={.status.podIPs[*].ip}"))
	if len(hosts) != len(v.families) || len(own) != len(v.families) {
		c.t.Fatalf("the Pod has the addresses %q on a node with %q", own, hosts)
	}
	for i, family := range v.families {
		flag := "-" + strings.TrimPrefix(family, "IPv")
		switch {
		case slices.Contains(v.masquerade, family):
			c.answers("nginx-test", flag, laptop[flag], hosts[i])
		case family == "IPv6":
			c.answers("nginx-test", flag, laptop[flag], own[i])
			c.answers("nginx-test", flag, echo[flag], own[i])
		default:
			if out := c.exec("nginx-test", "curl", flag, "-sS", "-m", "2", laptop[flag]); out.code == 0 {
				c.t.Errorf("IPv4 without masquerade comes back: %s", out.stdout)
			}
		}
	}
}

// doctor looks at the cluster, with the plan of the homelab where it has both families.
func (v variant) doctor(c *cluster) {
	c.t.Helper()
	args := []string{"--fail-on", "none"}
	if len(v.families) > 1 {
		args = append(args, "--plan", repository("examples", "homelab-today", "plan.yaml"))
	}
	report := c.doctor(0, args...)
	for _, f := range report.findings() {
		switch f.Severity {
		case "error":
			c.t.Errorf("%+v", f)
		case "warning":
			c.t.Logf("%+v", f)
		}
	}
	for _, r := range report.Results {
		if r.Status == "unknown" {
			c.t.Errorf("%s is unknown: %s", r.ID, r.Reason)
		}
	}
}

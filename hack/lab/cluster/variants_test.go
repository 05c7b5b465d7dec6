package cluster

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/network"
)

// of is a cluster of these families that nothing runs of.
func of(p Profile, families ...string) *Cluster {
	o := Homelab(p)
	o.Families = families
	return &Cluster{config: Config{Profile: p, Options: o, Root: filepath.Join("..", "..", "..")}}
}

func TestInitConfiguration(t *testing.T) {
	example, err := os.ReadFile(filepath.Join("..", "..", "..", "examples", "homelab-today", "kubeadm-init.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	const pods, services = "podSubnet: ", "serviceSubnet: "
	for _, tc := range []struct {
		cluster     *Cluster
		has, hasNot []string
	}{
		{of(Cilium, IPv4, IPv6), []string{strings.ReplaceAll(string(example), "kind: InitConfiguration\n", "kind: InitConfiguration\npatches: {directory: /etc/kubernetes-patches}\n")}, nil},
		{
			of(Cilium, IPv6, IPv4),
			[]string{
				pods + "2001:db8:7653:299:cafe:0::/96,10.244.0.0/16\n", services + "2001:db8:7653:299:cafe:1::/112,10.96.0.0/16\n",
				"advertiseAddress: 2001:db8:7653:216::20 ", "value: 2001:db8:7653:216::20,192.168.16.20\n",
			}, nil,
		},
		{
			of(Cilium, IPv4),
			[]string{pods + "10.244.0.0/16\n", services + "10.96.0.0/16\n", "value: 192.168.16.20\n", "node-cidr-mask-size-ipv4"},
			[]string{"2001:db8", "node-cidr-mask-size-ipv6"},
		},
		{
			of(Plain, IPv6),
			[]string{pods + "2001:db8:7653:299:cafe:0::/96\n", "node-cidr-mask-size-ipv6", "kind: KubeProxyConfiguration"},
			[]string{"192.168", "10.244", "node-cidr-mask-size-ipv4", "disabled: true"},
		},
	} {
		got, err := tc.cluster.initConfiguration()
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range tc.has {
			if !strings.Contains(got, want) {
				t.Errorf("%v: %q is not in\n%s", tc.cluster.config.Options.Families, want, got)
			}
		}
		for _, unwanted := range tc.hasNot {
			if strings.Contains(got, unwanted) {
				t.Errorf("%v: %q is in\n%s", tc.cluster.config.Options.Families, unwanted, got)
			}
		}
	}
}

func TestJoinConfiguration(t *testing.T) {
	got, err := of(Cilium, IPv6, IPv4).joinConfiguration(network.Workers[1], "the-token", "sha256:0")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"value: 2001:db8:7653:216::22,192.168.16.22\n", "apiServerEndpoint: '[2001:db8:7653:216::20]:6443'", "token: the-token\n", "- sha256:0\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}

func TestNginxTest(t *testing.T) {
	both, err := of(Cilium, IPv4, IPv6).nginxTest()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(both, "kind: EndpointSlice") || strings.Count(both, "kind: Service\n") != 2 || !strings.Contains(both, "imagePullPolicy: IfNotPresent") {
		t.Errorf("with both families:\n%s", both)
	}
	one, err := of(Cilium, IPv6).nginxTest()
	if err != nil {
		t.Fatal(err)
	}
	for _, unwanted := range []string{"RequireDualStack", "  - IPv4\n", "- 10.96"} {
		if strings.Contains(one, unwanted) {
			t.Errorf("with IPv6 alone %q is in\n%s", unwanted, one)
		}
	}
}

func TestPools(t *testing.T) {
	both := of(Cilium, IPv4, IPv6)
	for _, tc := range []struct {
		cluster       *Cluster
		pools, ranges int
	}{
		{both, 1, 2},
		{of(Cilium, IPv4), 1, 1},
		{&Cluster{config: Config{Root: both.config.Root, Options: Options{Families: Families{IPv4, IPv6}, SeparatePools: true}}}, 2, 2},
	} {
		got, err := tc.cluster.pools()
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(got, "kind: IPAddressPool\n"); n != tc.pools {
			t.Errorf("%d pools, want %d:\n%s", n, tc.pools, got)
		}
		if n := strings.Count(got, "\n  - 1") + strings.Count(got, "\n  - 2"); n != tc.ranges {
			t.Errorf("%d ranges, want %d:\n%s", n, tc.ranges, got)
		}
	}
}

func TestOnLoopback(t *testing.T) {
	const server = "https://192.168.16.20:6443"
	got, err := onLoopback("clusters:\n- cluster:\n    server: "+server+"\n  name: kubernetes\n", server, "https://127.0.0.1:4711")
	if err != nil || strings.Contains(got, "192.168") || !strings.Contains(got, "    server: https://127.0.0.1:4711\n    tls-server-name: kubernetes\n") {
		t.Errorf("%v\n%s", err, got)
	}
	for _, other := range []string{"", "server: https://192.168.16.21:6443\n", "server: " + server + "\nserver: " + server + "\n"} {
		if got, err := onLoopback(other, server, "https://127.0.0.1:4711"); err == nil {
			t.Errorf("%q became %q", other, got)
		}
	}
}

func TestParseFamilies(t *testing.T) {
	for text, want := range map[string]int{"IPv4": 1, "IPv6,IPv4": 2, "none": 0, "": 0, "ipv4": -1, "IPv4,IPv4": -1, "IPv4,": -1} {
		got, err := ParseFamilies(text)
		if want < 0 && err == nil || want >= 0 && (err != nil || len(got) != want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

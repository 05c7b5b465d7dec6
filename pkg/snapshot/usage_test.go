package snapshot

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
)

// takenText is what is taken, one a line, and what is not known.
func takenText(u *plan.Usage) []string {
	var lines []string
	for _, r := range u.Taken {
		lines = append(lines, fmt.Sprintf("%s %s %s (%s %s)", r.Use, r.Name, r, r.Owner, r.Field))
	}
	for _, use := range []plan.Use{plan.Pods, plan.Services, plan.LoadBalancers} {
		if reason, unknown := u.Unknown[use]; unknown {
			lines = append(lines, fmt.Sprintf("%s unknown: %s", use, reason))
		}
	}
	if u.NodesKnown {
		lines = append(lines, fmt.Sprintf("%d nodes", u.Nodes))
	}
	if u.PodsKnown {
		lines = append(lines, fmt.Sprintf("pods %d IPv4, %d IPv6", u.Pods.V4, u.Pods.V6))
	}
	return lines
}

func usageOfText(t *testing.T, documents string) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cluster.yaml")
	if err := os.WriteFile(path, []byte(documents), 0o600); err != nil {
		t.Fatal(err)
	}
	snap, err := FromFiles([]string{path}, FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return takenText(snap.Usage())
}

const (
	usageNodes = `
apiVersion: v1
kind: Node
metadata: {name: node-a}
spec: {podCIDRs: [10.244.0.0/24, "fd00:1::/112"]}
status: {addresses: [{type: InternalIP, address: 192.0.2.1}]}
---
apiVersion: v1
kind: Node
metadata: {name: node-b}
status: {addresses: [{type: InternalIP, address: 192.0.2.2}]}
---
`
	usageCilium = `
apiVersion: v1
kind: ConfigMap
metadata: {name: cilium-config, namespace: kube-system}
data: {ipam: cluster-pool, enable-ipv4: "true", enable-ipv6: "true"}
---
`
	usageCiliumNode = `
apiVersion: cilium.io/v2
kind: CiliumNode
metadata: {name: node-a}
spec: {ipam: {podCIDRs: [10.0.3.0/24, "fd00:2::/112"]}}
---
`
	usageServices = `
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {type: LoadBalancer, clusterIPs: [10.96.0.7, "fd00:3::7"], ipFamilies: [IPv4, IPv6]}
status: {loadBalancer: {ingress: [{ip: 192.0.2.100}, {ip: "fd00:4::1"}]}}
---
apiVersion: v1
kind: Service
metadata: {name: shares, namespace: shop}
spec: {type: LoadBalancer, clusterIPs: [10.96.0.8], ipFamilies: [IPv4]}
status: {loadBalancer: {ingress: [{ip: 192.0.2.100}, {hostname: lb.example}]}}
---
apiVersion: v1
kind: Service
metadata: {name: headless, namespace: shop}
spec: {clusterIP: None, clusterIPs: [None]}
---
`
	usagePods = `
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec: {nodeName: node-a}
status: {phase: Running, podIPs: [{ip: 10.244.0.5}, {ip: "fd00:1::5"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: agent, namespace: kube-system}
spec: {nodeName: node-a, hostNetwork: true}
status: {phase: Running, podIPs: [{ip: 192.0.2.1}]}
---
`
)

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		name, documents string
		want            []string
	}{
		{"kube-controller-manager's blocks", usageNodes + usageServices + usagePods, []string{
			"pods node-a 10.244.0.0/24 (node/node-a .spec.podCIDRs)",
			"pods node-a fd00:1::/112 (node/node-a .spec.podCIDRs)",
			"services shop/shares 10.96.0.8/32 (service/shop/shares .spec.clusterIPs)",
			"loadBalancers shop/shares 192.0.2.100/32 (service/shop/shares .status.loadBalancer.ingress)",
			"services shop/web 10.96.0.7/32 (service/shop/web .spec.clusterIPs)",
			"services shop/web fd00:3::7/128 (service/shop/web .spec.clusterIPs)",
			"loadBalancers shop/web fd00:4::1/128 (service/shop/web .status.loadBalancer.ingress)",
			"2 nodes", "pods 1 IPv4, 1 IPv6",
		}},
		{"Cilium's blocks", usageNodes + usageCilium + usageCiliumNode, []string{
			"pods node-a 10.0.3.0/24 (ciliumnode/node-a .spec.ipam.podCIDRs)",
			"pods node-a fd00:2::/112 (ciliumnode/node-a .spec.ipam.podCIDRs)",
			"services unknown: services: not in the files",
			"loadBalancers unknown: services: not in the files",
			"2 nodes",
		}},
		{"Cilium's blocks, which nobody has", usageNodes + usageCilium, []string{
			"pods unknown: ciliumnodes: not in the files",
			"services unknown: services: not in the files",
			"loadBalancers unknown: services: not in the files",
			"2 nodes",
		}},
		{"manifests to be applied", "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {type: LoadBalancer, ports: [{port: 80}]}\n", []string{
			"pods unknown: nodes: not in the files",
			"services unknown: no Service in the files is one of a running cluster",
			"loadBalancers unknown: no Service in the files is one of a running cluster",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, usageOfText(t, c.documents)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestUsageIsForbidden: what may not be read is unknown, and the rest is counted.
func TestUsageIsForbidden(t *testing.T) {
	server := newAPIServer(t, clusterFile)
	whole := read(t, server, ClusterOptions{Kinds: UsageKinds, Depth: Deep}).Usage()
	if len(whole.Unknown) > 0 || len(whole.Taken) == 0 || !whole.PodsKnown {
		t.Errorf("of a whole cluster: %v", takenText(whole))
	}
	server.answer = forbid("services")
	part := read(t, server, ClusterOptions{Kinds: UsageKinds, Depth: Quick}).Usage()
	if !strings.Contains(part.Unknown[plan.Services], "forbidden") || part.Unknown[plan.LoadBalancers] != part.Unknown[plan.Services] || part.PodsKnown {
		t.Errorf("without Services and Pods: %v", takenText(part))
	}
	blocks := func(u *plan.Usage) []plan.Range {
		return slices.DeleteFunc(slices.Clone(u.Taken), func(r plan.Range) bool { return r.Use != plan.Pods })
	}
	if diff := cmp.Diff(blocks(whole), blocks(part), addresses); diff != "" {
		t.Errorf("blocks (-whole +part):\n%s", diff)
	}
}

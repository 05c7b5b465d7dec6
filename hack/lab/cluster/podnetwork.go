package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/network"
)

// nodes lets the other nodes join while everything else is installed. What has to wait
// for something does so in the cluster.
func (cl *Cluster) nodes(ctx context.Context) error {
	token, hash, err := cl.credentials(ctx)
	if err != nil {
		return err
	}
	work := map[string]func() error{}
	for _, n := range network.Workers {
		work[n.Name] = func() error { return cl.join(ctx, n, token, hash) }
	}
	work["MetalLB"] = func() error { return cl.installMetalLB(ctx) }
	if cl.config.Profile == Cilium {
		work["Cilium"] = func() error { return cl.installCilium(ctx) }
	}
	if err := each(work, func(_ string, do func() error) error { return do() }); err != nil {
		return err
	}
	if cl.config.Profile == Plain {
		if err := cl.bridges(ctx); err != nil {
			return err
		}
	}
	_, err = cl.kubectl(ctx, "", "wait", "--for=condition=Ready", "--timeout=290s", "node", "--all")
	return err
}

// bridges configures the bridge plugin on every node, with the ranges that the
// controller manager gave the Node, and the routes between them.
func (cl *Cluster) bridges(ctx context.Context) error {
	ranges := map[string][]netip.Prefix{}
	for _, n := range network.Nodes() {
		var err error
		if ranges[n.Name], err = cl.podRanges(ctx, n.Name); err != nil {
			return err
		}
		conflist, err := bridgePlugin(ranges[n.Name])
		if err != nil {
			return err
		}
		if err := cl.hosts[n.Name].Write(ctx, "/etc/cni/net.d/10-bridge.conflist", conflist); err != nil {
			return err
		}
	}
	return network.RoutePods(ctx, cl.hosts, ranges, cl.config.Options.Masquerade.has(IPv4), cl.config.Options.Masquerade.has(IPv6))
}

// podRanges waits for the ranges of a Node.
func (cl *Cluster) podRanges(ctx context.Context, node string) ([]netip.Prefix, error) {
	var ranges []netip.Prefix
	err := eventually(ctx, func() error {
		printed, err := cl.kubectl(ctx, "", "get", "node", node, "-o", "jsonpath={.spec.podCIDRs}")
		if err != nil {
			return err
		}
		if printed == "" {
			return errors.New(node + " has no podCIDRs")
		}
		return json.Unmarshal([]byte(printed), &ranges)
	})
	return ranges, err
}

// bridgePlugin is a CNI configuration: a bridge, addresses from these ranges, host ports.
func bridgePlugin(ranges []netip.Prefix) (string, error) {
	type subnet struct {
		Subnet netip.Prefix `json:"subnet"`
	}
	type route struct {
		To string `json:"dst"`
	}
	var subnets [][]subnet
	var routes []route
	for _, r := range ranges {
		subnets = append(subnets, []subnet{{r}})
		to := "::/0"
		if r.Addr().Is4() {
			to = "0.0.0.0/0"
		}
		routes = append(routes, route{to})
	}
	data, err := json.Marshal(map[string]any{
		"cniVersion": "1.0.0", "name": "bridge",
		"plugins": []any{
			map[string]any{
				"type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true,
				"ipam": map[string]any{"type": "host-local", "ranges": subnets, "routes": routes},
			},
			map[string]any{"type": "portmap", "capabilities": map[string]bool{"portMappings": true}},
		},
	})
	if err != nil {
		return "", fmt.Errorf("configuration of the bridge plugin: %w", err)
	}
	return string(data), nil
}

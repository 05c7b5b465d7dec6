package plan

import (
	"encoding/json"
	"fmt"
	"net/netip"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// dockerPools is the prefixes that Docker gives to its networks unless
// default-address-pools says otherwise, the first of them to the bridge docker0.
// An IPv6 prefix it makes up by itself, for each host another one; overlay networks,
// which have 10.0.0.0/8, are for swarms only.
// Source: moby master of 2025, daemon/libnetwork/ipamutils/utils.go
// localScopeDefaultNetworks and daemon/daemon.go deriveULABaseNetwork.
var dockerPools = []netip.Prefix{
	netip.MustParsePrefix("172.17.0.0/16"),
	netip.MustParsePrefix("172.18.0.0/16"),
	netip.MustParsePrefix("172.19.0.0/16"),
	netip.MustParsePrefix("172.20.0.0/14"),
	netip.MustParsePrefix("172.24.0.0/14"),
	netip.MustParsePrefix("172.28.0.0/14"),
	netip.MustParsePrefix("192.168.0.0/16"),
}

// dockerConfig is the part of /etc/docker/daemon.json that is about addresses.
// Source: moby master of 2025, daemon/config/config.go and config_linux.go.
type dockerConfig struct {
	BIP        string `json:"bip"`
	BIP6       string `json:"bip6"`
	FixedCIDR6 string `json:"fixed-cidr-v6"`
	AddrPools  []pool `json:"default-address-pools"`
}

type pool struct {
	Base string `json:"base"`
	Size int    `json:"size"`
}

// Docker is what Docker gives to containers with the text of its daemon.json,
// which is empty where there is no such file. What is written there counts as in
// use; of the defaults only docker0 does, since Docker looks for one that the host
// has no route to.
func Docker(daemon string) ([]Neighbour, error) {
	var config dockerConfig
	if daemon != "" {
		if err := json.Unmarshal([]byte(daemon), &config); err != nil {
			return nil, fmt.Errorf("daemon.json: %w", err)
		}
	}
	var list []Neighbour
	add := func(s severity.Severity, p netip.Prefix, what string) {
		list = append(list, Neighbour{Rule: DockerFree, Addrs: netipx.RangeOfPrefix(p.Masked()), Severity: s, What: what,
			Why: "containers on a host with Docker do not reach it"})
	}
	for _, written := range []struct{ key, value string }{{"bip", config.BIP}, {"bip6", config.BIP6}, {"fixed-cidr-v6", config.FixedCIDR6}} {
		if written.value == "" {
			continue
		}
		p, err := netip.ParsePrefix(written.value)
		if err != nil {
			return nil, fmt.Errorf("daemon.json: %s: %w", written.key, err)
		}
		add(severity.Warning, p, written.key+" of Docker's daemon.json")
	}
	for i, pool := range config.AddrPools {
		p, err := netip.ParsePrefix(pool.Base)
		if err != nil {
			return nil, fmt.Errorf("daemon.json: default-address-pools[%d]: %w", i, err)
		}
		add(severity.Warning, p, fmt.Sprintf("default-address-pools[%d] of Docker's daemon.json", i))
	}
	if len(config.AddrPools) == 0 {
		for i, p := range dockerPools {
			if i == 0 && config.BIP == "" {
				add(severity.Warning, p, "the default of Docker's bridge docker0")
			} else {
				add(severity.Info, p, "a default of Docker's networks")
			}
		}
	}
	return list, nil
}

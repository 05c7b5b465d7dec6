package cmd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
)

// The files about routes, below /. Other systems than Linux have none of them.
const (
	routes4 = "proc/net/route"
	routes6 = "proc/net/ipv6_route"
)

// daemonConfig is where Docker's configuration is unless dockerd is told otherwise.
const daemonConfig = "/etc/docker/daemon.json"

// readHost is how this host is connected.
func readHost() (plan.Host, error) {
	addresses, err := hostAddresses()
	if err != nil {
		return plan.Host{}, err
	}
	routes, err := hostRoutes(os.DirFS("/"))
	return plan.Host{Addresses: addresses, Routes: routes}, err
}

func hostAddresses() ([]plan.HostAddress, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var list []plan.HostAddress
	for _, i := range interfaces {
		addrs, err := i.Addrs()
		if err != nil {
			return nil, fmt.Errorf("addresses of %s: %w", i.Name, err)
		}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil && i.Flags&net.FlagUp != 0 {
				list = append(list, plan.HostAddress{Prefix: p, Interface: i.Name})
			}
		}
	}
	return list, nil
}

// hostRoutes is the routes of Linux, and none where there are no such files.
func hostRoutes(root fs.FS) ([]plan.Route, error) {
	var list []plan.Route
	for _, table := range []struct {
		path  string
		parse func(string) ([]plan.Route, error)
	}{
		{routes4, func(text string) ([]plan.Route, error) { return plan.ParseRoutes4(text, binary.NativeEndian) }},
		{routes6, plan.ParseRoutes6},
	} {
		text, err := fs.ReadFile(root, table.path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		routes, err := table.parse(string(text))
		if err != nil {
			return nil, fmt.Errorf("/%s: %w", table.path, err)
		}
		list = append(list, routes...)
	}
	return list, nil
}

// readDocker is what Docker gives to containers on this host, or would.
func readDocker() ([]plan.Neighbour, error) {
	text, err := os.ReadFile(daemonConfig)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return plan.Docker(string(text))
}

package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"
)

// Package is a Debian package that the lab needs on the machine.
type Package struct {
	Name    string
	Shows   string  // file that is there when the package is
	For     string  // what needs it
	Profile Profile // the smallest that needs it
}

// packages is all that the lab needs of Debian beside Go, git and what no Debian is
// without, such as bash and nsenter; those of unpacked.go come on top.
// None of them starts anything.
var packages = []Package{
	{"busybox-static", "/usr/bin/busybox", "the commands of the images", Plain},
	{"conntrack", "/usr/sbin/conntrack", "kubeadm, before it starts", Plain},
	{"containernetworking-plugins", "/usr/lib/cni/bridge", "the plain pod network, and the loopback of each Pod", Plain},
	{"curl", "/usr/bin/curl", "the probes of the tests, on hosts and in Pods", Plain},
	{"iproute2", "/usr/sbin/ip", "the network between the hosts, and the images", Plain},
	{"iptables", "/usr/sbin/xtables-nft-multi", "the router's masquerade, and the images of kube-proxy and Cilium", Plain},
	{"kmod", "/usr/sbin/modprobe", "kubeadm and kube-proxy", Plain},
	{"mount", "/usr/bin/mount", "the kubelets, and Cilium's image", Plain},
	{"netbase", "/etc/protocols", "kube-proxy's nft, which tells protocols by their names", Plain},
	{"nftables", "/usr/sbin/nft", "kube-proxy's image", Plain},
	{"runc", "/usr/sbin/runc", "containerd", Plain},
	{"clang-19", "/usr/lib/llvm-19/bin/clang", "Cilium's agents, which compile what they load into the kernel", Cilium},
	{"ipset", "/usr/sbin/ipset", "Cilium's agents, where iptables masquerades", Cilium},
}

// needed is the packages that a profile needs.
func needed(p Profile) []Package {
	var some []Package
	for _, pkg := range packages {
		if p == Cilium || p == pkg.Profile {
			some = append(some, pkg)
		}
	}
	return some
}

// Missing is those of them that the machine has not.
func Missing(p Profile) []Package {
	return missing(needed(p))
}

func missing(packages []Package) []Package {
	var gone []Package
	for _, p := range packages {
		if _, err := os.Stat(p.Shows); errors.Is(err, fs.ErrNotExist) {
			gone = append(gone, p)
		}
	}
	return gone
}

// Install installs packages with apt, which only root may.
func Install(ctx context.Context, packages []Package, log io.Writer) error {
	install := []string{"install", "-q", "-y", "--no-install-recommends"}
	for _, p := range packages {
		install = append(install, p.Name)
	}
	for _, args := range [][]string{{"update", "-q"}, install} {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		cmd.Stdout, cmd.Stderr = log, log
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("apt-get %s: %w", strings.Join(args, " "), err)
		}
	}
	return nil
}

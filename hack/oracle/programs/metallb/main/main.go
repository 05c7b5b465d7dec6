// Program main asks MetalLB itself about the pools of the plans on stdin, one JSON
// object a line, and writes one line for each: the verdicts of the parser and of
// the allocator, with a tab between them.
package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"go.universe.tf/metallb/api/v1beta1"
	"go.universe.tf/metallb/internal/config"
	"go.universe.tf/metallb/internal/ipfamily"
)

// plan is a case, as its generator writes it.
type plan struct{ Pools [][]string }

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func run(in io.Reader, out io.Writer) error {
	decoder, w := json.NewDecoder(in), bufio.NewWriter(out)
	for {
		var p plan
		switch err := decoder.Decode(&p); {
		case errors.Is(err, io.EOF):
			return w.Flush()
		case err != nil:
			return err
		}
		pools, err := config.OraclePools(resources(p))
		if _, err := fmt.Fprintf(w, "%s\t%s\n", parser(p, err == nil), allocations(p, pools, err == nil)); err != nil {
			return err
		}
	}
}

func resources(p plan) config.ClusterResources {
	var r config.ClusterResources
	for i, entries := range p.Pools {
		r.Pools = append(r.Pools, v1beta1.IPAddressPool{
			ObjectMeta: metav1.ObjectMeta{Name: name(i)},
			Spec:       v1beta1.IPAddressPoolSpec{Addresses: entries},
		})
	}
	return r
}

func name(i int) string { return fmt.Sprintf("pool%d", i) }

// parser is whether the pools are taken together, and for each entry a digest of
// its first and its last address, or - when it is refused.
func parser(p plan, taken bool) string {
	text := sign(taken)
	for _, entries := range p.Pools {
		for _, e := range entries {
			text += " " + entry(e)
		}
	}
	return text
}

func entry(text string) string {
	nets, err := config.ParseCIDR(text)
	switch {
	case err != nil:
		return "-"
	case len(nets) == 0:
		return "empty"
	}
	return digest(nets[0].IP, last(nets[len(nets)-1]))
}

func last(n *net.IPNet) net.IP {
	end := slices.Clone(n.IP[len(n.IP)-len(n.Mask):]) // IPv4 comes in 4 or in 16 bytes
	for i := range end {
		end[i] |= ^n.Mask[i]
	}
	return end
}

// digest is two digits that tell addresses from others, mostly.
func digest(addrs ...net.IP) string {
	var texts []string
	for _, a := range addrs {
		texts = append(texts, a.String())
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(texts, " "))))[:2]
}

// allocations is for each pool how many addresses there are, and a digest of what a
// Service gets that wants IPv4, IPv6, or both; - is nothing.
func allocations(p plan, pools pools, taken bool) string {
	if !taken {
		return "refused"
	}
	a := newAllocator(pools)
	var texts []string
	for i := range p.Pools {
		text := fmt.Sprintf("%d:", count(pools, name(i)))
		for _, f := range []ipfamily.Family{ipfamily.IPv4, ipfamily.IPv6, ipfamily.DualStack} {
			text += a.given(name(i), f)
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, " ")
}

func given(addrs []net.IP, err error) string {
	if err != nil {
		return "-"
	}
	return digest(addrs...)
}

// sign is + for what is taken and - for what is refused.
func sign(taken bool) string {
	if taken {
		return "+"
	}
	return "-"
}

package render

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
)

// Node is a machine of the cluster: its name, and one address of each family of the
// plan.
type Node struct {
	Name      string
	Addresses ipfam.Pair[netip.Addr]
}

// nodeName is what Kubernetes takes for the name of a node, a DNS subdomain
// (kubernetes v1.37.2, staging/src/k8s.io/apimachinery/pkg/util/validation). It is
// also a part of the names of files.
var nodeName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)

const maxNodeName = 200 // of 253, so that it fits into the name of a file

// ParseNode reads NAME=ADDRESS or NAME=ADDRESS,ADDRESS, one address of each family in
// any order.
func ParseNode(s string) (Node, error) {
	name, list, ok := strings.Cut(s, "=")
	if !ok {
		return Node{}, fmt.Errorf("%q: want NAME=IPV4,IPV6", s)
	}
	n := Node{Name: name}
	if len(name) > maxNodeName || !nodeName.MatchString(name) {
		return n, fmt.Errorf("%q: %q is no name of a node: want lower-case letters, digits, hyphens and dots", s, name)
	}
	for text := range strings.SplitSeq(list, ",") {
		a, err := netip.ParseAddr(strings.TrimSpace(text))
		switch {
		case err != nil:
			return n, fmt.Errorf("%q: %q is no address", s, text)
		case a.Zone() != "":
			return n, fmt.Errorf("%q: %s has a zone", s, a)
		}
		a = a.Unmap()
		at := n.Addresses.At(ipfam.Of(a))
		if at.IsValid() {
			return n, fmt.Errorf("%q: %s and %s are both %s", s, *at, a, ipfam.Of(a))
		}
		*at = a
	}
	return n, nil
}

// InOrder is the node's addresses of these families, in their order.
func (n Node) inOrder(families []ipfam.Family) []netip.Addr {
	var as []netip.Addr
	for _, f := range families {
		as = append(as, n.Addresses.Of(f))
	}
	return as
}

// checkNodes holds the nodes to the plan: they have an address of each of its
// families, on its network, that nothing else has or gives away.
func (j *job) checkNodes() {
	if len(j.plan.Families) == 0 {
		j.fault("spec.families", "names no family")
		j.plan = &plan.Plan{Families: ipfam.All[:]}
	}
	names := map[string]bool{}
	owners := map[netip.Addr]string{}
	for _, n := range j.opts.Nodes {
		if names[n.Name] {
			j.faults = append(j.faults, fmt.Errorf("node %s is named twice", n.Name))
		}
		names[n.Name] = true
		for _, f := range j.plan.Families {
			j.checkAddress(n, f, owners)
		}
	}
}

func (j *job) checkAddress(n Node, f ipfam.Family, owners map[netip.Addr]string) {
	a := n.Addresses.Of(f)
	bad := func(err error) { j.faults = append(j.faults, fmt.Errorf("node %s: %w", n.Name, err)) }
	if !a.IsValid() {
		bad(fmt.Errorf("has no %s address, and %s has %s", f, j.from("spec.families"), j.plan.Want()))
		return
	}
	if owner := owners[a]; owner != "" {
		bad(fmt.Errorf("%s is also that of %s", a, owner))
	}
	owners[a] = n.Name
	if lan := j.plan.LAN.Prefixes.Of(f); lan.IsValid() && !lan.Masked().Contains(a) {
		bad(fmt.Errorf("%s lies outside of the LAN %s (%s)", a, lan.Masked(), j.from(of("spec.lan", f))))
	}
	for _, r := range j.plan.Ranges() {
		switch r.Use {
		case plan.Pods, plan.Services, plan.LoadBalancers:
			if r.Addrs.Contains(a) {
				bad(fmt.Errorf("%s lies in %s (%s)", a, r, j.from(r.Field)))
			}
		}
	}
	if lan := j.plan.LAN.Prefixes.Of(f); lan.IsValid() && noHost(lan.Masked(), a) {
		bad(errors.New(a.String() + " is no address of one host: the LAN has it for itself"))
	}
}

// noHost reports whether a is the first address of its network, or the broadcast
// address of an IPv4 one. In IPv6 the first is that of all routers (RFC 4291, 2.6.1).
func noHost(lan netip.Prefix, a netip.Addr) bool {
	whole := netipx.RangeOfPrefix(lan)
	if lan.Bits() >= lan.Addr().BitLen()-1 {
		return false
	}
	return a == whole.From() || ipfam.Of(a) == ipfam.V4 && a == whole.To()
}

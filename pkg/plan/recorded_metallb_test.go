package plan_test

import (
	"crypto/sha256"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
)

// metallbParser is a sign for all pools together, and for each entry a digest of
// its first and its last address, or - when it is refused.
func metallbParser(j judged) string {
	text := j.poolsTaken()
	for _, entries := range j.Pools {
		for _, e := range entries {
			r, _, err := plan.ParseAddrs(e)
			if err != nil {
				text += " -"
				continue
			}
			text += " " + digest(r.From(), r.To())
		}
	}
	return text
}

// metallbRefusals is metallbParser by the rules of pkg/metallb, which know what
// each release takes: "empty" is a range without an address.
func metallbRefusals(j judged) string {
	words := []string{"?"}
	for _, e := range slices.Concat(j.Pools...) {
		r := metallb.ParseAddresses(e).Range
		switch {
		case metallb.Refusal(e, j.version) != "":
			words = append(words, "-")
		case r.IsValid():
			words = append(words, digest(r.From(), r.To()))
		default:
			words = append(words, "empty")
		}
	}
	return strings.Join(words, " ")
}

// poolsTaken is whether our rules have nothing against the pools: each can be read,
// and no two share an address.
func (j judged) poolsTaken() string {
	if taken := j.verdict("spec.loadBalancers"); taken != "+" {
		return taken
	}
	for _, p := range j.problems {
		if p.Rule == plan.Disjoint && strings.Contains(p.Message, "(spec.loadBalancers[") {
			return "-"
		}
	}
	return "+"
}

// digest is two digits that tell addresses from others, mostly.
func digest(addrs ...netip.Addr) string {
	var texts []string
	for _, a := range addrs {
		texts = append(texts, a.String())
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(texts, " "))))[:2]
}

// metallbAllocator is for each pool how many addresses there are, and a digest of
// what a Service gets that wants IPv4, IPv6, or both; - is nothing.
func metallbAllocator(j judged) string {
	switch j.poolsTaken() {
	case "-":
		return "refused"
	case "?":
		return "?"
	}
	var pools []metallb.Pool
	for i, entries := range j.Pools {
		p := metallb.Pool{Name: fmt.Sprintf("pool%d", i), AutoAssign: true}
		for _, e := range entries {
			p.Addresses = append(p.Addresses, metallb.ParseAddresses(e))
		}
		pools = append(pools, p)
	}
	var words []string
	for _, p := range pools {
		word := fmt.Sprintf("%d:", metallbCount(p))
		for _, families := range [][]ipfam.Family{{ipfam.V4}, {ipfam.V6}, {ipfam.V4, ipfam.V6}} {
			s := metallb.Service{Namespace: "default", Name: "web", Families: families, Pool: p.Name, Policy: "RequireDualStack"}
			if len(families) == 1 {
				s.Policy = "SingleStack"
			}
			if o := metallb.Predict(s, pools, nil, j.version); len(o.Addrs) > 0 {
				word += digest(o.Addrs...)
			} else {
				word += "-"
			}
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// metallbCount is the addresses of a pool as MetalLB counts them: from 62 bits on
// without end.
func metallbCount(p metallb.Pool) uint64 {
	n := plan.Sum(p.Capacity(ipfam.V4), p.Capacity(ipfam.V6))
	if n >= 1<<62 {
		return math.MaxInt64
	}
	return n
}

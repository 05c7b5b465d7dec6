package plan_test

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// difference is where our rules do not say what a component says, and why that is
// meant so. One that occurs no more fails the test.
type difference struct {
	name, reason string
	components   string // separated by spaces
	applies      func(j judged, ours, theirs string) bool
}

// known is the name of the difference that this is, if it is one.
func known(component string, j judged, ours, theirs string) string {
	for _, d := range differences {
		for c := range strings.FieldsSeq(d.components) {
			if c == component && d.applies(j, ours, theirs) {
				return d.name
			}
		}
	}
	return ""
}

// stricter reports whether ours differs from theirs only in refusing more.
func stricter(ours, theirs string) bool {
	var words []string
	for word := range strings.SplitSeq(ours, " ") {
		switch word {
		case "refused", "none", "-":
			word = "?"
		}
		words = append(words, strings.ReplaceAll(word, "-", "?"))
	}
	return ours == "refused" || agree(strings.Join(words, " "), theirs)
}

// second is the Service range of the second family.
func second(j judged) netip.Prefix { return j.plan.Services.Of(j.inOrder()[1]) }

// anyEntry reports whether an entry of a pool is so.
func (j judged) anyEntry(so func(text string) bool) bool {
	return slices.ContainsFunc(slices.Concat(j.Pools...), so)
}

// overflow is a count that came to be negative.
var overflow = regexp.MustCompile(`-92233720368\d+:`)

var zeros = regexp.MustCompile(`(?i)(^|[./:])0+([0-9a-f])`)

// notCanonical reports whether the address of a prefix has another form than that
// of RFC 5952, or an IPv4 address in it.
func notCanonical(text string) bool {
	address, _, _ := strings.Cut(text, "/")
	a, err := netip.ParseAddr(address)
	return err == nil && (a.String() != address || a.Is4In6())
}

// sloppy reports whether text is a prefix but for zeros that lead a number, or
// for its being an IPv4-mapped one.
func sloppy(text string) bool {
	if _, err := netip.ParsePrefix(text); err == nil {
		return strings.HasPrefix(text, "::ffff:")
	}
	_, err := netip.ParsePrefix(zeros.ReplaceAllString(text, "$1$2"))
	return err == nil
}

var differences = []difference{
	{
		name: "ipv6-services-wider-than-64", components: "kube-apiserver",
		reason: "kube-apiserver starts with an IPv6 Service range shorter than /64, logs that it has no allocator, and gives no address of it",
		applies: func(j judged, ours, theirs string) bool {
			return ours == "-" && theirs == "+" && j.plan != nil && j.plan.Services.Of(ipfam.V6).IsValid() && j.plan.Services.Of(ipfam.V6).Bits() < 64
		},
	},
	{
		name: "ipv6-services-wider-than-64-give-nothing", components: "service-allocators",
		reason: "as above: we refuse the range, and the allocator cannot be made",
		applies: func(j judged, ours, theirs string) bool {
			return ours == "refused" && strings.Contains(theirs, "no-allocator")
		},
	},
	{
		name: "services-without-an-address", components: "kube-apiserver service-allocators",
		reason: "kube-apiserver starts with a second Service range of one or two addresses, and gives none of it",
		applies: func(j judged, ours, theirs string) bool {
			return (ours == "-" && theirs == "+" || ours == "refused" && strings.Contains(theirs, "0:0:------")) &&
				j.plan != nil && len(j.Families) == 2 && plan.ServiceAddresses(second(j), j.version) == 0
		},
	},
	{
		name: "free-overflows", components: "service-allocators",
		reason: "kube-apiserver before 1.35 says of the addresses left of an IPv6 /64 that they are -1; it gives them all the same",
		applies: func(j judged, ours, theirs string) bool {
			return j.version.Before(release.V(1, 35)) && agree(ours, strings.ReplaceAll(theirs, "-1:70:", "9223372036854775807:70:"))
		},
	},
	{
		name: "sloppy", components: "kubeadm kube-apiserver service-allocators kube-controller-manager cilium-cluster-pool cilium-pod-addresses",
		reason: "Kubernetes and early releases of Cilium read 010.0.0.0/08 and ::ffff:10.0.0.0/104; a plan's file may not have them, since others read another range or none",
		applies: func(j judged, ours, theirs string) bool {
			return j.plan == nil && slices.ContainsFunc(slices.Concat(j.Services, j.Pods), sloppy) && stricter(ours, theirs)
		},
	},
	{
		name: "trimmed", components: "kube-controller-manager",
		reason: "kube-controller-manager drops spaces around --cluster-cidr; kubeadm and kube-apiserver refuse them",
		applies: func(j judged, ours, _ string) bool {
			return j.plan == nil && ours == "refused" && strings.TrimSpace(strings.Join(j.Pods, ",")) != strings.Join(j.Pods, ",")
		},
	},
	{
		name: "mask-longer-than-an-address", components: "kubeadm kube-controller-manager",
		reason: "kubeadm and kube-controller-manager take an IPv4 node mask of /33 or an IPv6 one of /129, and there are no such blocks",
		applies: func(j judged, ours, theirs string) bool {
			for i, f := range j.inOrder() {
				if j.Masks[i] > f.Bits() {
					return j.plan == nil && stricter(ours, theirs)
				}
			}
			return false
		},
	},
	{
		name: "not-canonical", components: "api-objects",
		reason: "a plan may have upper case and more zeros in an address than need be; what is written out of it is canonical",
		applies: func(j judged, ours, theirs string) bool {
			return slices.ContainsFunc(j.Services, notCanonical) && agree(strings.ReplaceAll(ours, "+", "?"), theirs)
		},
	},
	{
		name: "objects-sloppy", components: "api-objects",
		reason: "early releases of the API take ::ffff:10.0.0.0/104 in a ServiceCIDR, and an address with a zone for the name of an IPAddress",
		applies: func(j judged, ours, theirs string) bool {
			return j.plan == nil && stricter(ours, theirs) && slices.ContainsFunc(j.Services, func(text string) bool {
				return strings.HasPrefix(text, "::ffff:") || strings.Contains(text, "%")
			})
		},
	},
	{
		name: "range-of-two-families", components: "metallb-parser metallb-allocator",
		reason: "MetalLB before 0.16 takes a FROM-TO from IPv4 to IPv6 for a range without an address",
		applies: func(j judged, ours, theirs string) bool {
			return j.version.Before(metallb.RefusesMixedRanges) && j.anyEntry(func(text string) bool {
				from, to, ok := strings.Cut(text, "-")
				a, err := netip.ParseAddr(strings.TrimSpace(from))
				b, err2 := netip.ParseAddr(strings.TrimSpace(to))
				return ok && err == nil && err2 == nil && ipfam.Of(a.Unmap()) != ipfam.Of(b.Unmap())
			}) && (ours == "refused" || stricter(ours, strings.ReplaceAll(theirs, "empty", "-")))
		},
	},
	{
		name: "mapped-prefix", components: "metallb-parser metallb-allocator",
		reason: "MetalLB takes ::ffff:192.0.2.0/24 for ::/24; a plan refuses an IPv4-mapped prefix shorter than /96",
		applies: func(j judged, ours, theirs string) bool {
			return j.anyEntry(func(text string) bool {
				p, err := netip.ParsePrefix(text)
				return err == nil && p.Addr().Is4In6() && p.Bits() < 96
			}) && stricter(ours, theirs)
		},
	},
	{
		name: "count-overflows", components: "metallb-allocator",
		reason: "MetalLB before 0.16 adds to the largest number when it counts a pool, and its metric is negative",
		applies: func(j judged, ours, theirs string) bool {
			return j.version.Before(release.V(0, 16)) && agree(ours, overflow.ReplaceAllString(theirs, "9223372036854775807:"))
		},
	},
}

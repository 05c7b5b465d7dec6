// Package policy is the checks of who may send to whom: NetworkPolicies, Cilium's
// policies and egress gateways, Ingresses and node ports.
package policy

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// Checks is the checks of this area, in the order of their IDs.
var Checks = []*checks.Check{
	egressFamilies,
	ingressFamilies,
	exceptionFamilies,
	policiesTaken,
	zeroRange,
	gatewayFamilies,
	gatewayAddress,
	allowListFamilies,
	entranceAddresses,
	publicPodsGuarded,
	nodePortsPublic,
}

// policyKinds and podKinds are what most of these checks look at.
var (
	policyKinds = checks.PolicyKinds
	podKinds    = snapshot.ClaimKinds[plan.Pods]
)

// everywhere is all addresses of a family.
var everywhere = ipfam.Pair[netip.Prefix]{V4: netip.MustParsePrefix("0.0.0.0/0"), V6: netip.MustParsePrefix("::/0")}

// reach is the ranges of each family that rules are about. Unsure is whether they may be
// about others too: a rule for everybody, or one that is not known wholly.
type reach struct {
	ranges ipfam.Pair[[]snapshot.PolicyPeer]
	unsure bool
}

func reachOf(rules []snapshot.PolicyRule) (r reach) {
	for _, rule := range rules {
		r.unsure = r.unsure || rule.Any || rule.Unjudged != ""
		for _, p := range rule.Peers {
			switch {
			case p.CIDR.IsValid():
				r.add(ipfam.OfPrefix(p.CIDR), p)
			case p.Entity == "world-ipv4":
				r.add(ipfam.V4, all(p, ipfam.V4))
			case p.Entity == "world-ipv6":
				r.add(ipfam.V6, all(p, ipfam.V6))
			case p.Entity == snapshot.EntityWorld || p.Entity == "all" || p.Part != "":
				r.unsure = true
			}
		}
	}
	return r
}

func (r *reach) add(f ipfam.Family, p snapshot.PolicyPeer) {
	*r.ranges.At(f) = append(r.ranges.Of(f), p)
}

// all is p as the range of all addresses of f.
func all(p snapshot.PolicyPeer, f ipfam.Family) snapshot.PolicyPeer {
	p.CIDR = everywhere.Of(f)
	return p
}

// single is the one family that r has ranges of, when it is about nothing else outside.
func (r reach) single() (f ipfam.Family, ok bool) {
	var s ipfam.Set
	for _, f := range ipfam.All {
		if len(r.ranges.Of(f)) > 0 {
			s = s.With(f)
		}
	}
	f, ok = s.Single()
	return f, ok && !r.unsure
}

// wide is the first of r's ranges that has all addresses of f.
func (r reach) wide(f ipfam.Family) (snapshot.PolicyPeer, bool) {
	for _, p := range r.ranges.Of(f) {
		if p.CIDR.Bits() == 0 {
			return p, true
		}
	}
	return snapshot.PolicyPeer{}, false
}

// texts is the ranges of f.
func (r reach) texts(f ipfam.Family) []string {
	var texts []string
	for _, p := range r.ranges.Of(f) {
		texts = append(texts, p.CIDR.String())
	}
	return texts
}

// samePods reports whether q is for every Pod that p is for, as far as the text of their
// selectors tells.
func samePods(p, q snapshot.Policy) bool {
	if !q.Clusterwide && q.Namespace != p.Namespace {
		return false
	}
	return q.Unjudged == "" && q.Refused == "" && q.SubjectNamespaces == nil && (q.Subject == "" || q.Subject == p.Subject)
}

// twin is the range of the other family that the plan has in the same place as r: all
// addresses for all addresses, the LAN for the LAN.
func twin(p *plan.Plan, r netip.Prefix) (netip.Prefix, bool) {
	f := ipfam.OfPrefix(r)
	if r.Bits() == 0 {
		return everywhere.Of(f.Other()), true
	}
	if p == nil {
		return netip.Prefix{}, false
	}
	for _, pair := range []ipfam.Pair[netip.Prefix]{p.LAN.Prefixes, p.Pods.Prefixes, p.Services} {
		own, other := pair.Of(f), pair.Of(f.Other())
		if own.IsValid() && other.IsValid() && own.Masked() == r.Masked() {
			return other.Masked(), true
		}
	}
	return netip.Prefix{}, false
}

// add is the command that adds value, which is a range, to the list that the entry at field
// is in: ".spec.egress[0].to[1]" of a NetworkPolicy.
func add(object snapshot.Ref, field, value string) string {
	list := field
	if i := strings.LastIndexByte(field, '['); i > 0 {
		list = field[:i]
	}
	entry := fmt.Sprintf("%q", value)
	switch {
	case object.Kind == "NetworkPolicy":
		entry = fmt.Sprintf(`{"ipBlock":{"cidr":%q}}`, value)
	case strings.HasSuffix(list, "CIDRSet"):
		entry = fmt.Sprintf(`{"cidr":%q}`, value)
	case strings.HasSuffix(list, "Entities"):
		entry = `"world"`
	}
	return patchAdd(object, list+".-", entry)
}

// patchAdd is the command that adds value, which is JSON, at field; at the end of a list for a
// field that ends in ".-".
func patchAdd(object snapshot.Ref, field, value string) string {
	path := strings.NewReplacer(".", "/", "[", "/", "]", "").Replace(field)
	return kubectl(object, "patch", "--type", "json", "-p", fmt.Sprintf(`[{"op":"add","path":%q,"value":%s}]`, path, value))
}

// kubectl is the command that does verb with the object.
func kubectl(object snapshot.Ref, verb string, flags ...string) string {
	words := []string{"kubectl", verb, strings.ToLower(object.Kind), object.Name}
	if object.Namespace != "" {
		words = append(words, "-n", object.Namespace)
	}
	return checks.Command(append(words, flags...)...)
}

package trace

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// fit is whether something is about the connection. Of two conditions the smaller one
// counts, of two possibilities the larger.
type fit int

const (
	misses fit = iota
	mayFit
	fits
)

func fitIf(ok bool) fit {
	if ok {
		return fits
	}
	return misses
}

// match is how a rule fits.
type match struct {
	fit     fit
	policy  snapshot.Policy
	rule    snapshot.PolicyRule
	peer    snapshot.PolicyPeer // zero when the rule is for everybody
	limited bool                // the rule is about some ports, and which one is asked for is not known
	narrow  bool                // the peer is a part of the internet
	doubt   string              // what is not known
}

func (m match) unknown() string { return m.rule.Field + ": " + m.doubt }

type matches []match

// best is the first match that fits so, one of all ports before one of some.
func (ms matches) best(f fit) *match {
	if m := ms.wholly(f); m != nil {
		return m
	}
	return ms.first(func(m match) bool { return m.fit == f })
}

// wholly is the first match that fits so and that does not leave out ports.
func (ms matches) wholly(f fit) *match {
	return ms.first(func(m match) bool { return m.fit == f && !m.limited })
}

func (ms matches) first(ok func(match) bool) *match {
	if i := slices.IndexFunc(ms, ok); i >= 0 {
		return &ms[i]
	}
	return nil
}

// matches is how each of p's rules fits, once for each of its peers that does.
func (j judge) matches(p snapshot.Policy, rules []snapshot.PolicyRule) matches {
	var all matches
	for _, r := range rules {
		ports := j.ports(r)
		for _, m := range j.peers(p, r) {
			m.policy, m.rule, m.limited = p, r, ports.limited
			if ports.fit < m.fit {
				m.fit, m.doubt = ports.fit, ports.doubt
			}
			if m.fit == fits && r.Proviso != "" {
				m.fit, m.doubt = mayFit, r.Proviso+" decide"
			}
			if m.fit > misses {
				all = append(all, m)
			}
		}
	}
	return all
}

// ports is how the ports of r fit. Rules of other protocols than TCP do not. Only Pods
// know which port has a name.
func (j judge) ports(r snapshot.PolicyRule) match {
	if len(r.Ports) == 0 {
		return match{fit: fits}
	}
	best := match{}
	for _, p := range r.Ports {
		m := match{}
		switch port := j.other.Port; {
		case p.Protocol != "" && p.Protocol != "TCP":
		case p.Name != "":
			m = match{fit: mayFit, doubt: fmt.Sprintf("which port has the name %q is not known", p.Name)}
		case p.Port == 0:
			m = match{fit: fits}
		case port == 0:
			m = match{fit: fits, limited: true}
		default:
			m = match{fit: fitIf(p.Port <= port && port <= max(p.Port, p.EndPort))}
		}
		if m.fit > best.fit || m.fit == best.fit && best.limited {
			best = m
		}
	}
	return best
}

// peers is how the peers of r fit, without those that do not.
func (j judge) peers(p snapshot.Policy, r snapshot.PolicyRule) matches {
	var all matches
	if r.Any {
		all = append(all, match{fit: fits})
	}
	for _, peer := range r.Peers {
		if m := j.peer(p, peer); m.fit > misses {
			m.peer = peer
			all = append(all, m)
		}
	}
	if r.Unjudged != "" {
		all = append(all, match{fit: mayFit, doubt: r.Unjudged})
	}
	return all
}

func (j judge) peer(p snapshot.Policy, peer snapshot.PolicyPeer) match {
	switch {
	case peer.CIDR.IsValid():
		return j.block(peer)
	case peer.Entity != "":
		m := j.entity(peer.Entity)
		if peer.Part != "" && m.fit > misses {
			m = match{fit: mayFit, doubt: peer.Part + " may have it"}
		}
		return m
	case peer.Pods != nil:
		return j.pods(p, peer)
	}
	return match{}
}

// class is what the far end is to Cilium, which gives each an identity of its own.
type class string

const (
	ofWorld   class = "the world"
	ofPod     class = "Pods"
	ofNode    class = "nodes"
	ofSomeone class = "the ranges of Pods" // whether a Pod has the address is not known
)

func (d Destination) class() class {
	switch {
	case d.Node || d.OwnNode:
		return ofNode
	case d.Peer != nil:
		return ofPod
	case d.InCluster:
		return ofSomeone
	}
	return ofWorld
}

// worldsApartFrom is the release of Cilium from which 0.0.0.0/0 and ::/0 are the world of
// one family each. Before, either was the world, which had no family.
// Sources: cilium v1.14.0 and v1.15.0, pkg/policy/api/cidr.go GetAsEndpointSelectors.
var worldsApartFrom = release.V(1, 15)

// block is how a range fits. With Cilium a range, in a NetworkPolicy too, is about
// addresses that are neither a Pod's nor a node's, unless policy-cidr-match-mode says
// otherwise.
// Source: cilium v1.20.2, pkg/policy/types/selector.go CIDRSelector.Matches.
func (j judge) block(peer snapshot.PolicyPeer) match {
	whole := j.by == byCilium && j.version().Before(worldsApartFrom) && peer.CIDR.Bits() == 0 && len(peer.Except) == 0
	m := match{fit: fits}
	if !whole {
		m = j.within(peer)
	}
	if m.fit == misses || j.by != byCilium || j.rangesReach(j.other.class()) {
		return m
	}
	if j.other.class() == ofSomeone {
		return match{fit: mayFit, doubt: fmt.Sprintf("whether a Pod has %s is not known", j.other.Addr)}
	}
	return match{}
}

// rangesReach reports whether ranges of addresses are about c.
// Source: cilium v1.20.2, pkg/option/config.go PolicyCIDRMatchesNodes, PolicyCIDRMatchesPods.
func (j judge) rangesReach(c class) bool {
	modes := strings.FieldsFunc(j.config()["policy-cidr-match-mode"], func(r rune) bool { return r == ' ' || r == ',' })
	switch c {
	case ofNode:
		return slices.Contains(modes, "nodes")
	case ofPod, ofSomeone:
		return slices.Contains(modes, "pods")
	}
	return true
}

// within is how the addresses of the range fit. Of the internet, that is of every address
// at once, it is only the whole that does.
func (j judge) within(peer snapshot.PolicyPeer) match {
	a := j.other.Addr
	switch {
	case !j.other.Family.Valid():
		return match{fit: mayFit, doubt: "from which address it comes is not known"}
	case ipfam.OfPrefix(peer.CIDR) != j.other.Family:
		return match{}
	case a.IsValid():
		return match{fit: fitIf(peer.CIDR.Contains(a) && !excepted(peer, a).IsValid())}
	case wholeInternet(peer.CIDR):
		return match{fit: fits}
	case ofInternet(peer.CIDR):
		return match{fit: mayFit, narrow: true, doubt: fmt.Sprintf("only %s", peer.CIDR)}
	}
	return match{}
}

// excepted is the exception of peer that has a.
func excepted(peer snapshot.PolicyPeer, a netip.Addr) netip.Prefix {
	for _, p := range peer.Except {
		if p.Contains(a) {
			return p
		}
	}
	return netip.Prefix{}
}

// globalUnicast is what IANA gives out of IPv6.
var globalUnicast = netip.MustParsePrefix("2000::/3")

// wholeInternet reports whether p has every address of its family that is global.
func wholeInternet(p netip.Prefix) bool {
	return p.Bits() == 0 || p.Bits() <= globalUnicast.Bits() && p.Contains(globalUnicast.Addr())
}

// ofInternet reports whether p may have addresses that are global. Documentation ranges
// may: whoever writes them has them in the place of such.
func ofInternet(p netip.Prefix) bool {
	a := p.Addr()
	return !a.IsPrivate() && !a.IsLoopback() && !a.IsLinkLocalUnicast() && !a.IsMulticast()
}

// entity is how an entity of Cilium fits.
// Source: cilium v1.20.2, pkg/policy/api/entity.go EntitySelectorMapping.
func (j judge) entity(name string) match {
	c := j.other.class()
	switch name {
	case "all":
		return match{fit: fits}
	case snapshot.EntityWorld:
		return match{fit: fitIf(c == ofWorld)}
	case worldOf(ipfam.V4), worldOf(ipfam.V6):
		return match{fit: fitIf(c == ofWorld && name == worldOf(j.other.Family))}
	case "cluster", "cluster-mesh":
		return match{fit: fitIf(c != ofWorld)}
	case "host":
		return match{fit: fitIf(j.other.OwnNode)}
	case snapshot.EntityRemoteNode:
		return match{fit: fitIf(c == ofNode && !j.other.OwnNode)}
	case "kube-apiserver":
		return j.apiServer()
	case "health", "ingress", "unmanaged", "init":
		if c == ofSomeone {
			return match{fit: mayFit, doubt: fmt.Sprintf("whether %s is of the entity %s is not known", j.other.Addr, name)}
		}
	}
	return match{}
}

// worldOf is the entity that is the world of one family.
func worldOf(f ipfam.Family) string { return cilium.Key("world-%s", f) }

// apiServer is how the entity kube-apiserver fits. It is the addresses that the API
// servers announce, mostly of one family, wherever they run.
func (j judge) apiServer() match {
	if !j.other.Addr.IsValid() || j.other.class() == ofPod {
		return match{}
	}
	return match{fit: mayFit, doubt: fmt.Sprintf("whether %s is an address of the kube-apiserver is not known", j.other.Addr)}
}

// pods is how a peer that is Pods fits. Pods in the host's network are nodes to it.
func (j judge) pods(p snapshot.Policy, peer snapshot.PolicyPeer) match {
	switch j.other.class() {
	case ofSomeone:
		return match{fit: mayFit, doubt: fmt.Sprintf("which Pod has %s is not known", j.other.Addr)}
	case ofPod:
	default:
		return match{}
	}
	there := *j.other.Peer
	namespace := fitIf(p.Clusterwide || p.Namespace == there.Namespace)
	if peer.Namespaces != nil {
		namespace = inNamespaces(*peer.Namespaces, there)
	}
	f := min(namespace, fitIf(peer.Pods.Matches(j.labels(there))))
	return match{fit: f, doubt: fmt.Sprintf("the labels of the namespace %s are not known", there.Namespace)}
}

// labels is those that policies may select w by.
func (j judge) labels(w snapshot.Workload) map[string]string {
	if j.by != byCilium {
		return w.Labels
	}
	all := maps.Clone(w.Labels)
	if all == nil {
		all = map[string]string{}
	}
	all[snapshot.ServiceAccountLabel] = orDefault(w.ServiceAccount)
	all[snapshot.ClusterLabel] = orDefault(j.config()["cluster-name"])
	return all
}

func orDefault(name string) string {
	if name == "" {
		return "default"
	}
	return name
}

// inNamespaces is how a selector of namespaces fits w's. Without its labels it is known
// of the name only, which every namespace has as one.
func inNamespaces(s snapshot.Selector, w snapshot.Workload) fit {
	const name = "kubernetes.io/metadata.name"
	switch s {
	case "", snapshot.Selector(name + "=" + w.Namespace), snapshot.Selector(name + " in (" + w.Namespace + ")"):
		return fits
	}
	if w.NamespaceLabels == nil {
		return mayFit
	}
	return fitIf(s.Matches(w.NamespaceLabels))
}

// subject is whether p is for the Pod.
func (j judge) subject(p snapshot.Policy) fit {
	switch {
	case !p.Clusterwide && p.Namespace != j.pod.Namespace:
		return misses
	case p.Unjudged != "":
		return mayFit
	case !p.Subject.Matches(j.labels(j.pod)):
		return misses
	case p.SubjectNamespaces != nil:
		return inNamespaces(*p.SubjectNamespaces, j.pod)
	}
	return fits
}

package render

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// metalLBNamespace is where MetalLB's manifests put it, and its objects have to be.
const metalLBNamespace = "metallb-system"

// firstMetalLB is the first release whose configuration was read.
var firstMetalLB = release.V(0, 9)

// metalLB is the pools as MetalLB reads them: custom resources, or a ConfigMap before
// 0.13.
func metalLB(j *job) {
	v := j.metallb()
	if v.Before(firstMetalLB) {
		j.fault("", "MetalLB %s: want %s or later", v, firstMetalLB)
		return
	}
	if !j.hasPools() {
		return
	}
	j.poolNotes(v)
	if v.Before(metallb.CustomResources) {
		j.metalLBConfigMap(v)
		return
	}
	title := fmt.Sprintf("MetalLB %s: kubectl apply -f metallb.yaml", v)
	var documents []document
	var peers bool
	for i, pool := range j.plan.LoadBalancers {
		documents = append(documents, j.addressPool(i, pool))
		if d, ok := j.advertisement(i, pool); ok {
			documents = append(documents, d)
		}
		peers = peers || pool.Announce == "bgp"
	}
	if peers {
		for _, f := range j.plan.Families {
			documents = append(documents, bgpPeer(f))
			j.note("metallb.yaml", "the plan has no routers: fill in %s, ${ROUTER_ASN} and ${MY_ASN}", router(f))
		}
		j.note("metallb.yaml", "MetalLB's native BGP has no IPv6: install it with frr-k8s or FRR")
	}
	j.yaml("metallb.yaml", title, documents...)
}

// hasPools reports whether there is anything to give out; that there is nothing is a
// fault.
func (j *job) hasPools() bool {
	if len(j.plan.LoadBalancers) == 0 {
		j.fault("spec.loadBalancers", "is not given")
		return false
	}
	for i, pool := range j.plan.LoadBalancers {
		if len(pool.Addresses) == 0 {
			j.fault(poolField(i)+".addresses", "has no addresses")
		}
		if !nodeName.MatchString(pool.Name) || len(pool.Name) > maxNodeName {
			j.fault(poolField(i)+".name", "%q is no name of an object: want lower-case letters, digits, hyphens and dots", pool.Name)
		}
	}
	return len(j.faults) == 0
}

// poolNotes says what these pools do not give a Service of two families.
func (j *job) poolNotes(v release.Version) {
	dual := false
	for _, pool := range j.plan.LoadBalancers {
		dual = dual || pool.Families().Dual()
	}
	switch {
	case !j.plan.Want().Dual():
	case v.Before(metallb.DualStack):
		j.note("", "MetalLB %s gives a Service one address; %s is the first release that gives it one of each family", v, metallb.DualStack)
	case !dual:
		j.note("", "no pool of the plan has addresses of both families (%s): MetalLB gives both addresses of a Service out of one pool, so that one that requires both gets none",
			j.from("spec.loadBalancers"))
	}
}

func poolField(i int) string { return fmt.Sprintf("spec.loadBalancers[%d]", i) }

// metadata is the name of a pool as that of an object.
func (j *job) metadata(i int, pool plan.Pool) entry {
	return key("metadata", mapping(
		key("name", scalar(pool.Name, j.from(poolField(i)+".name"))),
		key("namespace", scalar(metalLBNamespace, ""))))
}

func metalLBHead(kind, version string) []entry {
	return []entry{key("apiVersion", scalar("metallb.io/"+version, "")), key("kind", scalar(kind, ""))}
}

// addressPool is an IPAddressPool, which has been v1beta1 in every release
// (metallb v0.13.5 and v0.16.2, api/v1beta1/ipaddresspool_types.go).
func (j *job) addressPool(i int, pool plan.Pool) document {
	return document{root: mapping(append(metalLBHead("IPAddressPool", "v1beta1"),
		j.metadata(i, pool),
		key("spec", mapping(key("addresses", j.addresses(i, pool)))))...)}
}

// addresses is the ranges of a pool as a list, those of the plan's first family first.
// MetalLB before 0.14.9 gives the addresses of a Service in the order of the ranges.
func (j *job) addresses(i int, pool plan.Pool) *yaml.Node {
	var items []*yaml.Node
	for _, f := range j.plan.Families {
		for k, r := range pool.Addresses {
			if ipfam.Of(r.From()) == f {
				items = append(items, scalar(plan.FormatAddrs(r), j.from(fmt.Sprintf("%s.addresses[%d]", poolField(i), k))))
			}
		}
	}
	return sequence(items...)
}

// advertisement is what makes a pool's addresses known, without which they are given
// out and nobody hears of them.
func (j *job) advertisement(i int, pool plan.Pool) (document, bool) {
	pools := key("ipAddressPools", sequence(scalar(pool.Name, "")))
	announce := poolField(i) + ".announce"
	switch pool.Announce {
	case "bgp":
		return document{above: j.from(announce), root: mapping(append(metalLBHead("BGPAdvertisement", "v1beta1"),
			j.metadata(i, pool), key("spec", mapping(pools)))...)}, true
	case "none":
		j.note("metallb.yaml", "pool %s is announced by nobody (%s), unless there is an advertisement that names no pool, which is for all", pool.Name, j.from(announce))
		return document{}, false
	}
	return document{root: mapping(append(metalLBHead("L2Advertisement", "v1beta1"), j.metadata(i, pool), key("spec", mapping(pools)))...)}, true
}

// bgpPeer is the router of one family: since 0.15 a session carries the prefixes of
// its own family only (metallb v0.16.2, internal/bgp/frr/frr.go).
func bgpPeer(f ipfam.Family) document {
	return document{above: fmt.Sprintf("The router, over %s. A session carries prefixes of its own family only, from 0.15 on.", f),
		root: mapping(append(metalLBHead("BGPPeer", "v1beta2"),
			key("metadata", mapping(
				key("name", scalar("router-"+strings.ToLower(f.String()), "")),
				key("namespace", scalar(metalLBNamespace, "")))),
			key("spec", mapping(
				key("myASN", scalar("${MY_ASN}", "a number")),
				key("peerASN", scalar("${ROUTER_ASN}", "a number")),
				key("peerAddress", scalar(router(f), "")),
			)))...)}
}

// router is the placeholder of the router's address of a family.
func router(f ipfam.Family) string { return fmt.Sprintf("${ROUTER_%s}", strings.ToUpper(f.String())) }

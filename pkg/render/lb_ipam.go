package render

import (
	"fmt"
	"regexp"

	"go.yaml.in/yaml/v3"
	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// The releases at which the objects of LB IPAM and of L2 announcements changed.
var (
	lbIPAMFrom   = release.V(1, 13) // cilium/cilium#21764
	blocksFrom   = release.V(1, 15) // spec.cidrs before, without FROM-TO (cilium/cilium#28590)
	useEdgesFrom = release.V(1, 16) // before, the first and the last address of a prefix are not given out (cilium/cilium#33151)
	poolsV2From  = release.V(1, 18) // v2alpha1 before (cilium/cilium#39090)
	l2IPv6From   = release.V(1, 19) // ARP alone before (cilium/cilium#39648)
)

const lbIPAMFile = "lb-ipam.yaml"

// lbIPAM is the pools as Cilium's LB IPAM reads them, and the policy that has nodes
// answer for their addresses.
func lbIPAM(j *job) {
	v := j.cilium()
	if v.Before(lbIPAMFrom) {
		j.fault("", "LB IPAM: Cilium %s does not have it: want %s or later", v, lbIPAMFrom)
		return
	}
	if j.opts.OwnCNI {
		j.fault("", "the network plug-in is the distribution's own: there is no LB IPAM")
	}
	if !j.hasPools() {
		return
	}
	var documents []document
	announced := map[string][]string{}
	for i, pool := range j.plan.LoadBalancers {
		documents = append(documents, j.ipPool(i, pool, v))
		how := pool.Announce
		if how == "" {
			how = "l2"
		}
		announced[how] = append(announced[how], pool.Name)
		if how == "l2" {
			j.checkL2(i, pool, v)
		}
	}
	if names := announced["l2"]; len(names) > 0 {
		documents = append(documents, j.l2Policy())
		if others := len(j.plan.LoadBalancers) - len(names); others > 0 {
			j.note(lbIPAMFile, "a CiliumL2AnnouncementPolicy chooses Services, not pools: it is for addresses of all %d pools, until it has a serviceSelector", others+len(names))
		}
	}
	for _, name := range announced["bgp"] {
		j.note(lbIPAMFile, "pool %s is to be announced by BGP, and the plan has no routers: write a CiliumBGPClusterConfig and a CiliumBGPAdvertisement", name)
	}
	for _, name := range announced["none"] {
		j.note(lbIPAMFile, "pool %s is announced by nobody", name)
	}
	j.yaml(lbIPAMFile, fmt.Sprintf("LB IPAM of Cilium %s: kubectl apply -f %s. Its values are to be rendered with --load-balancer cilium.", v, lbIPAMFile), documents...)
}

// ipPool is a pool as a CiliumLoadBalancerIPPool.
// Source: cilium v1.15.19 and v1.20.2, pkg/k8s/apis/cilium.io/{v2alpha1,v2}/lbipam_types.go.
func (j *job) ipPool(i int, pool plan.Pool, v release.Version) document {
	version := "v2"
	if v.Before(poolsV2From) {
		version = "v2alpha1"
	}
	name, blocks := "blocks", []*yaml.Node{}
	if v.Before(blocksFrom) {
		name = "cidrs"
	}
	edges := false
	for _, f := range j.plan.Families {
		for k, r := range pool.Addresses {
			if ipfam.Of(r.From()) == f {
				why := j.from(fmt.Sprintf("%s.addresses[%d]", poolField(i), k))
				blocks = append(blocks, ipBlocks(r, v, why)...)
				_, prefix := r.Prefix()
				edges = edges || prefix
			}
		}
	}
	var allow *yaml.Node
	if edges && v.Before(useEdgesFrom) {
		if v.Before(blocksFrom) {
			j.note(lbIPAMFile, "Cilium %s does not give out the first and the last address of a prefix", v)
		} else {
			allow = quoted("Yes", "")
		}
	}
	return document{root: mapping(
		key("apiVersion", scalar("cilium.io/"+version, "")),
		key("kind", scalar("CiliumLoadBalancerIPPool", "")),
		key("metadata", mapping(key("name", scalar(pool.Name, j.from(poolField(i)+".name"))))),
		key("spec", mapping(
			key(name, sequence(blocks...)),
			key("allowFirstLastIPs", allow).under("All of each prefix, as in later releases without a word."))))}
}

// ipBlocks is a range as the pool of release v has it: a prefix, its first and its last
// address, or the prefixes that it is made of.
func ipBlocks(r netipx.IPRange, v release.Version, why string) []*yaml.Node {
	if _, ok := r.Prefix(); !ok && !v.Before(blocksFrom) {
		return []*yaml.Node{mapping(key("start", quoted(r.From().String(), why)), key("stop", quoted(r.To().String(), "")))}
	}
	var blocks []*yaml.Node
	for _, p := range r.Prefixes() {
		blocks = append(blocks, mapping(key("cidr", quoted(p.String(), why))))
	}
	return blocks
}

// checkL2 finds a pool that release v does not announce on the LAN, or one family of it.
func (j *job) checkL2(i int, pool plan.Pool, v release.Version) {
	field := poolField(i) + ".announce"
	switch {
	case v.Before(announcesL2):
		j.fault(field, "pool %s is announced on the LAN, and Cilium %s announces nothing there: want %s or later", pool.Name, v, announcesL2)
	case pool.Families().Has(ipfam.V6) && v.Before(l2IPv6From):
		j.fault(field, "pool %s has IPv6 addresses and is announced on the LAN, and Cilium %s answers ARP alone there: want %s or later", pool.Name, v, l2IPv6From)
	case pool.Families().Has(ipfam.V6) && v == l2IPv6From:
		// The first builds did not join the groups that neighbours ask (cilium/cilium#41678, #44311).
		j.note(lbIPAMFile, "take a later patch than Cilium %s.0, whose IPv6 addresses are not found on the LAN", v)
	}
}

// l2Policy has the nodes answer for the addresses of LoadBalancer Services.
// Source: cilium v1.20.2, pkg/k8s/apis/cilium.io/v2alpha1/l2announcement_types.go.
func (j *job) l2Policy() document {
	spec := []entry{key("loadBalancerIPs", truth(true, ""))}
	if nic := j.plan.LAN.Interface; nic != "" {
		spec = append(spec, key("interfaces", sequence(quoted("^"+regexp.QuoteMeta(nic)+"$", j.from("spec.lan.interface")))))
	}
	return document{above: "Without selectors it is for all nodes and all Services.", root: mapping(
		key("apiVersion", scalar("cilium.io/v2alpha1", "")),
		key("kind", scalar("CiliumL2AnnouncementPolicy", "")),
		key("metadata", mapping(key("name", scalar("lan", "")))),
		key("spec", mapping(spec...)))}
}

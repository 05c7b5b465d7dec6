package loadbalancers

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// namespaceOf is MetalLB's namespace: the controller's, or that of its pools, or
// the one of its manifests.
func namespaceOf(m snapshot.MetalLB, pools []snapshot.Pool) string {
	switch {
	case m.Namespace != "":
		return m.Namespace
	case len(pools) > 0 && pools[0].Namespace != "":
		return pools[0].Namespace
	}
	return "metallb-system"
}

// addressesField is the field of a pool's i-th entry; i < 0 is the list.
func addressesField(p snapshot.Pool, i int) string {
	if i < 0 {
		return p.Field()
	}
	return fmt.Sprintf("%s[%d]", p.Field(), i)
}

func ranges(list []metallb.Addresses) string {
	texts := make([]string, len(list))
	for i, a := range list {
		texts[i] = a.String()
	}
	return strings.Join(texts, " ")
}

// pair is the pools to be made one so that there is one with both families: of
// each family the first that every Service may use, or else the first.
func pair(pools []snapshot.Pool) []snapshot.Pool {
	var chosen []snapshot.Pool
	for _, f := range ipfam.All {
		best := -1
		for i, p := range pools {
			if !p.Families().Has(f) {
				continue
			}
			if best < 0 || p.AutoAssign && !p.Restricted && (!pools[best].AutoAssign || pools[best].Restricted) {
				best = i
			}
		}
		if best >= 0 && (len(chosen) == 0 || chosen[0].Ref != pools[best].Ref) {
			chosen = append(chosen, pools[best])
		}
	}
	return chosen
}

// both is the pools of pair as one. A family of which there is no range gets the
// plan's, or a gap to be filled in.
func both(in *checks.Input, pools []snapshot.Pool) metallb.Pool {
	merged := metallb.Merge(checks.PlainPools(pair(pools)))
	for _, f := range ipfam.All {
		if !merged.Families().Has(f) {
			merged.Addresses = append(merged.Addresses, planned(in.Plan(), f)...)
		}
	}
	return merged
}

func planned(p *plan.Plan, f ipfam.Family) []metallb.Addresses {
	var found []metallb.Addresses
	if p != nil {
		for _, pool := range p.LoadBalancers {
			for _, r := range pool.Addresses {
				if ipfam.Of(r.From()) == f {
					found = append(found, metallb.ParseAddresses(plan.FormatAddrs(r)))
				}
			}
		}
	}
	if len(found) == 0 {
		return []metallb.Addresses{{Text: fmt.Sprintf("<%s range>", f)}}
	}
	return found
}

// converted is pools of the ConfigMap era, or AddressPools, as IPAddressPools, one
// pool of both families among them when the cluster has both.
func converted(in *checks.Input, pools []snapshot.Pool, dual bool) string {
	namespace := namespaceOf(in.MetalLB(), pools)
	var texts []string
	done := map[snapshot.Ref]bool{}
	add := func(p metallb.Pool) {
		texts = append(texts, p.Manifest(namespace), p.AdvertisementManifest(namespace))
	}
	if dual && !anyDual(pools) && checks.AllParse(pools) {
		add(both(in, pools))
		for _, p := range pair(pools) {
			done[p.Ref] = true
		}
	}
	for _, p := range pools {
		if !done[p.Ref] {
			add(p.Pool)
		}
	}
	return checks.Apply(texts...)
}

// manifests is the pool as an IPAddressPool, and its advertisement if the pool
// says itself how it is announced.
func manifests(p snapshot.Pool, namespace string) []string {
	list := []string{p.Manifest(namespace)}
	if p.AnnouncesItself() {
		list = append(list, p.AdvertisementManifest(namespace))
	}
	return list
}

func anyDual(pools []snapshot.Pool) bool {
	for _, p := range pools {
		if p.Families().Dual() {
			return true
		}
	}
	return false
}

// announced is how the pool's addresses are made known, as far as names and
// protocols tell; unsure is true when a label selector knows more.
func announced(p snapshot.Pool, ads []snapshot.Advertisement) (l2, bgp, unsure bool) {
	if p.AnnouncesItself() {
		return p.Protocol == "layer2", p.Protocol == "bgp", false
	}
	for _, ad := range ads {
		if ad.Namespace != p.Namespace {
			continue
		}
		selected, maybe := ad.Selects(p.Ref.Name)
		l2 = l2 || selected && !ad.BGP
		bgp = bgp || selected && ad.BGP
		unsure = unsure || maybe
	}
	return l2, bgp, unsure
}

// about is the advertisements that announce addresses of s.
func about(s snapshot.Service, ads []snapshot.Advertisement) []snapshot.Advertisement {
	return slices.DeleteFunc(slices.Clone(ads), func(ad snapshot.Advertisement) bool { return !ad.IsAbout(s) })
}

// quotedList is names as the elements of a JSON list.
func quotedList(names []string) string {
	texts := make([]string, len(names))
	for i, n := range names {
		texts[i] = strconv.Quote(n)
	}
	return strings.Join(texts, ",")
}

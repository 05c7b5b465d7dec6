package render

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// metalLBConfigMap is the pools in the form of before 0.13: one ConfigMap, in which a
// pool says itself how it is announced.
// Source: metallb v0.11.0 and the branch v0.12, internal/config/config.go.
func (j *job) metalLBConfigMap(v release.Version) {
	var pools []*yaml.Node
	bgp := false
	for i, pool := range j.plan.LoadBalancers {
		protocol := "layer2"
		switch pool.Announce {
		case "bgp":
			protocol, bgp = "bgp", true
		case "none":
			j.note("metallb.yaml", "pool %s is left out (%s): MetalLB before 0.13 announces every pool", pool.Name, j.from(poolField(i)+".announce"))
			continue
		}
		pools = append(pools, mapping(
			key("name", scalar(pool.Name, j.from(poolField(i)+".name"))),
			key("protocol", scalar(protocol, j.from(poolField(i)+".announce"))),
			key("addresses", j.addresses(i, pool))))
	}
	config := mapping(key("address-pools", sequence(pools...)))
	if bgp {
		config.Content = append(config.Content, mapping(key("peers", j.configPeers())).Content...)
		j.note("metallb.yaml", "the plan has no routers: fill in %s, ${ROUTER_ASN} and ${MY_ASN}", router(ipfam.V4))
	}
	title := fmt.Sprintf("MetalLB %s: kubectl apply -f metallb.yaml. Installed by its chart, it reads the ConfigMap that is named as the\n"+
		"release is; the text of the key config is then the value configInline.", v)
	j.yaml("metallb.yaml", title, document{root: mapping(
		key("apiVersion", scalar("v1", "")),
		key("kind", scalar("ConfigMap", "")),
		key("metadata", mapping(key("name", scalar("config", "")), key("namespace", scalar(metalLBNamespace, "")))),
		key("data", mapping(key("config", j.embedded("metallb.yaml", config)))))})
}

// configPeers is the router. MetalLB's own BGP has no IPv6 (metallb v0.16.2,
// internal/bgp/native/native.go), so that there is one peer, over IPv4.
func (j *job) configPeers() *yaml.Node {
	for i, pool := range j.plan.LoadBalancers {
		if pool.Announce == "bgp" && pool.Families().Has(ipfam.V6) {
			j.note("metallb.yaml", "MetalLB's own BGP has no IPv6, which pool %s has (%s)", pool.Name, j.from(poolField(i)+".addresses"))
		}
	}
	return sequence(mapping(
		key("peer-address", scalar(router(ipfam.V4), "")),
		key("peer-asn", scalar("${ROUTER_ASN}", "a number")),
		key("my-asn", scalar("${MY_ASN}", "a number"))))
}

// embedded is a tree as the text of a value, as ConfigMaps have it.
func (j *job) embedded(file string, tree *yaml.Node) *yaml.Node {
	text, err := encode(tree)
	if err != nil {
		j.faults = append(j.faults, fmt.Errorf("%s: %w", file, err))
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.LiteralStyle, Value: string(text)}
}

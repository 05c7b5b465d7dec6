package policy

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

func clusterDual(in *checks.Input) bool { return in.Families(plan.Pods).Dual() }

var publicPodsGuarded = &checks.Check{
	ID:       "DS810",
	Name:     "public-pods-guarded",
	Severity: severity.Info,
	Doc: checks.Doc{
		Claim: "Pods with public addresses that are routed have a policy that says who may reach them",
		Why: `Translation hid Pods over IPv4 by the way. With routed public addresses every port that a
Pod listens on, of metrics and databases as well, is open to whoever the router lets
through, and only the router stands before them.`,
		Fix:    "Deny new connections to the pods' range on the router, and give each namespace a policy that denies ingress by default.",
		Limits: "The router's firewall is not seen. A policy counts when it is for all Pods of its namespace.",
		Holds:  "all releases",
		Since:  "0.1",
		Refs:   []string{"https://kubernetes.io/docs/concepts/services-networking/network-policies/#default-deny-all-ingress-traffic", "https://github.com/ubicloud/ubicloud/pull/3063", "https://github.com/moby/moby/issues/21951"},
		Covers: []string{"POL-07"},
	},
	Needs: []snapshot.Kind{snapshot.Pods},
	Uses:  slices.Concat(policyKinds, podKinds),
	AnyOf: policyKinds,
	Run: func(in *checks.Input) (fs []checks.Finding) {
		policies := in.Policies()
		for _, f := range ipfam.All {
			source, r, ok := routedPublic(in, f)
			if !ok {
				continue
			}
			open := unguarded(in.Pods(), policies, f)
			if len(open) == 0 {
				continue
			}
			fs = append(fs, checks.Finding{
				Object: source.Ref, Field: source.Field, Family: f,
				Message: fmt.Sprintf("has Pods at public addresses, %s, that are routed, and no policy says who may reach them in %s",
					r, checks.Some(open)),
				Fix: checks.Apply(fmt.Sprintf(denyAll, open[0])),
			})
		}
		return fs
	},
}

const denyAll = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy # another one has to let in who is meant
metadata: {name: default-deny-ingress, namespace: %s}
spec: {podSelector: {}, policyTypes: [Ingress]}
`

// routedPublic is the first public range of pods of f that packets from outside are sent to
// the nodes for: by the plan, or because Pods leave with their own addresses.
func routedPublic(in *checks.Input, f ipfam.Family) (snapshot.Claim, netip.Prefix, bool) {
	claims, p, c := in.Claims(plan.Pods), in.Plan(), in.Cilium()
	for _, claim := range claims {
		for _, r := range claim.Of(f) {
			routed := c.Present() && c.Config.Enabled(f) && c.Config.Masquerade(f) == cilium.NoMasquerade
			if p != nil {
				routed = slices.ContainsFunc(append(slices.Clone(p.Routed), p.LAN.Prefixes.Of(f)),
					func(way netip.Prefix) bool { return way.IsValid() && holds(way, r) })
			}
			if routed && public(r) && !claim.Blocks {
				return claim, r, true
			}
		}
	}
	return snapshot.Claim{}, netip.Prefix{}, false
}

// unguarded is the namespaces with Pods of f, and without a policy of ingress for all of
// them. Pods on the network of their nodes have their own firewall.
func unguarded(pods []snapshot.Pod, policies []snapshot.Policy, f ipfam.Family) (open []string) {
	for _, p := range pods {
		if p.HostNetwork || !ipfam.SetOfAddrs(p.IPs).Has(f) || slices.Contains(open, p.Namespace) {
			continue
		}
		guards := func(q snapshot.Policy) bool {
			return q.Ingress && q.Subject == "" && q.SubjectNamespaces == nil && (q.Clusterwide || q.Namespace == p.Namespace)
		}
		if !slices.ContainsFunc(policies, guards) {
			open = append(open, p.Namespace)
		}
	}
	return open
}

var nodePortsPublic = &checks.Check{
	ID:       "DS811",
	Name:     "node-ports-not-public",
	Severity: severity.Info,
	Doc: checks.Doc{
		Claim: "node ports are open on the addresses that they are meant for",
		Why: `Over IPv4 nodes are mostly private, and a node port is open to the site. The same port
answers at every IPv6 address of the node, and where those are public, to everybody whom
no firewall keeps out.`,
		Fix:    "Name the ranges whose addresses are meant in nodePortAddresses of kube-proxy, or nodePort.addresses of Cilium, and filter IPv6 at the nodes or the router.",
		Limits: "Services of type NodePort; firewalls are not seen.",
		Holds:  "Kubernetes 1.23 to 1.37; Cilium 1.15 to 1.20",
		Since:  "0.1",
		Refs:   []string{"kubernetes v1.37.2 pkg/proxy/util/nodeport_addresses.go", "https://github.com/moby/moby/issues/21951", "https://github.com/kubernetes/kubernetes/issues/73158"},
		Covers: []string{"POL-08"},
	},
	Needs: []snapshot.Kind{snapshot.Services, snapshot.Nodes},
	Uses:  []snapshot.Kind{snapshot.KubeProxySetup, snapshot.CiliumConfig},
	Run: func(in *checks.Input) []checks.Finding {
		var ports []string
		nodes, services, c := in.Nodes(), in.Services(), in.Cilium()
		for _, f := range ipfam.All {
			node, at, ok := publicBeside(nodes, f)
			if !ok || len(in.KubeProxy().NodePortAddresses) > 0 || c.Config["nodeport-addresses"] != "" {
				continue
			}
			for _, s := range services {
				if s.Type == "NodePort" && s.Has().Has(f) {
					ports = append(ports, s.Ref.String())
				}
			}
			if len(ports) > 0 {
				return []checks.Finding{{
					Object: node, Field: ".status.addresses", Family: f,
					Message: fmt.Sprintf("has the public address %s, at which the node ports of %s answer, and private ones only of %s", at, checks.Some(ports), f.Other()),
					Fix:     fmt.Sprintf("in kube-proxy's configuration write nodePortAddresses, or %s; or drop the ports of %s at the router", checks.Command("helm", "upgrade", "cilium", "cilium/cilium", "-n", "kube-system", "--reuse-values", "--set", "nodePort.addresses={<ranges of the site>}"), f),
				}}
			}
		}
		return nil
	},
}

// publicBeside is the first node with a public address of f whose addresses of the other
// family are all private.
func publicBeside(nodes []snapshot.Node, f ipfam.Family) (snapshot.Ref, netip.Addr, bool) {
	isPublic := func(a netip.Addr) bool { return public(netip.PrefixFrom(a, a.BitLen())) }
	for _, n := range nodes {
		addresses := ipfam.SplitAddrs(slices.Concat(n.InternalIPs, n.ExternalIPs))
		i := slices.IndexFunc(addresses.Of(f), isPublic)
		if i >= 0 && len(addresses.Of(f.Other())) > 0 && !slices.ContainsFunc(addresses.Of(f.Other()), isPublic) {
			return n.Ref, addresses.Of(f)[i], true
		}
	}
	return snapshot.Ref{}, netip.Addr{}, false
}

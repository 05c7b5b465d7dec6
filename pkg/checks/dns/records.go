package dns

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

var recordsAnswered = &checks.Check{
	ID:       "DS701",
	Name:     "records-of-both-families",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "where Pods have two families, the cluster's name server answers for addresses of both",
		Why: `A filter of AAAA records is a good thing while Pods have no IPv6: they do not try what they
cannot reach. Left in place, it keeps every name from its second family, those of the
cluster's own dual-stack Services included. Nothing fails, and no Pod uses IPv6.`,
		Fix:    "Take the template or rewrite rule out of the Corefile.",
		Limits: "Rules for all names of a server block; those for some names, and files that the Corefile imports, are not looked at.",
		Holds:  "CoreDNS 1.8 to 1.13",
		Since:  "0.1",
		Refs:   []string{"coredns plugin/template/template.go", "coredns plugin.cfg", "https://github.com/onedr0p/home-ops/pull/11428"},
		Covers: []string{"DNS-06"},
	},
	Needs: []snapshot.Kind{snapshot.CoreDNSConfig},
	Uses:  podKinds,
	Run: func(in *checks.Input) (fs []checks.Finding) {
		c, pods := in.CoreDNS(), in.Families(plan.Pods)
		for _, server := range c.Servers {
			for _, f := range ipfam.All {
				p, ok := filter(server, recordType.Of(f))
				if !ok || !root(server) || !pods.Has(f) {
					continue
				}
				fs = append(fs, checks.Finding{
					Object: c.ConfigMap, Field: c.Field(), Family: f,
					Message: fmt.Sprintf("has %q, by which no name has %s records, and the Pods have %s", p, recordType.Of(f), f),
					Fix:     edit(c, fmt.Sprintf("take out %q", p)),
				})
			}
		}
		return fs
	},
}

// filter is the line of server by which no name has records of the type: a template without
// a pattern, which answers in the place of the plugins kubernetes and forward, or a rule that
// asks for something else.
func filter(server snapshot.DNSServer, record string) (snapshot.DNSPlugin, bool) {
	for _, p := range server.Plugins {
		switch p.Name {
		case "template":
			_, matches := p.Option("match")
			_, answers := p.Option("answer")
			all := len(p.Args) == 2 || len(p.Args) == 3 && p.Args[2] == "."
			if all && !matches && !answers && (p.Args[0] == "ANY" || p.Args[0] == "IN") && p.Args[1] == record {
				return p, true
			}
		case "rewrite":
			args := p.Args
			if len(args) > 0 && (args[0] == "stop" || args[0] == "continue") {
				args = args[1:]
			}
			if len(args) == 3 && args[0] == "type" && args[1] == record {
				return p, true
			}
		}
	}
	return snapshot.DNSPlugin{}, false
}

var reverseZones = &checks.Check{
	ID:       "DS702",
	Name:     "reverse-zones-of-both-families",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "the plugin kubernetes of the name server knows the reverse zones of both families",
		Why: `Who asks for the name of a Service's or Pod's address is answered from the zones in this line.
Of a family that is not there the question goes upstream: private addresses leave the site
in it, and programs that log or check names wait for an answer that nobody has.`,
		Fix:    "Write kubernetes cluster.local in-addr.arpa ip6.arpa, and the same two after fallthrough.",
		Limits: "A zone of some of a family's addresses counts for the family.",
		Holds:  "CoreDNS 1.8 to 1.13",
		Since:  "0.1",
		Refs:   []string{"coredns plugin/kubernetes/README.md", "https://github.com/poseidon/typhoon/pull/415", "https://github.com/kubernetes/kubernetes/issues/120585"},
		Covers: []string{"DNS-11"},
	},
	Needs: []snapshot.Kind{snapshot.CoreDNSConfig},
	Uses:  podKinds,
	Run: func(in *checks.Input) (fs []checks.Finding) {
		c, pods := in.CoreDNS(), in.Families(plan.Pods)
		for _, server := range c.Servers {
			for _, p := range server.Plugins {
				has, one := reversed(slices.Concat(p.Args, server.Zones)).Single()
				if p.Name != "kubernetes" || !one || !pods.Has(has.Other()) {
					continue
				}
				zone := reverseZone.Of(has.Other())
				fs = append(fs, checks.Finding{
					Object: c.ConfigMap, Field: c.Field(), Family: has.Other(),
					Message: fmt.Sprintf("has %q without %s: names of %s addresses are asked for upstream", p, zone, has.Other()),
					Fix:     edit(c, fmt.Sprintf("write %s %s", p, zone)),
				})
			}
		}
		return fs
	},
}

// reversed is the families that zones are reverse zones of.
func reversed(zones []string) (s ipfam.Set) {
	for _, zone := range zones {
		for _, f := range ipfam.All {
			name := strings.TrimSuffix(strings.ToLower(zone), ".")
			if name == reverseZone.Of(f) || strings.HasSuffix(name, "."+reverseZone.Of(f)) {
				s = s.With(f)
			}
		}
	}
	return s
}

var nodeNames = &checks.Check{
	ID:       "DS703",
	Name:     "node-names-of-both-families",
	Severity: severity.Warning,
	Doc: checks.Doc{
		Claim: "a Node's name in the hosts of the name server has the Node's addresses of both families",
		Why: `The plugin hosts answers for a name that it has an address of, of whichever family: asked for
the other one it says that there is none, and the plugins below are not asked. Pods then
reach the Node by its name over one family only.`,
		Fix:    "Add the Node's other address to the entry.",
		Limits: "Names of Nodes only: of others it is not known which families they have.",
		Holds:  "CoreDNS 1.8 to 1.13",
		Since:  "0.1",
		Refs:   []string{"coredns plugin/hosts/hosts.go otherRecordsExist", "https://github.com/k3s-io/k3s/issues/9551"},
		Covers: []string{"DNS-10"},
	},
	Needs: []snapshot.Kind{snapshot.CoreDNSConfig, snapshot.Nodes},
	Run: func(in *checks.Input) (fs []checks.Finding) {
		c, names := in.CoreDNS(), map[string]ipfam.Set{}
		where := map[string]string{}
		for key, entries := range hostsOf(c) {
			for _, e := range entries {
				for _, name := range e.Names {
					names[name] = names[name].With(ipfam.Of(e.Addr))
					where[name] = ".data." + key
				}
			}
		}
		for _, n := range in.Nodes() {
			has, one := names[n.Name].Single()
			other := ipfam.SplitAddrs(n.InternalIPs).Of(has.Other())
			if !one || len(other) == 0 {
				continue
			}
			fs = append(fs, checks.Finding{
				Object: c.ConfigMap, Field: where[n.Name], Family: has.Other(),
				Message: fmt.Sprintf("has %s with %s only, and the Node has %s", n.Name, has, describe(other)),
				Fix:     edit(c, fmt.Sprintf("add the line: %s %s", other[0], n.Name)),
			})
		}
		return fs
	},
}

// hostsOf is the entries of the plugins hosts, by the key of the ConfigMap that has them.
func hostsOf(c snapshot.CoreDNS) map[string][]snapshot.HostsEntry {
	all := map[string][]snapshot.HostsEntry{}
	maps.Copy(all, c.Hosts)
	for _, server := range c.Servers {
		for _, p := range server.Plugins {
			if p.Name != "hosts" {
				continue
			}
			for _, line := range p.Lines {
				if e, ok := snapshot.HostsEntryOf(line); ok {
					all["Corefile"] = append(all["Corefile"], e)
				}
			}
		}
	}
	return all
}

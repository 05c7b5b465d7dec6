package catalog

import (
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
)

// Failure is one of the ways in which clusters with two families are known to
// fail. A check names those that it shows in its Doc.Covers.
type Failure struct {
	ID    string // "SVC-08": permanent, like the ID of a check
	Title string
	Harm  Harm
	Seen  Sight
	// Uncovered is why no check shows it; empty when one does.
	Uncovered string
}

// Harm is what a failure does.
type Harm string

// The harms.
const (
	Outage    Harm = "outage"   // traffic of everybody, or of a whole family
	OneFamily Harm = "partial"  // one family of some, or one program
	Lesser    Harm = "lesser"   // slower, confusing, or harmless until later
	Exposure  Harm = "exposure" // what was to be closed is open
)

// Sight is from where a failure can be seen.
type Sight int

// The places to look from.
const (
	API     Sight = 1 << iota // objects of the Kubernetes API
	Files                     // manifests, Helm values, configuration of a distribution
	Probe                     // packets, or a look into a node or a Pod
	Outside                   // the router, the provider, a client elsewhere
)

// String is "API, files".
func (s Sight) String() string {
	var words []string
	for i, word := range []string{"API", "files", "probe", "outside"} {
		if s&(1<<i) != 0 {
			words = append(words, word)
		}
	}
	return strings.Join(words, ", ")
}

// ByCheck reports whether what doctor reads can show the failure at all.
func (s Sight) ByCheck() bool { return s&(API|Files) != 0 }

// FailureArea is a group of failures, by the beginning of their IDs.
type FailureArea struct {
	Prefix string // "SVC-"
	Title  string
}

// FailureAreas is the groups, in the order of Failures.
var FailureAreas = []FailureArea{
	{"PLAN-", "the address plan"},
	{"CTRL-", "control plane"},
	{"NODE-", "nodes: operating system and kubelet"},
	{"CNI-", "network plugin"},
	{"KPX-", "kube-proxy and its replacement"},
	{"SVC-", "Services and EndpointSlices"},
	{"LB-", "load balancers"},
	{"DNS-", "DNS"},
	{"POL-", "policy and exposure"},
	{"WKL-", "workloads"},
	{"EGR-", "the way out"},
	{"RTR-", "the router and the provider"},
}

// Why no check shows a failure, where several have the same reason.
const (
	onNode    = "sysctls, routes and rules of a node are not in the API; `trace --probe` shows what they do to packets"
	onLink    = "only packets on the link show it; `trace --probe` from the LAN does"
	inLogs    = "the program's log says it, and the API does not"
	byPackets = "only packets show it: `trace --probe`"
)

// CoveredBy is the checks that show the failure with the ID.
func CoveredBy(id string) []*checks.Check {
	var found []*checks.Check
	for _, c := range All {
		if slices.Contains(c.Doc.Covers, id) {
			found = append(found, c)
		}
	}
	return found
}

// FindFailure is the failure with the ID.
func FindFailure(id string) (Failure, bool) {
	i := slices.IndexFunc(Failures, func(f Failure) bool { return f.ID == id })
	if i < 0 {
		return Failure{}, false
	}
	return Failures[i], true
}

// Failures is what is known to go wrong, by area.
var Failures = []Failure{
	{"PLAN-01", "the IPv6 Service range is larger than kube-apiserver takes", Outage, API | Files, ""},
	{"PLAN-02", "the node mask is more than 16 bits longer than the IPv6 pod range", Outage, API | Files, ""},
	{"PLAN-03", "the same limit of 16 bits in the cluster pool of Cilium", Outage, API | Files, ""},
	{"PLAN-04", "the pod range of one family is out of blocks for nodes", Outage, API | Files, ""},
	{"PLAN-05", "ranges share addresses with each other or with the LAN", Outage, API | Files | Probe, ""},
	{"PLAN-06", "pods, Services and nodes have their families in different orders", Outage, API | Files, ""},
	{"PLAN-07", "IPv6 comes first, and programs listen on IPv4 only", OneFamily, API | Probe,
		"what a program listens on is not in the API, and IPv6 first is no fault: `trace --probe` connects over both families"},
	{"PLAN-08", "a prefix out of documentation or of somebody's example is in use", Lesser, API | Files, ""},
	{"PLAN-09", "addresses of a delegated prefix are written down, and the prefix changes", Outage, API | Files | Probe | Outside, ""},
	{"PLAN-10", "clients prefer IPv4 to an address that is unique-local", Lesser, API | Files | Probe | Outside, ""},
	{"PLAN-11", "a family was added to a cluster that runs, and what was there keeps one", Outage, API | Files, ""},

	{"CTRL-01", "the advertise address is not of the family of the first Service range", Outage, API | Files, ""},
	{"CTRL-02", "the Service kubernetes has one family", Lesser, API,
		"that is by design: kube-apiserver makes it SingleStack, so no check calls it a fault"},
	{"CTRL-03", "the certificate of the API server lacks an address of one family", OneFamily, Files | Probe, ""},
	{"CTRL-04", "flags for masks and ranges of kube-controller-manager contradict each other", Outage, API | Files, ""},
	{"CTRL-05", "kube-controller-manager does not start with ranges that Nodes do not fit", Outage, API, ""},
	{"CTRL-06", "ServiceCIDRs and the flags of the API server have different families", OneFamily, API, ""},
	{"CTRL-07", "an IPv6 address stands in a URL without brackets", Outage, API | Files, ""},
	{"CTRL-08", "a webhook has a Service of a family that the API server cannot reach", Outage, API | Probe, ""},
	{"CTRL-09", "the virtual address of the control plane is of one family", OneFamily, API | Probe | Outside,
		"which program holds that address, and how it is told to, differs from site to site and is not read"},
	{"CTRL-10", "Pods on the host network have fewer addresses than their node", Lesser, API, ""},

	{"NODE-01", "a Node has an InternalIP of one family", Outage, API | Files, ""},
	{"NODE-02", "a cloud provider drops the second address of a node", OneFamily, API | Files, ""},
	{"NODE-03", "kubelet took an address that is not the node's own", Outage, API | Files | Probe, ""},
	{"NODE-04", "IPv6 is not forwarded, or not any more after a reboot", Outage, Files | Probe, ""},
	{"NODE-05", "forwarding makes a node ignore router advertisements, and its default route expires", Outage, Files | Probe, ""},
	{"NODE-06", "some nodes have no IPv6 default route", Outage, API | Probe, onNode},
	{"NODE-07", "the firewall of a node drops neighbour discovery", Outage, Files | Probe, "firewall rules are not read; `trace --probe` names the node"},
	{"NODE-08", "the firewall of a node lets the cluster's ports through over IPv4 only", OneFamily, Files | Probe, "firewall rules are not read; `trace --probe` names the node"},
	{"NODE-09", "IPv6 is switched off in the kernel", OneFamily, Files | Probe, ""},
	{"NODE-10", "IPv6 is switched off inside of Pods", OneFamily, API | Probe, ""},
	{"NODE-11", "kernel modules for IPv6 rules are missing", Outage, API | Probe, inLogs},
	{"NODE-12", "bridges hand no IPv6 to the rules of the node", Lesser, Probe, onNode},
	{"NODE-13", "an address is on the link twice, and duplicate detection disables it", OneFamily, API | Probe, ""},
	{"NODE-14", "a temporary address becomes source or next hop", OneFamily, API | Probe, ""},
	{"NODE-15", "the tables of IPv6 routes or neighbours are full", OneFamily, Probe, onNode},
	{"NODE-16", "answers over IPv6 leave by the other network card", OneFamily, Probe | Outside, onNode},
	{"NODE-17", "a stranger sends router advertisements", Exposure, API | Probe, onNode},
	{"NODE-18", "a node pulls images over an IPv6 that does not work", OneFamily, API | Probe,
		"an Event about one pull is no proof, and it is gone in an hour; `trace --probe` with a node as its source is"},

	{"CNI-01", "the cluster has two families, and the network plugin one", Outage, API | Files, ""},
	{"CNI-02", "Cilium uses other pod ranges than the Nodes have", OneFamily, API, ""},
	{"CNI-03", "two nodes have one pod range", Outage, API, ""},
	{"CNI-04", "Pods that are older than the second family keep one address", OneFamily, API, ""},
	{"CNI-05", "Cilium runs IPv6 on nodes that have none", Outage, API | Files, ""},
	{"CNI-06", "nodes have no routes to each other's pods", Outage, API | Probe, ""},
	{"CNI-07", "the native routing CIDR is missing, too wide or too narrow", OneFamily, API | Files | Probe, ""},
	{"CNI-08", "masquerade in BPF drops ICMPv6 that a path needs", Outage, API | Probe, ""},
	{"CNI-09", "the host firewall of Cilium drops neighbour discovery", Outage, API | Probe, ""},
	{"CNI-10", "a policy drops neighbour discovery", OneFamily, API | Probe, byPackets + "; which plugins do it, in which releases, is not settled"},
	{"CNI-11", "the tunnel runs over a family that some nodes lack", Outage, API | Files, ""},
	{"CNI-12", "an MTU was reckoned for an outer header of IPv4", OneFamily, API | Files | Probe, ""},
	{"CNI-13", "an MTU below 1280 switches IPv6 off", Outage, API | Files | Probe, ""},
	{"CNI-14", "Cilium works on other network cards than were meant", Lesser, API | Probe, ""},
	{"CNI-15", "Calico finds no IPv6 address of a node, or the wrong one", Outage, API, ""},
	{"CNI-16", "flannel is configured for one family, or for half of the second", Outage, API | Files, ""},
	{"CNI-17", "the addresses of Pods stand in an unexpected order", Lesser, API, ""},

	{"KPX-01", "rules of kube-proxy are left beside its replacement", OneFamily, API | Probe, ""},
	{"KPX-02", "the clusterCIDR of kube-proxy has one family", OneFamily, API | Files, ""},
	{"KPX-03", "one rule that is wrong stops all rules of its family", Outage, API, ""},
	{"KPX-04", "a NodePort hangs over the family that its Service lacks", OneFamily, API | Probe, ""},
	{"KPX-05", "NodePorts are limited on one family only, or asked at ::1", Lesser, API | Files | Probe, ""},
	{"KPX-06", "kube-proxy in the mode ipvs takes addresses to itself", OneFamily, API | Probe, ""},
	{"KPX-07", "Cilium has an address of a Service and no backends for it", OneFamily, API | Probe, ""},

	{"SVC-01", "Services from before the second family stay as they were", OneFamily, API | Files, ""},
	{"SVC-02", "new Services have one family unless they ask", OneFamily, API | Files, ""},
	{"SVC-03", "a Helm chart has no value for the families of its Services", OneFamily, API | Files,
		"charts are not rendered; once installed, the Services are those of SVC-01"},
	{"SVC-04", "the first family of a Service cannot be changed", OneFamily, API | Files, ""},
	{"SVC-05", "the second family is taken out without SingleStack", Lesser, API | Files, ""},
	{"SVC-06", "two writers set the families of a Service back and forth", Lesser, API | Files,
		"one look at a cluster does not show a change that comes back"},
	{"SVC-07", "a Service asks for a family that the cluster has not", OneFamily, API | Files, ""},
	{"SVC-08", "a Service of two families has endpoints of one", OneFamily, API | Files, ""},
	{"SVC-09", "a client reads Endpoints, which have one family", Lesser, API | Files,
		"who reads which API is in the audit log, and nowhere else"},
	{"SVC-10", "the Service range of one family is full before the other", Lesser, API | Files, ""},

	{"LB-01", "a Service of two families waits for a pool that has one", Outage, API | Files, ""},
	{"LB-02", "two pools of one family each, where one of both is needed", OneFamily, API | Files, ""},
	{"LB-03", "the addresses that a Service asks for are not of its families", OneFamily, API | Files, ""},
	{"LB-04", "a pool is announced on a link whose prefix it is not of", Outage, API | Files | Probe | Outside, ""},
	{"LB-05", "a pool has addresses of hosts in it", Outage, API | Files | Probe, ""},
	{"LB-06", "the first address of an IPv6 prefix is given out", Lesser, API | Files, ""},
	{"LB-07", "Cilium before 1.19 announces no IPv6 on the link", Outage, API | Files, ""},
	{"LB-08", "the multicast group of an announced address is not joined", OneFamily, API | Probe | Outside, ""},
	{"LB-09", "a speaker of MetalLB cannot answer on a network card", OneFamily, API | Probe, inLogs},
	{"LB-10", "an announcer does not answer when it is asked directly", OneFamily, API | Probe | Outside, onLink + ", for as long as a neighbour entry lives"},
	{"LB-11", "a BGP session carries one family", Outage, API | Probe | Outside, ""},
	{"LB-12", "source ranges of a Service are of one family", OneFamily, API | Files, ""},
	{"LB-13", "the address of a client is lost over one family", OneFamily, API | Files | Probe | Outside, byPackets},
	{"LB-14", "the announcing node has no endpoint of one family", OneFamily, API,
		"of EndpointSlices it is counted how many endpoints are ready, not where; `trace --probe` shows it, and Pods of one family are found"},
	{"LB-15", "a load balancer hands out the addresses of nodes", OneFamily, API | Files, ""},
	{"LB-16", "the controller of Ingresses or Gateways has one family", OneFamily, API | Files | Probe, ""},

	{"DNS-01", "a name has an AAAA record before IPv6 works", Outage, API | Probe | Outside, "what a name says and whether it answers, only a query from outside shows"},
	{"DNS-02", "external-dns makes no AAAA record", OneFamily, API | Outside, ""},
	{"DNS-03", "CoreDNS asks a nameserver with a link-local address", Outage, API | Files | Probe, ""},
	{"DNS-04", "there are more than three nameservers", Lesser, API | Probe, "the list is in a file on the node; an Event about it is gone in an hour"},
	{"DNS-05", "Pods without IPv6 are given AAAA records", OneFamily, API | Probe, "that is how DNS works, in every cluster of one family; whether a program minds, `trace` asks from inside the Pod, and what keeps Pods from their IPv6 has checks of its own"},
	{"DNS-06", "a filter of AAAA records outlived the single family", OneFamily, API | Files | Probe, ""},
	{"DNS-07", "each name is asked for many times over", Lesser, API | Probe, "it is slow in every cluster, and a measurement shows whether it matters"},
	{"DNS-08", "resolvers of Alpine and Node.js go their own ways", Lesser, Files | Probe, "what is inside of an image is not read"},
	{"DNS-09", "the cluster's DNS has one family", Lesser, API | Probe, ""},
	{"DNS-10", "an entry of hosts hides AAAA records", Lesser, API, ""},
	{"DNS-11", "IPv6 addresses have no reverse zone", Lesser, API | Files | Probe, ""},
	{"DNS-12", "ACME asks over IPv6 first, and hears another host", OneFamily, API | Probe, "what a name says and whether it answers, only a query from outside shows"},

	{"POL-01", "a policy lets IPv4 through and so keeps IPv6 out", OneFamily, API | Files, ""},
	{"POL-02", "a policy for all of IPv4 lets IPv6 through", Exposure, API | Files | Probe, ""},
	{"POL-03", "private ranges are excepted of IPv4 only", Exposure, API | Files, ""},
	{"POL-04", "an except of the other family makes a policy void", Exposure, API | Files, ""},
	{"POL-05", "a policy engine works on one family", OneFamily, API | Probe, "which program enforces policies, and with which options, no object says for sure; a packet does: `trace --probe`"},
	{"POL-06", "an application trusts or allows IPv4 addresses only", OneFamily, API | Files | Probe, ""},
	{"POL-07", "pods with public addresses are open to the internet", Exposure, API | Outside, ""},
	{"POL-08", "ports of nodes are open at their public IPv6 addresses", Exposure, API | Probe | Outside, ""},

	{"WKL-01", "a program listens on IPv4 only", OneFamily, Files | Probe, ""},
	{"WKL-02", "a probe asks over one family", OneFamily, API | Probe, ""},
	{"WKL-03", "a service mesh runs one family", OneFamily, API | Probe, ""},
	{"WKL-04", "a database lets clients in over IPv4 only", OneFamily, API | Files, "the rules are in files of many formats, in ConfigMaps of any name and in Secrets, which are not read"},
	{"WKL-05", "an address and a port are joined without brackets", OneFamily, API | Files, ""},
	{"WKL-06", "a Pod is told one of its addresses", OneFamily, API | Files | Probe, ""},
	{"WKL-07", "storage runs over one family", Outage, API | Files, "what each release of a storage system takes is not known well enough to tell a fault"},
	{"WKL-08", "monitoring counts a target twice, or not at all", Lesser, API | Probe, "two targets of one Pod may be meant; which is, only the queries tell"},
	{"WKL-09", "a runtime prefers one family, and logs are in two", Lesser, API | Files | Probe, ""},

	{"EGR-01", "pods leave with unique-local addresses", Outage, API | Files | Probe, ""},
	{"EGR-02", "an IPv6 pool of Calico is not masqueraded", Outage, API | Files, ""},
	{"EGR-03", "pods leave with public addresses that nobody routes back", Outage, API | Probe | Outside, ""},
	{"EGR-04", "pods with public addresses are masqueraded", Lesser, API | Files, ""},
	{"EGR-05", "IPv6 goes past an egress gateway or a VPN", Exposure, API | Files | Probe, ""},
	{"EGR-06", "ICMPv6 Packet Too Big does not arrive", OneFamily, Probe | Outside, byPackets},
	{"EGR-07", "IPv6 is half dead, and clients wait", OneFamily, Probe, byPackets},
	{"EGR-08", "destinations have IPv4 only, and NAT64 is half there", OneFamily, API | Files | Probe, ""},
	{"EGR-09", "others distrust the IPv6 address that mail comes from", Lesser, API | Probe, "a reputation is known to those who have it of one, and to nobody here"},

	{"RTR-01", "the router has no route back to pods or load balancers", Outage, API | Probe | Outside, ""},
	{"RTR-02", "the provider expects every address on the link", OneFamily, API | Files | Probe | Outside, ""},
	{"RTR-03", "the delegated prefix is too small, or rules keep an old one", OneFamily, Files | Probe | Outside, ""},
	{"RTR-04", "the router lets no IPv6 in", Outage, API | Outside, "the rules of the router are not in the cluster; `trace --probe` from the internet shows them"},
	{"RTR-05", "a prefix that the router gave up is still in use", OneFamily, API | Probe, ""},
}

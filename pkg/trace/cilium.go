package trace

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// underCilium is the way of a packet from the Pod to a device of the node or of another
// one, and what becomes of its source address there. The order of the questions is that
// of the agent's programs. Source: cilium v1.20.2, bpf/bpf_lxc.c, bpf/bpf_host.c and
// bpf/lib/nat.h; v1.15.19 has the same order.
func (w *walk) underCilium() {
	c := w.scene.Cilium.Config
	if g, ok := w.scene.Gap(snapshot.CiliumConfig); ok {
		w.open(StepDatapath, "not known", g.String())
		w.unknownSource()
		return
	}
	if !c.Enabled(w.path.Family) {
		key := cilium.Key("enable-%s", w.path.Family)
		w.add(Hop{Step: StepDatapath, State: Stops, Known: Read, Text: fmt.Sprintf("Cilium has %s off", w.path.Family),
			Because: w.setting(key), Check: "DS401", Fix: "kubectl dualstack doctor --only DS401"})
		return
	}
	switch w.to.kind {
	case atSelf, atPeer:
		w.add(Hop{Step: StepDatapath, State: Passes, Known: Inferred, Text: "stays on the node"})
		return
	case atOwnNode:
		w.add(Hop{Step: StepDatapath, State: Passes, Known: Inferred, Text: "to its own node"})
		return
	case atService:
		w.noService()
		return
	}
	if w.tunnelled() {
		return
	}
	w.device()
	if w.gateway() {
		return
	}
	w.ciliumMasquerade()
}

// noService is an address of the Service ranges that nobody has.
func (w *walk) noService() {
	w.add(Hop{Step: StepService, State: Stops, Known: Inferred, Text: fmt.Sprintf("no Service has %s", w.dst), Because: "it is of the cluster's Service range"})
}

func (w *walk) open(step Step, text, because string) {
	w.add(Hop{Step: step, State: Open, Known: Unknown, Text: text, Because: because})
}

func (w *walk) unknownSource() { w.src, w.path.Mechanism = netip.Addr{}, MechanismOpen }

// setting is a key with its value, and where that was read.
func (w *walk) setting(key string) string {
	config := w.scene.Cilium
	where := config.ConfigRef.Name
	if len(w.scene.Overrides) > 0 {
		names := make([]string, len(w.scene.Overrides))
		for i, o := range w.scene.Overrides {
			names[i] = o.Name
		}
		where += " and CiliumNodeConfig " + strings.Join(names, ", ")
	}
	if !config.Config.Has(key) {
		return fmt.Sprintf("%s is not in %s: the agent's default", key, where)
	}
	return fmt.Sprintf("%s=%q in %s", key, config.Config[key], where)
}

// tunnelled reports whether the packet goes through the tunnel, and adds the hops if so:
// what is for a Pod of another node, or for that node's own address in the pod network.
// Source: cilium v1.20.2, pkg/node/manager/manager.go nodeAddressHasTunnelIP and
// pkg/datapath/tunnel/tunnel.go.
func (w *walk) tunnelled() bool {
	c, v := w.scene.Cilium.Config, w.scene.Cilium.Version
	if c.Native(v) {
		return false
	}
	_, peer := w.scene.NodeOf(w.to.node)
	router := peer != nil && slices.Contains(peer.Router, w.dst)
	host := w.to.kind == atNode && (c.Bool("encrypt-node", false) || c.Bool("enable-host-firewall", false))
	if w.to.kind != atSomePod && w.to.kind != atUnknownPod && !router && !host {
		return false
	}
	protocol := c["tunnel-protocol"]
	if protocol == "" {
		protocol = c["tunnel"]
	}
	if protocol == "" {
		protocol = "vxlan"
	}
	if w.to.kind == atUnknownPod {
		w.open(StepDatapath, protocol+" tunnel to a node that is not known", "no node has a pod range with "+w.dst.String())
		return true
	}
	u := c.Underlay(v)
	from, to := w.underlay(w.scene.Source.Node, u), w.underlay(w.to.node, u)
	if !from.IsValid() || !to.IsValid() {
		w.add(Hop{Step: StepDatapath, State: Stops, Known: Inferred, Text: fmt.Sprintf("%s tunnel over %s: a node has no address of it", protocol, u),
			Because: w.setting("underlay-protocol"), Check: "DS421", Fix: "kubectl dualstack doctor --only DS421,DS301"})
		return true
	}
	w.add(Hop{Step: StepDatapath, State: Passes, Known: Inferred,
		Text:    fmt.Sprintf("%s tunnel over %s, %s to %s (%s)", protocol, u, from, to, w.to.node),
		Because: w.setting("routing-mode")})
	return true
}

// underlay is a node's address of the tunnel's family.
func (w *walk) underlay(node string, f ipfam.Family) netip.Addr {
	other := *w
	other.path.Family = f
	for _, a := range other.nodeAddresses(node) {
		return a
	}
	return netip.Addr{}
}

// device is the way out of the node by the kernel's routes, which the API does not have.
func (w *walk) device() {
	c := w.scene.Cilium.Config
	node := w.scene.Source.Node
	addresses := w.nodeAddresses(node)
	text := "leaves " + node
	switch {
	case w.to.kind == atSomePod && c.Bool("auto-direct-node-routes", false) && len(w.nodeAddresses(w.to.node)) > 0:
		w.add(Hop{Step: StepDatapath, State: Passes, Known: Inferred,
			Text: fmt.Sprintf("routed to %s by %s", w.to.node, w.nodeAddresses(w.to.node)[0]), Because: w.setting("auto-direct-node-routes")})
	case w.to.kind == atSomePod || w.to.kind == atUnknownPod:
		w.open(StepDatapath, "routed by a router, or by BGP", w.setting("auto-direct-node-routes"))
	}
	w.node(text, addresses)
}

// node is the hop of the node that the packet leaves, with the address of the family that
// it has there.
func (w *walk) node(text string, addresses []netip.Addr) {
	hop := Hop{Step: StepNode, State: Passes, Known: Read, Text: text}
	switch {
	case len(addresses) > 0:
		hop.Text = fmt.Sprintf("%s (%s)", text, addresses[0])
	default:
		hop.State, hop.Known, hop.Check = Open, Unknown, "DS301"
		hop.Because = fmt.Sprintf("the API has no %s address of the node; whether it has one, and a route, is for a probe to tell", w.path.Family)
		if g, ok := w.scene.Gap(snapshot.Nodes, snapshot.CiliumNodes); ok {
			hop.Because, hop.Check = g.String(), ""
		}
	}
	w.add(hop)
}

// stale is why what runs on the node may not be what was read, or empty: an agent reads
// its configuration when it starts.
func (w *walk) stale() string {
	changed := w.scene.Cilium.Changed
	what := w.scene.Cilium.ConfigRef.Name
	if w.scene.Overridden.After(changed) {
		changed, what = w.scene.Overridden, "a CiliumNodeConfig"
	}
	for _, a := range w.scene.Cilium.Agents {
		if a.Node == w.scene.Source.Node && !a.Started.IsZero() && a.Started.Before(changed) {
			return fmt.Sprintf("%s was changed at %s, after the agent of %s had read it at %s",
				what, changed.UTC().Format(time.TimeOnly), a.Node, a.Started.UTC().Format(time.TimeOnly))
		}
	}
	return ""
}

// ciliumMasquerade is whether the packet gets the node's address, by the rules of the
// mechanism in use.
func (w *walk) ciliumMasquerade() {
	c, v := w.scene.Cilium.Config, w.scene.Cilium.Version
	mechanism := c.Masquerade(w.path.Family)
	if why := w.stale(); why != "" {
		w.add(Hop{Step: StepMasquerade, State: Open, Known: Unknown, Text: "not known: the agent may run with older settings", Because: why,
			Check: "DS414", Fix: "kubectl rollout restart -n " + w.scene.Cilium.Namespace + " ds/cilium"})
		w.unknownSource()
		w.path.Configured = map[cilium.Mechanism]Mechanism{cilium.NoMasquerade: KeepsSource, cilium.BPF: ByBPF, cilium.IPTables: ByIPTables}[mechanism]
		return
	}
	switch g, unread := w.scene.Gap("ciliumnodeconfigs"); {
	case unread && !g.Absent():
		w.open(StepMasquerade, "not known: the node may have settings of its own", g.String())
		w.unknownSource()
	case w.to.kind == atDoubt:
		w.open(StepMasquerade, "not known: it may be an address of the cluster", w.to.why)
		w.unknownSource()
	case mechanism == cilium.NoMasquerade:
		w.keeps(w.setting(cilium.Key("enable-%s-masquerade", w.path.Family)))
	case mechanism == cilium.BPF && w.falls(v):
		w.open(StepMasquerade, "BPF or iptables", "up to Cilium 1.14 an agent that cannot masquerade by BPF does it by iptables, and says so only in its status")
		w.unknownSource()
	case mechanism == cilium.BPF:
		w.bpf()
	default:
		w.iptables()
	}
}

// falls reports whether an agent of version v takes iptables without a word where BPF's
// requirements are not met. Source: cilium v1.15.19, Documentation/operations/upgrade.rst.
func (w *walk) falls(v release.Version) bool {
	return v.Known() && v.Before(release.V(1, 15)) && !w.scene.Cilium.Config.ReplacesKubeProxy()
}

// keeps is that the source stays the Pod's.
func (w *walk) keeps(because string) {
	w.add(Hop{Step: StepMasquerade, State: Passes, Known: Inferred, Text: leavesAs("none", w.own), Because: because})
}

// leavesAs is how the source comes about and which it is, where there is one: a Pod may
// have no address of the family.
func leavesAs(how string, source netip.Addr) string {
	if !source.IsValid() {
		return how
	}
	return how + ": leaves as " + source.String()
}

// exclusion is the range that is reached without masquerade, and the key that says so. Up
// to 1.20 the BPF programs have none with the ip-masq-agent, unless the key is set.
// Source: cilium v1.20.2, pkg/node/local_node.go RemoteSNATDstAddrExclusionCIDRv4 and
// pkg/datapath/linux/config/config.go.
func (w *walk) exclusion(bpf bool) (excluded netip.Prefix, key string) {
	c, f := w.scene.Cilium.Config, w.path.Family
	key = cilium.Key("%s-native-routing-cidr", f)
	if p, set, err := c.NativeCIDR(f); set && err == nil {
		return p.Masked(), w.setting(key)
	}
	if bpf && c.Bool("enable-ip-masq-agent", false) {
		return netip.Prefix{}, ""
	}
	if block := w.block(); block.IsValid() {
		return block.Masked(), "the pod range of " + w.scene.Source.Node
	}
	return netip.Prefix{}, ""
}

// block is the first pod range of the family of the Pod's node.
func (w *walk) block() netip.Prefix {
	_, n := w.scene.NodeOf(w.scene.Source.Node)
	if n == nil {
		return netip.Prefix{}
	}
	for _, p := range n.PodCIDRs {
		if ipfam.OfPrefix(p) == w.path.Family {
			return p
		}
	}
	return netip.Prefix{}
}

// asked is the destination as rules ask for it: some host of the internet has an address
// too.
func (w *walk) asked() netip.Addr {
	if w.dst.IsValid() {
		return w.dst
	}
	return somewhere.Of(w.path.Family)
}

// bpf is the masquerade of the BPF programs.
// Source: cilium v1.20.2, bpf/lib/nat.h snat_v4_needs_masquerade and its sibling.
func (w *walk) bpf() {
	c := w.scene.Cilium.Config
	excluded, key := w.exclusion(true)
	switch {
	case excluded.IsValid() && excluded.Contains(w.asked()):
		w.excluded(excluded, key)
	case c.Bool("only-masquerade-default-pool", false):
		w.open(StepMasquerade, "not known: it hangs on the Pod's address pool", w.setting("only-masquerade-default-pool"))
		w.unknownSource()
	case c.Bool("enable-ip-masq-agent", false) && w.agentExcepts():
		return
	case w.to.kind == atNode && !c.Bool("enable-remote-node-masquerade", false) && c.Native(w.scene.Cilium.Version):
		w.keeps("what is for another node is not masqueraded with native routing: " + w.setting("enable-remote-node-masquerade"))
	default:
		w.masqueraded(ByBPF, w.setting("enable-bpf-masquerade"))
	}
}

// excluded is a destination of the native routing CIDR. One that covers the internet is
// hardly meant.
func (w *walk) excluded(excluded netip.Prefix, key string) {
	hop := Hop{Step: StepMasquerade, State: Passes, Known: Inferred, Text: leavesAs("none", w.own), Because: "the destination is in " + excluded.String() + ": " + key}
	if !w.dst.IsValid() || w.to.kind == elsewhere || w.to.kind == onLAN {
		hop.State, hop.Check, hop.Fix = Doubtful, "DS407", "kubectl dualstack doctor --only DS407"
	}
	w.add(hop)
}

// agentExcepts reports whether the ip-masq-agent's file keeps the source, and adds the
// hop if so, or if the file is not known.
// Source: cilium v1.20.2, pkg/ipmasq/ipmasq.go.
func (w *walk) agentExcepts() bool {
	if g, ok := w.scene.Gap(snapshot.IPMasqAgentConfig); ok {
		w.open(StepMasquerade, "not known: the ip-masq-agent's file", g.String())
		w.unknownSource()
		return true
	}
	for _, p := range w.scene.IPMasq.NonMasquerade {
		if ipfam.OfPrefix(p) == w.path.Family && p.Contains(w.asked()) {
			where := "the ip-masq-agent's built-in list"
			if (w.scene.IPMasq.ConfigMap != snapshot.Ref{}) {
				where = w.scene.IPMasq.ConfigMap.String()
			}
			w.keeps(fmt.Sprintf("%s is in nonMasqueradeCIDRs of %s", p, where))
			return true
		}
	}
	return false
}

// iptables is the masquerade of the agent's rules.
// Source: cilium v1.20.2, pkg/datapath/iptables/iptables.go installMasqueradeRules; the
// same in v1.15.19.
func (w *walk) iptables() {
	c := w.scene.Cilium.Config
	excluded, key := w.exclusion(false)
	block := w.block()
	switch {
	case excluded.IsValid() && excluded.Contains(w.asked()):
		w.excluded(excluded, key)
	case w.to.kind == atNode && c.Native(w.scene.Cilium.Version):
		w.keeps("what is for a node is not masqueraded with native routing")
	case c["egress-masquerade-interfaces"] != "":
		w.open(StepMasquerade, "by iptables, if it leaves by "+c["egress-masquerade-interfaces"], w.setting("egress-masquerade-interfaces"))
		w.unknownSource()
	case c.Bool("enable-masquerade-to-route-source", false):
		w.open(StepMasquerade, "by iptables, to the source of the route", w.setting("enable-masquerade-to-route-source"))
		w.unknownSource()
	case block.IsValid() && !block.Contains(w.own):
		w.keeps(fmt.Sprintf("the rule is for %s, the node's first pod range, and the Pod is of another", block))
	default:
		w.masqueraded(ByIPTables, w.setting("enable-bpf-masquerade"))
	}
}

// masqueraded is that the packet gets the node's address.
func (w *walk) masqueraded(by Mechanism, because string) {
	addresses := w.nodeAddresses(w.scene.Source.Node)
	w.path.Mechanism = by
	if len(addresses) != 1 {
		because = fmt.Sprintf("%s; the API has %d addresses of %s of the node, of which the device decides", because, len(addresses), w.path.Family)
		w.add(Hop{Step: StepMasquerade, State: Open, Known: Unknown, Text: fmt.Sprintf("by %s, to an address that is not known", by), Because: because, Check: "DS301"})
		w.src = netip.Addr{}
		return
	}
	w.src = addresses[0]
	w.add(Hop{Step: StepMasquerade, State: Passes, Known: Inferred, Text: leavesAs("by "+string(by), w.src), Because: because})
}

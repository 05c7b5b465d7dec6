package trace

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// service is the translation of a Service's address to an endpoint's. It gives the
// endpoints of the family in groups, one for each node that has some, the Pod's own
// first; none when the target is no Service. It is not ok when the packet gets no further.
func (w *walk) service() (groups [][]snapshot.Endpoint, ok bool) {
	s := w.translated()
	if s == nil {
		w.nodePort()
		return nil, true
	}
	f := w.path.Family
	if !w.dst.IsValid() && s.Headless {
		return w.headless(s)
	}
	if !w.dst.IsValid() {
		w.add(oneFamily(s, f))
		return nil, false
	}
	who, ok := w.balancer(s)
	if !ok {
		w.add(Hop{Step: StepService, State: Open, Known: Unknown, Text: fmt.Sprintf("%s of %s: who translates it is not known", w.dst, s.Name), Because: who, Check: "DS413"})
		return nil, false
	}
	ready := w.ready()
	if len(ready) == 0 {
		w.add(Hop{Step: StepService, State: Stops, Known: Read, Text: fmt.Sprintf("%s has no ready endpoint of %s", s.Name, f),
			Because: w.endpointsText(), Check: "DS605", Fix: "kubectl dualstack doctor --only DS605,DS607"})
		return nil, false
	}
	text := fmt.Sprintf("%s to %s", w.dst, ready[0].Address)
	if len(ready) > 1 {
		text = fmt.Sprintf("%s to one of %d endpoints", w.dst, len(ready))
	}
	w.add(Hop{Step: StepService, State: Passes, Known: Inferred, Text: text, Because: "by " + who})
	w.masquerades(s, who)
	return w.byNode(ready), true
}

// The ports of NodePort Services, unless the API server was given others.
// Source: kubernetes v1.37.2, pkg/kubeapiserver/options/options.go DefaultServiceNodePortRange.
const firstNodePort, lastNodePort = 30000, 32767

// nodePort is a port of a node that may be a Service's: which, no request by name tells.
func (w *walk) nodePort() {
	t := w.query.Target
	if _, node := w.placeAtNode(w.dst); node && t.Kind == ToAddress && t.Port >= firstNodePort && t.Port <= lastNodePort {
		w.open(StepService, fmt.Sprintf("port %d may be a NodePort", t.Port), "which Service has it is not looked for; name the Service with --to svc/NAME")
	}
}

// oneFamily is a Service without an address of the family f. The API server's own has the
// addresses of one family, whatever the cluster has, and is written by it again and again.
// Source: kubernetes v1.37.2, pkg/controlplane/controller/kubernetesservice.
func oneFamily(s *snapshot.Service, f ipfam.Family) Hop {
	hop := Hop{Step: StepService, State: Stops, Known: Read, Text: fmt.Sprintf("%s has no %s address", s.Name, f), Because: fmt.Sprintf("its families are %s", s.Has())}
	if s.Namespace == "default" && s.Name == "kubernetes" {
		hop.Because += ", as the API server makes it"
		return hop
	}
	hop.Check, hop.Fix = "DS601", fmt.Sprintf("kubectl dualstack expose --upgrade svc/%s -n %s", s.Name, s.Namespace)
	return hop
}

// headless is a name that leads to the endpoints themselves.
func (w *walk) headless(s *snapshot.Service) (groups [][]snapshot.Endpoint, ok bool) {
	ready := w.ready()
	if len(ready) == 0 {
		fix := fmt.Sprintf("kubectl dualstack expose --upgrade svc/%s -n %s", s.Name, s.Namespace)
		if s.Has().Has(w.path.Family) {
			fix = "kubectl dualstack doctor --only DS605,DS607" // the Service is not to blame
		}
		w.add(Hop{Step: StepService, State: Stops, Known: Read, Text: fmt.Sprintf("the name of %s has no %s address", s.Name, w.path.Family),
			Because: w.endpointsText(), Check: "DS605", Fix: fix})
		return nil, false
	}
	w.add(Hop{Step: StepService, State: Passes, Known: Read, Text: "headless: the name has " + counted(len(ready), "address", "addresses")})
	return w.byNode(ready), true
}

// translated is the Service that the target is, or has the address of.
func (w *walk) translated() *snapshot.Service {
	t := w.query.Target
	for i := range w.scene.Services {
		s := &w.scene.Services[i]
		switch {
		case t.Kind == ToService && s.Ref == t.Ref:
			return s
		case t.Kind == ToAddress && (slices.Contains(s.ClusterIPs, w.dst) || slices.Contains(s.Ingress, w.dst) || slices.Contains(s.ExternalIPs, w.dst)):
			return s
		}
	}
	return nil
}

// ready is the endpoints of the family that a Service's traffic goes to.
func (w *walk) ready() (ready []snapshot.Endpoint) {
	for _, e := range w.scene.Endpoints {
		if e.Family == w.path.Family && e.Ready && (!w.scene.InternalLocal || e.Node == w.scene.Source.Node) {
			ready = append(ready, e)
		}
	}
	return ready
}

func (w *walk) endpointsText() string {
	if g, ok := w.scene.Gap(snapshot.EndpointSlices); ok {
		return g.String()
	}
	other, elsewhere := 0, 0
	for _, e := range w.scene.Endpoints {
		switch {
		case e.Ready && e.Family != w.path.Family:
			other++
		case e.Ready:
			elsewhere++
		}
	}
	if elsewhere > 0 {
		return fmt.Sprintf("internalTrafficPolicy is Local, with %s on other nodes", counted(elsewhere, "endpoint", "endpoints"))
	}
	return fmt.Sprintf("%s of %s", counted(other, "is ready", "are ready"), w.path.Family.Other())
}

// counted is a number with the word for one, or for any other number.
func counted(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

// byNode is endpoints in groups that packets reach by the same way.
func (w *walk) byNode(endpoints []snapshot.Endpoint) (groups [][]snapshot.Endpoint) {
	key := func(e snapshot.Endpoint) string {
		if e.Address == w.own {
			return "\x00" // the Pod itself
		}
		if e.Node == w.scene.Source.Node {
			return "\x01" + e.Node
		}
		return e.Node
	}
	sorted := slices.Clone(endpoints)
	slices.SortStableFunc(sorted, func(a, b snapshot.Endpoint) int { return slices.Compare([]string{key(a)}, []string{key(b)}) })
	for _, e := range sorted {
		if n := len(groups); n > 0 && key(groups[n-1][0]) == key(e) {
			groups[n-1] = append(groups[n-1], e)
			continue
		}
		groups = append(groups, []snapshot.Endpoint{e})
	}
	return groups
}

// endpoint goes on to the first of endpoints that all have the same way.
func (w *walk) endpoint(endpoints []snapshot.Endpoint) {
	w.dst = endpoints[0].Address
	if w.path.Mechanism == ByKubeProxy || w.dst != w.own {
		return
	}
	// A Pod that reaches itself through a Service.
	if w.socketLB() {
		return // it connects to its own address, and no packet leaves
	}
	w.src, w.path.Mechanism = netip.Addr{}, MechanismOpen
}

// balancer is who translates the address of a Service for this Pod.
// Source: cilium v1.20.2, Documentation/network/kubernetes/kubeproxy-free.rst: without
// the replacement Cilium translates ClusterIPs of Pods all the same.
func (w *walk) balancer(s *snapshot.Service) (who string, ok bool) {
	c, proxy := w.scene.Cilium, w.scene.KubeProxy
	clusterIP := slices.Contains(s.ClusterIPs, w.dst)
	switch {
	case c.Present() && c.Config.ReplacesKubeProxy():
		return servedByCilium, true
	case c.Present() && clusterIP && !w.scene.Source.HostNetwork:
		return servedByCilium, true
	case proxy.DaemonSet != snapshot.Ref{} && !proxy.Idle:
		return servedByKubeProxy, true
	}
	if g, gap := w.scene.Gap(snapshot.KubeProxySetup, snapshot.CiliumConfig); gap {
		return g.String(), false
	}
	return "there is neither kube-proxy's DaemonSet nor Cilium in its place", false
}

const (
	servedByCilium    = "Cilium"
	servedByKubeProxy = "kube-proxy"
)

// socketLB reports whether Cilium translates when a program connects, so that the packets
// never have the Service's address. The replacement of kube-proxy brings it along.
// Source: cilium v1.20.2, pkg/kpr.
func (w *walk) socketLB() bool {
	c := w.scene.Cilium.Config
	return w.scene.Cilium.Present() && (c.ReplacesKubeProxy() || c.Bool("bpf-lb-sock", false)) && !c.Bool("bpf-lb-sock-hostns-only", false)
}

// masquerades notes what kube-proxy does to the source of packets for a Service. It
// leaves those of Pods to a ClusterIP alone, if it knows them to be Pods'. What is for a
// load balancer's address has the node's address after it, unless externalTrafficPolicy
// is Local, where a Pod's packets count as if they were for the ClusterIP.
// Source: kubernetes v1.37.2, pkg/proxy/nftables/proxier.go syncProxyRules; the mode
// iptables has the same rules.
func (w *walk) masquerades(s *snapshot.Service, who string) {
	if who != servedByKubeProxy {
		return
	}
	clusterIP := slices.Contains(s.ClusterIPs, w.dst)
	local := w.inRanges(w.own, w.scene.KubeProxy.ClusterCIDR)
	detects := w.detectsLocal()
	switch {
	case w.scene.KubeProxy.MasqueradeAll && clusterIP,
		!clusterIP && !s.LocalTraffic,
		clusterIP && detects && !local,
		w.scene.Source.HostNetwork:
		w.src, w.path.Mechanism = netip.Addr{}, ByKubeProxy
	}
}

// detectsLocal reports whether kube-proxy tells Pods of this family from others by its
// cluster CIDR.
func (w *walk) detectsLocal() bool {
	p := w.scene.KubeProxy
	if p.DetectLocal != "" && p.DetectLocal != "ClusterCIDR" {
		return false
	}
	return slices.ContainsFunc(p.ClusterCIDR, func(c netip.Prefix) bool { return c.Addr().Is4() == w.own.Is4() })
}

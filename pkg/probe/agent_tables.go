package probe

import (
	"encoding/json"
	"net/netip"
	"strings"
)

// plainAddr is an address as a string, or as its bytes: Cilium's maps are printed either way.
type plainAddr struct{ netip.Addr }

// UnmarshalJSON takes what is no address for none.
func (a *plainAddr) UnmarshalJSON(text []byte) error {
	var bytes []uint16
	var s string
	if json.Unmarshal(text, &s) == nil {
		a.Addr, _ = netip.ParseAddr(s)
	} else if json.Unmarshal(text, &bytes) == nil {
		b := make([]byte, len(bytes))
		for i, n := range bytes {
			b[i] = byte(n)
		}
		a.Addr, _ = netip.AddrFromSlice(b)
	}
	a.Addr = a.Unmap()
	return nil
}

// each decodes the elements of a list one after the other. A list that was cut off still
// has those before the cut: a node may translate half a million flows.
func each[T any](text string, yield func(T)) {
	d := json.NewDecoder(strings.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return
	}
	for d.More() {
		var one T
		if d.Decode(&one) != nil {
			return
		}
		yield(one)
	}
}

// natEntry is an entry of the NAT map. Flags 0 is a packet that leaves, 1 its answer.
// Source: cilium v1.20.2 pkg/maps/nat/types.go, pkg/tuple/tuple.go.
type natEntry struct {
	Key struct {
		SourceAddr, DestAddr plainAddr
		Flags                int
	}
	Value struct {
		Addr    plainAddr
		Created uint64
	}
}

const natAnswer = 1

// translated is the source address of the flow's last packets, after translation.
func translated(nat string, flow Flow) (as netip.Addr) {
	if !flow.Pod.IsValid() || !flow.To.IsValid() {
		return as
	}
	var last uint64
	each(nat, func(e natEntry) {
		found := e.Value.Addr.Addr
		from, to := e.Key.SourceAddr.Addr, e.Key.DestAddr.Addr
		if e.Key.Flags == natAnswer {
			from, to, found = e.Value.Addr.Addr, e.Key.SourceAddr.Addr, e.Key.DestAddr.Addr
		}
		if from == flow.Pod && to == flow.To && found.IsValid() && e.Value.Created >= last {
			as, last = found, e.Value.Created
		}
	})
	return as
}

// throughGateway reports whether a policy sends the flow through an egress gateway: of the
// policies of the Pod the one with the longest prefix of the destination decides.
// Source: cilium v1.20.2 cilium-dbg/cmd/bpf_egress_list.go.
func throughGateway(egress string, flow Flow) (through bool) {
	longest := -1
	each(egress, func(e struct {
		SourceIP            plainAddr
		DestCIDR, GatewayIP string
	}) {
		p, err := netip.ParsePrefix(e.DestCIDR)
		if err != nil || e.SourceIP.Addr != flow.Pod || !flow.Pod.IsValid() || !p.Contains(flow.To) || p.Bits() <= longest {
			return
		}
		longest = p.Bits()
		through = e.GatewayIP != "Excluded CIDR" // without a gateway the packets are dropped, and do not leave otherwise
	})
	return through
}

// notMasqueraded is the range of ip-masq-agent that holds the destination.
func notMasqueraded(ipmasq string, flow Flow) (within netip.Prefix, ok bool) {
	each(ipmasq, func(text json.RawMessage) {
		p := prefixOf(text)
		if p.IsValid() && p.Contains(flow.To) && (!ok || p.Bits() > within.Bits()) {
			within, ok = p, true
		}
	})
	return within, ok
}

// prefixOf is a prefix as a string, or as net.IPNet is written: IP and a mask in base64.
func prefixOf(text json.RawMessage) netip.Prefix {
	var s string
	if json.Unmarshal(text, &s) == nil {
		p, _ := netip.ParsePrefix(s)
		return p.Masked()
	}
	var ipnet struct {
		IP   netip.Addr
		Mask []byte
	}
	if json.Unmarshal(text, &ipnet) != nil {
		return netip.Prefix{}
	}
	ones := 0
	for _, b := range ipnet.Mask {
		for ; b&0x80 != 0; b <<= 1 {
			ones++
		}
	}
	p, _ := ipnet.IP.Prefix(ones)
	return p
}

// agentEndpoint is what of an endpoint says whether policy holds back what it sends.
type agentEndpoint struct {
	Status struct {
		Networking struct {
			Addressing []struct{ IPv4, IPv6 plainAddr }
		}
		Policy struct {
			Realized struct {
				Enabled string `json:"policy-enabled"` // none, ingress, egress, both
				Allowed []int  `json:"allowed-egress-identities"`
				L4      struct{ Egress []json.RawMessage }
			}
		}
	}
}

// dropsAll reports whether policy is enforced on what the Pod sends, and allows nothing at
// all: no identity, no port. What it allows to whom is not told by identities alone.
func dropsAll(endpoints string, flow Flow) (drops bool) {
	each(endpoints, func(e agentEndpoint) {
		for _, a := range e.Status.Networking.Addressing {
			r := e.Status.Policy.Realized
			if flow.Pod.IsValid() && (a.IPv4.Addr == flow.Pod || a.IPv6.Addr == flow.Pod) {
				drops = (r.Enabled == "egress" || r.Enabled == "both") && len(r.Allowed) == 0 && len(r.L4.Egress) == 0
			}
		}
	})
	return drops
}

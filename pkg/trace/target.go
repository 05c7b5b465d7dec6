package trace

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// targetKinds is the kinds of objects that a target may be, in the words of kubectl.
var targetKinds = map[string]TargetKind{
	"svc": ToService, "service": ToService, "services": ToService, "po": ToPod, "pod": ToPod, "pods": ToPod,
}

// ParseTarget reads the value of --to: «internet», an address with or without a port, an
// address of each family with a comma between them, svc/NAME, pod/NAME, both also with a
// namespace as in svc/NAMESPACE/NAME, or a host name. A name of the cluster's own DNS,
// such as web.shop.svc or web.shop.svc.cluster.local, is the Service. Objects without a
// namespace are in the one that is given.
func ParseTarget(text, namespace string) (Target, error) {
	t := Target{Text: text}
	if text == string(ToInternet) {
		t.Kind = ToInternet
		return t, nil
	}
	if kind, rest, ok := strings.Cut(text, "/"); ok {
		return objectTarget(t, kind, rest, namespace)
	}
	if first, second, ok := strings.Cut(text, ","); ok {
		return pairTarget(t, first, second)
	}
	if a, port, ok := parseAddress(text); ok {
		t.Kind, t.Port = ToAddress, port
		*t.Addresses.At(ipfam.Of(a)) = a
		return t, nil
	}
	return nameTarget(t)
}

// objectTarget is svc/NAME or pod/NAME, with a namespace or a port.
func objectTarget(t Target, kind, rest, namespace string) (Target, error) {
	var ok bool
	if t.Kind, ok = targetKinds[strings.ToLower(kind)]; !ok {
		return t, fmt.Errorf("%q: want svc/NAME, pod/NAME, an address, a host name or internet", t.Text)
	}
	name, port, err := cutPort(rest)
	if err != nil {
		return t, fmt.Errorf("%q: %w", t.Text, err)
	}
	if ns, in, ok := strings.Cut(name, "/"); ok {
		namespace, name = ns, in
	}
	if name == "" || namespace == "" || strings.Contains(name, "/") {
		return t, fmt.Errorf("%q: want %s/NAME or %s/NAMESPACE/NAME", t.Text, kind, kind)
	}
	t.Port = port
	t.Ref = snapshot.Ref{Kind: map[TargetKind]string{ToService: "Service", ToPod: "Pod"}[t.Kind], Namespace: namespace, Name: name}
	return t, nil
}

// pairTarget is an address of each family.
func pairTarget(t Target, texts ...string) (Target, error) {
	t.Kind = ToAddress
	for _, text := range texts {
		a, port, ok := parseAddress(strings.TrimSpace(text))
		if !ok {
			return t, fmt.Errorf("%q is not an address", text)
		}
		at := t.Addresses.At(ipfam.Of(a))
		if at.IsValid() {
			return t, fmt.Errorf("%q: two addresses of %s; want one of each family", t.Text, ipfam.Of(a))
		}
		if port != 0 && t.Port != 0 && port != t.Port {
			return t, fmt.Errorf("%q: two ports", t.Text)
		}
		*at, t.Port = a, max(port, t.Port)
	}
	return t, nil
}

// parseAddress reads ADDRESS, IPv4:PORT and [IPv6]:PORT.
func parseAddress(text string) (netip.Addr, uint16, bool) {
	if ap, err := netip.ParseAddrPort(text); err == nil && ap.Addr().Zone() == "" {
		return ap.Addr().Unmap(), ap.Port(), true
	}
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	return a.Unmap(), 0, err == nil && a.Zone() == ""
}

// cutPort takes :PORT off the end.
func cutPort(text string) (string, uint16, error) {
	name, port, ok := strings.Cut(text, ":")
	if !ok {
		return text, 0, nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return name, 0, fmt.Errorf("%q is not a port", port)
	}
	return name, uint16(n), nil
}

// nameTarget is a host name.
func nameTarget(t Target) (Target, error) {
	name, port, err := cutPort(t.Text)
	if err != nil {
		return t, fmt.Errorf("%q: %w", t.Text, err)
	}
	name = strings.TrimSuffix(name, ".")
	t.Port = port
	labels := strings.Split(name, ".")
	if slices.Contains(labels, "") || strings.ContainsFunc(name, func(r rune) bool { return !isHostRune(r) }) {
		return t, fmt.Errorf("%q is neither an address nor a host name", t.Text)
	}
	if len(labels) >= 3 && labels[2] == "svc" {
		t.Kind, t.Ref = ToService, snapshot.Ref{Kind: "Service", Namespace: labels[1], Name: labels[0]}
		return t, nil
	}
	t.Kind, t.Name = ToName, name
	return t, nil
}

func isHostRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' || r == '_'
}

// Families is the families that the target is asked in: those that it has a literal
// address of, and both of anything else.
func (t Target) Families() ipfam.Set {
	if t.Kind != ToAddress {
		return ipfam.SetOf(ipfam.All[:]...)
	}
	var s ipfam.Set
	for _, f := range ipfam.All {
		if t.Addresses.Of(f).IsValid() {
			s = s.With(f)
		}
	}
	return s
}

// Settle fills in of a target that is an object its addresses, and its port where none was
// asked for.
func (t Target) Settle(s *snapshot.Scene) Target {
	switch t.Kind {
	case ToService:
		for _, service := range s.Services {
			if service.Ref != t.Ref {
				continue
			}
			for _, f := range ipfam.All {
				*t.Addresses.At(f) = snapshot.Of(service.ClusterIPs, f)
			}
		}
		if t.Port == 0 && len(s.Ports) > 0 {
			t.Port = s.Ports[0]
		}
	case ToPod:
		for _, p := range s.Peers {
			if p.Ref != t.Ref {
				continue
			}
			for _, f := range ipfam.All {
				*t.Addresses.At(f) = snapshot.Of(p.IPs, f)
			}
			if t.Port == 0 && len(p.Ports) > 0 {
				t.Port = p.Ports[0]
			}
		}
	}
	return t
}

package expose

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// State is how far a Service has come.
type State struct {
	Service  snapshot.Service
	Ready    ipfam.Pair[int] // endpoints, by the family of their EndpointSlices
	Backends bool            // whether it selects Pods at all
}

// StateOf is the state of a Service with these EndpointSlices, of which others' are
// passed over.
func StateOf(s snapshot.Service, slices []snapshot.EndpointSlice) State {
	state := State{Service: s, Backends: len(s.Selector) > 0}
	for _, e := range slices {
		if e.Service == s.Name && e.Namespace == s.Namespace {
			*state.Ready.At(e.Family) += e.Ready
		}
	}
	return state
}

// Cluster is the Service's ClusterIP of the family, if it has one.
func (s State) Cluster(f ipfam.Family) netip.Addr { return snapshot.Of(s.Service.ClusterIPs, f) }

// External is the load balancer's address of the family, if there is one.
func (s State) External(f ipfam.Family) netip.Addr { return snapshot.Of(s.Service.Ingress, f) }

// Missing is what the Service still lacks in the families that it has, one thing for
// each family. A load balancer that is known by name has addresses that are its own
// affair.
func (s State) Missing() (missing []string) {
	for _, f := range ipfam.All {
		if !s.wants().Has(f) {
			continue
		}
		if !s.Service.Headless && !s.Cluster(f).IsValid() {
			missing = append(missing, fmt.Sprintf("a ClusterIP of %s", f))
		}
		if s.Service.LoadBalancer() && len(s.Service.Hostnames) == 0 && !s.External(f).IsValid() {
			missing = append(missing, fmt.Sprintf("a load-balancer address of %s", f))
		}
		if s.Backends && s.Ready.Of(f) == 0 {
			missing = append(missing, fmt.Sprintf("a ready endpoint of %s", f))
		}
	}
	return missing
}

// wants is the families that the Service is to answer in. A headless one has no
// ClusterIPs to go by.
func (s State) wants() ipfam.Set {
	if s.Service.Policy == string(Require) {
		return ipfam.SetOf(ipfam.All[:]...)
	}
	return s.Service.Has()
}

// Try is what to type for each family, to see that the Service answers: the first port
// over TCP, at the load balancer's address or else the ClusterIP.
func (s State) Try(port int) (lines []string) {
	for _, f := range ipfam.All {
		a := s.External(f)
		if !a.IsValid() {
			continue
		}
		url := "http://" + netip.AddrPortFrom(a, uint16(port)).String() + "/"
		if port == 80 {
			url = strings.Replace(url, ":80/", "/", 1)
		}
		flag := map[ipfam.Family]string{ipfam.V4: "-4", ipfam.V6: "-6"}[f]
		lines = append(lines, fmt.Sprintf("curl %s -g '%s'", flag, url))
	}
	return lines
}

// Records is the lines of a zone for a name that leads to the Service.
func (s State) Records(name string) (lines []string) {
	for _, f := range ipfam.All {
		if a := s.External(f); a.IsValid() {
			kind := map[ipfam.Family]string{ipfam.V4: "A   ", ipfam.V6: "AAAA"}[f]
			lines = append(lines, fmt.Sprintf("%s IN %s %s", name, kind, a))
		}
	}
	return lines
}

package expose

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// backendLines is what is to be said of the Pods that the Service selects.
func (s Situation) backendLines() []Line {
	if s.BackendsUnknown != "" {
		return []Line{{Unknown: true, About: aboutPods, Text: s.BackendsUnknown}}
	}
	alive := slices.DeleteFunc(slices.Clone(s.Backends), func(b snapshot.Backend) bool { return b.Ended })
	if len(alive) == 0 {
		return []Line{{Severity: severity.Warning, About: aboutPods, Text: "no Pod has these labels: the Service will have no endpoint of either family"}}
	}
	return append([]Line{addressLine(alive, s.families())}, listenerLines(alive)...)
}

const (
	aboutPods     = "pods"
	aboutListener = "listener"
)

// addressLine is whether the Pods have an address of each family of the Service: one
// that lacks one is left out of that family's EndpointSlices.
// Source: kubernetes v1.37.2, staging/src/k8s.io/endpointslice/reconciler.go.
func addressLine(backends []snapshot.Backend, wanted ipfam.Set) Line {
	var lacking []string
	var missing ipfam.Set
	waiting := 0
	for _, b := range backends {
		if len(b.IPs) == 0 {
			waiting++
			continue
		}
		if lost := wanted.Minus(ipfam.SetOfAddrs(b.IPs)); !lost.Empty() {
			lacking = append(lacking, b.Name)
			for _, f := range lost.List() {
				missing = missing.With(f)
			}
		}
	}
	switch {
	case len(lacking) > 0:
		return Line{
			Severity: severity.Warning, About: aboutPods,
			Text: fmt.Sprintf("%d of %d have no %s address, and are no endpoints of that family: %s", len(lacking), len(backends), missing, checks.Some(lacking)),
			Fix:  "kubectl dualstack doctor --only DS607",
		}
	case waiting == len(backends):
		return Line{Severity: severity.Warning, About: aboutPods, Text: fmt.Sprintf("none of %d has an address yet", waiting)}
	}
	return Line{About: aboutPods, Text: fmt.Sprintf("%d of %d have %s addresses", len(backends)-waiting, len(backends), wanted)}
}

// onlyIPv4 is a word of a command line that binds to IPv4: 0.0.0.0 or 127.0.0.1 as a
// value or an argument, with a port or without.
var onlyIPv4 = regexp.MustCompile(`(^|[=/@,\s"'])(0\.0\.0\.0|127\.0\.0\.1)(:[0-9]+)?($|[/,\s"'])`)

// listenerLines warns of containers whose own words say that they listen on IPv4 alone.
// A program that listens by default, or by a file, is not seen.
func listenerLines(backends []snapshot.Backend) (lines []Line) {
	said := map[string]bool{}
	for _, b := range backends {
		for _, c := range b.Containers {
			text := ""
			if word := bound(c.Words); word != "" {
				text = fmt.Sprintf("container %s binds to an IPv4 address, %q: nobody will answer over IPv6%s", c.Name, word, unlessGo(word))
			} else if host := probed(c.ProbeHosts); host.IsValid() {
				text = fmt.Sprintf("container %s has a probe that asks %s: that says nothing of the other family", c.Name, host)
			}
			if text == "" || said[text] {
				continue
			}
			said[text] = true
			lines = append(lines, Line{Severity: severity.Warning, About: aboutListener, Text: text})
		}
	}
	return lines
}

// unlessGo is who takes 0.0.0.0 for all addresses of both families: programs in Go that
// listen on "tcp". It was seen in the lab.
// Source: go1.26, src/net/ipsock_posix.go favoriteAddrFamily.
func unlessGo(word string) string {
	if strings.Contains(word, "0.0.0.0") {
		return ", unless the program is written in Go, which takes that for both families"
	}
	return ""
}

// bound is the word that binds a program to IPv4, when no other one binds it to IPv6.
func bound(words []string) string {
	if slices.ContainsFunc(words, func(w string) bool { return strings.Contains(w, "::") }) {
		return ""
	}
	i := slices.IndexFunc(words, onlyIPv4.MatchString)
	if i < 0 {
		return ""
	}
	return strings.TrimSpace(onlyIPv4.FindString(words[i]))
}

func probed(hosts []string) netip.Addr {
	for _, host := range hosts {
		if a, err := netip.ParseAddr(host); err == nil {
			return a
		}
	}
	return netip.Addr{}
}

package snapshot

import (
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/cilium"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/metallb"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// chartVersion is the version of a chart as an object asks for it, or the name of
// the object that does.
type chartVersion struct {
	chart, text, from string
	weak              bool // of a file for a program that is run by hand
}

// version is the release that text stands for: a version, or a range of patches
// within one minor release, of which only the minor is known. Of other ranges
// nothing is known, nor of charts whose versions are not those of what they
// install.
func (c chartVersion) version() release.Version {
	text := strings.TrimSpace(c.text)
	tilde, isTilde := strings.CutPrefix(text, "~")
	text = strings.TrimSpace(tilde)
	for _, wildcard := range []string{".x", ".X", ".*"} {
		if minor, ok := strings.CutSuffix(text, wildcard); ok {
			text, isTilde = minor, true
		}
	}
	v, err := release.Parse(strings.TrimPrefix(text, "="))
	latest := map[string]release.Version{"cilium": cilium.Latest, "metallb": metallb.Latest}[c.chart]
	switch {
	case err != nil || strings.Contains(text, " ") || v.Major > latest.Major:
		return release.Version{}
	case isTilde:
		return release.V(v.Major, v.Minor)
	}
	return v
}

// settleVersions takes the version of a chart for that of what it installs, where
// nothing that runs tells.
func (b *builder) settleVersions() {
	versions := map[string]release.Version{}
	slices.SortStableFunc(b.charts, func(a, c chartVersion) int {
		switch {
		case a.weak == c.weak:
			return 0
		case a.weak:
			return 1
		}
		return -1
	})
	for _, c := range b.charts {
		if c.text == "" && c.from != "" {
			c.text = b.chartSources[c.from]
		}
		if v := c.version(); v.Known() && !versions[c.chart].Known() {
			versions[c.chart] = v
		}
	}
	c, m := &b.snap.Cilium, &b.snap.MetalLB
	if c.Values.Ref != (Ref{}) {
		c.Values.Version = versions["cilium"]
	}
	c.Version, m.Version = c.Version.Or(versions["cilium"]), m.Version.Or(versions["metallb"])
}

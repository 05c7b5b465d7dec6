package plan

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/release"
)

// Format is p as a plan file that Parse reads back to the same plan. A range
// keeps the spelling in which p was read, as long as it still means the same.
//
// notes are comments by field ("spec.pods.ipv6"), of one or more lines, each set
// above its field; that of "" begins the file. A field that p does not have is
// left out, and its note stands where it would be: that is how a file says what
// is yet to be decided.
func (p *Plan) Format(notes map[string]string) []byte {
	w := planWriter{plan: p, notes: notes}
	w.note("")
	w.line("apiVersion: " + APIVersion)
	w.line("kind: " + Kind)
	w.section("metadata", func() { w.text("name", p.Name) })
	w.section("spec", w.spec)
	if !slices.Contains(w.out, "spec:") {
		w.line("spec: {}") // the field is required
	}
	return []byte(strings.Join(w.out, "\n") + "\n")
}

// planWriter gathers the lines of a plan file.
type planWriter struct {
	plan  *Plan
	notes map[string]string
	out   []string
	at    []string // the names of the fields around
}

func (w *planWriter) line(s string) {
	w.out = append(w.out, strings.Repeat("  ", len(w.at))+s)
}

// field is the path of the field name, where the writer stands.
func (w *planWriter) field(name string) string {
	return strings.Join(append(slices.Clone(w.at), name), ".")
}

// note writes the comment of a field.
func (w *planWriter) note(field string) {
	text := w.notes[field]
	if text == "" {
		return
	}
	for line := range strings.Lines(text) {
		w.line(strings.TrimRight("# "+strings.TrimRight(line, "\n"), " "))
	}
}

// section writes a mapping when it has fields, or notes for fields that are not there.
func (w *planWriter) section(name string, body func()) {
	field := w.field(name)
	before := w.out
	w.out = nil
	w.at = append(w.at, name)
	body()
	w.at = w.at[:len(w.at)-1]
	inner := w.out
	w.out = before
	w.space(field, len(inner) > 0 || w.notes[field] != "")
	w.note(field)
	if len(inner) > 0 {
		w.line(name + ":")
	}
	if name == "spec" && len(inner) > 0 {
		inner = inner[1:] // the space before the first use
	}
	w.out = append(w.out, inner...)
}

// space sets the uses of spec apart.
func (w *planWriter) space(field string, follows bool) {
	if follows && strings.Count(field, ".") == 1 && strings.HasPrefix(field, "spec.") {
		w.out = append(w.out, "")
	}
}

// set writes one field, or only its note where the value is empty.
func (w *planWriter) set(name, value string) {
	field := w.field(name)
	w.space(field, value != "" || w.notes[field] != "")
	w.note(field)
	if value != "" {
		w.line(name + ": " + value)
	}
}

func (w *planWriter) text(name, value string) {
	if value == "" {
		w.set(name, "")
		return
	}
	w.set(name, scalar(value))
}

func (w *planWriter) number(name string, n int) {
	if n == 0 {
		w.set(name, "")
		return
	}
	w.set(name, strconv.Itoa(n))
}

func (w *planWriter) spec() {
	p := w.plan
	w.set("families", w.families())
	w.section("delegated", func() { w.prefixes(p.Delegated) })
	w.section("lan", func() {
		w.prefixes(p.LAN.Prefixes)
		w.text("interface", p.LAN.Interface)
		w.list("reserved", len(p.LAN.Reserved), func(i int) string { return w.addresses(index("spec.lan.reserved", i), p.LAN.Reserved[i]) })
	})
	w.list("routed", len(p.Routed), func(i int) string { return w.prefix(index("spec.routed", i), p.Routed[i]) })
	w.section("pods", func() {
		w.prefixes(p.Pods.Prefixes)
		w.section("nodeMask", func() {
			for _, f := range ipfam.All {
				w.number(key(f), p.Pods.NodeMask.Of(f))
			}
		})
	})
	w.section("services", func() { w.prefixes(p.Services) })
	w.section("loadBalancers", w.pools)
	w.section("egress", func() {
		for _, f := range ipfam.All {
			w.text(key(f), string(p.Egress.Of(f)))
		}
	})
	w.text("echo", p.Echo)
	w.section("expect", func() {
		w.number("nodes", p.Expect.Nodes)
		w.number("podsPerNode", p.Expect.PodsPerNode)
		w.number("services", p.Expect.Services)
		w.number("loadBalancers", p.Expect.LoadBalancers)
	})
	w.section("versions", func() {
		w.version("kubernetes", p.Versions.Kubernetes)
		w.version("cilium", p.Versions.Cilium)
		w.version("metallb", p.Versions.MetalLB)
	})
}

// families is written where it is not what a plan without it has, or where there
// is something to say of it.
func (w *planWriter) families() string {
	fs := w.plan.Families
	if len(fs) == 0 || slices.Equal(fs, ipfam.All[:]) && w.notes["spec.families"] == "" {
		return ""
	}
	names := make([]string, len(fs))
	for i, f := range fs {
		names[i] = f.String()
	}
	return "[" + strings.Join(names, ", ") + "]"
}

// version writes a release in quotes: 1.20 is a number to YAML, which some editors
// write back as 1.2.
func (w *planWriter) version(name string, v release.Version) {
	if !v.Known() {
		w.set(name, "")
		return
	}
	w.set(name, strconv.Quote(v.String()))
}

func (w *planWriter) prefixes(ps ipfam.Pair[netip.Prefix]) {
	for _, f := range ipfam.All {
		value := ""
		if p := ps.Of(f); p.IsValid() {
			value = w.prefix(w.field(key(f)), p)
		}
		w.set(key(f), value)
	}
}

func (w *planWriter) list(name string, n int, item func(i int) string) {
	field := w.field(name)
	w.space(field, n > 0 || w.notes[field] != "")
	w.note(field)
	if n == 0 {
		return
	}
	w.line(name + ":")
	w.at = append(w.at, name)
	for i := range n {
		w.note(index(field, i))
		w.line("- " + item(i))
	}
	w.at = w.at[:len(w.at)-1]
}

func (w *planWriter) pools() {
	for i, pool := range w.plan.LoadBalancers {
		field := index("spec.loadBalancers", i)
		w.note(field)
		w.line("- name: " + scalar(pool.Name))
		w.at = append(w.at, "")
		if w.note(field + ".announce"); pool.Announce != "" {
			w.line("announce: " + pool.Announce)
		}
		w.note(field + ".addresses")
		w.line("addresses:")
		w.at = append(w.at, "")
		for j, r := range pool.Addresses {
			at := index(field+".addresses", j)
			w.note(at)
			w.line("- " + w.addresses(at, r))
		}
		w.at = w.at[:len(w.at)-2]
	}
}

// prefix is how p is written at field: as it was read, if that is still p.
func (w *planWriter) prefix(field string, p netip.Prefix) string {
	text, absolute := w.plan.text(field)
	if read, err := netip.ParsePrefix(absolute); err == nil && read == p {
		return scalar(text)
	}
	return scalar(p.String())
}

// addresses is prefix for the entries of pools.
func (w *planWriter) addresses(field string, r netipx.IPRange) string {
	text, absolute := w.plan.text(field)
	if read, _, err := ParseAddrs(absolute); err == nil && read == r {
		return scalar(text)
	}
	return scalar(FormatAddrs(r))
}

// scalar is s as YAML writes it on one line, in quotes where it has to.
func scalar(s string) string {
	node := yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	if strings.ContainsAny(s, "\n\r") {
		node.Style = yaml.DoubleQuotedStyle
	}
	out, err := yaml.Marshal(&node)
	if err != nil {
		return strconv.Quote(s)
	}
	return strings.TrimRight(string(out), "\n")
}

package plan

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go4.org/netipx"
	"golang.org/x/tools/txtar"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

// outline is a tree as the fixtures have it: one line for each branch.
func outline(t Tree) string {
	var b strings.Builder
	for _, f := range ipfam.All {
		fmt.Fprintln(&b, f)
		for _, root := range t.Roots.Of(f) {
			outlineBranch(&b, root, "  ")
		}
	}
	for _, o := range t.Overlaps {
		fmt.Fprintf(&b, "%s %s %s, %s\n", o.Severity, o.Range.Field, DescribeOverlap(o.Range, o.With), o.With.Field)
	}
	for _, r := range t.Outside {
		fmt.Fprintf(&b, "outside %s %s %s\n", r.Use, r.Name, r)
	}
	return b.String()
}

func outlineBranch(b *strings.Builder, branch *Branch, indent string) {
	fmt.Fprintf(b, "%s%s %s %s share %g", indent, branch, branch.Use, branch.Name, branch.Share)
	if r := branch.Room; r != (Room{}) {
		need := "?"
		if r.Known {
			need = FormatCount(r.Need)
		}
		fmt.Fprintf(b, " room %s of %s", need, FormatCount(r.Capacity))
		if r.Scarce() {
			b.WriteString(" scarce")
		}
	}
	if s := branch.Spare; s.Of > 0 {
		fmt.Fprintf(b, " free %s of %s /%d, largest %s", FormatCount(s.Blocks), FormatCount(s.Of), s.Unit, s.Largest)
	}
	if branch.Worst != 0 {
		fmt.Fprintf(b, " %s", branch.Worst)
	}
	b.WriteString("\n")
	for _, inner := range branch.Branches {
		outlineBranch(b, inner, indent+"  ")
	}
}

// usageOf reads the lines of a fixture: "pods NODE PREFIX", "services NAMESPACE/NAME
// ADDRESS", "unknown USE REASON", "nodes N".
func usageOf(t *testing.T, text string) *Usage {
	t.Helper()
	if text == "" {
		return nil
	}
	u := &Usage{Unknown: map[Use]string{}}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch words[0] {
		case "unknown":
			u.Unknown[Use(words[1])] = strings.Join(words[2:], " ")
		case "nodes":
			if _, err := fmt.Sscan(words[1], &u.Nodes); err != nil {
				t.Fatal(err)
			}
			u.NodesKnown = true
		default:
			addrs, _, err := ParseAddrs(words[2])
			if err != nil {
				t.Fatal(err)
			}
			u.Taken = append(u.Taken, Range{Use: Use(words[0]), Name: words[1], Addrs: addrs})
		}
	}
	return u
}

// Each file of testdata/tree is a story, a plan, what a cluster has taken, and the
// tree, the horizon and the strain that come of them.
func TestTree(t *testing.T) {
	paths, err := filepath.Glob("testdata/tree/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files := map[string]string{}
			for _, f := range archive.Files {
				files[f.Name] = string(f.Data)
			}
			p, u := readPlan(t, files["plan.yaml"]), usageOf(t, files["taken"])
			got := outline(p.Tree(u)) + horizonText(p.Horizon(u)) + list(p.Strain(u))
			if *update {
				last := len(archive.Files) - 1
				if archive.Files[last].Name != "want" {
					archive.Files = append(archive.Files, txtar.File{Name: "want"})
					last++
				}
				archive.Files[last].Data = []byte(got)
				if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(files["want"], got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func horizonText(list []Supply) string {
	var b strings.Builder
	for _, s := range list {
		used := "?"
		if s.Known {
			used = FormatCount(s.Used)
		}
		fmt.Fprintf(&b, "%s %s: used %s, expected %d, of %s, %s more\n", s.Family, s.Of, used, s.Expected, FormatCount(s.Capacity), FormatCount(s.Left()))
	}
	if first, ok := First(list); ok {
		fmt.Fprintf(&b, "first: %s %s\n", first.Family, first.Of)
	}
	return b.String()
}

// TestTreeOfAnything: whatever the ranges, each is in the tree once and within the
// smallest that holds it, siblings stand in the order of their addresses, and what
// is free has an address of none of them. A small space makes ranges meet.
func TestTreeOfAnything(t *testing.T) {
	random := rand.New(rand.NewPCG(20, 26))
	for range 2000 {
		p := crowdedPlan(random)
		tree := p.Tree(nil)
		var all []*Branch
		var walk func([]*Branch)
		walk = func(list []*Branch) {
			for i, b := range list {
				if i > 0 && b.Addrs.From().Less(list[i-1].Addrs.From()) {
					t.Fatalf("%s comes after %s", b, list[i-1])
				}
				all = append(all, b)
				walk(b.Branches)
			}
		}
		for _, f := range ipfam.All {
			walk(tree.Roots.Of(f))
		}
		if len(all) != len(p.Ranges()) {
			t.Fatalf("%d of %d ranges are in the tree", len(all), len(p.Ranges()))
		}
		for _, b := range all {
			for _, inner := range b.Branches {
				within(t, all, b, inner)
			}
			spareIsFree(t, b)
		}
	}
}

func within(t *testing.T, all []*Branch, b, inner *Branch) {
	t.Helper()
	if !b.Contains(inner.Range) {
		t.Fatalf("%s stands in %s", inner, b)
	}
	for _, other := range all {
		if other != inner && other != b && other.Contains(inner.Range) && b.Contains(other.Range) && other.Addrs != b.Addrs && other.Addrs != inner.Addrs {
			t.Fatalf("%s stands in %s though %s holds it", inner, b, other)
		}
	}
}

// spareIsFree counts addresses one by one, which the ranges of crowdedPlan allow.
func spareIsFree(t *testing.T, b *Branch) {
	t.Helper()
	s := b.Spare
	if s.Of == 0 {
		return
	}
	var free uint64
	for a := b.Addrs.From(); b.Addrs.Contains(a); a = a.Next() {
		taken := false
		for _, inner := range b.Branches {
			taken = taken || inner.Addrs.Contains(a)
		}
		if !taken {
			free++
		}
		if taken && s.Largest.IsValid() && s.Largest.Contains(a) {
			t.Fatalf("%s: %s of the largest free %s is taken", b, a, s.Largest)
		}
	}
	if s.Unit == b.Addrs.From().BitLen() && s.Blocks != free {
		t.Fatalf("%s: %d addresses are free, counted %d", b, free, s.Blocks)
	}
	if s.Largest.IsValid() != (free > 0) {
		t.Fatalf("%s: %d addresses are free, the largest block is %s", b, free, s.Largest)
	}
}

func crowdedPlan(random *rand.Rand) *Plan {
	prefix := func() netip.Prefix {
		a := netip.AddrFrom4([4]byte{10, 0, 0, byte(random.IntN(256))})
		return netip.PrefixFrom(a, 24+random.IntN(9)).Masked()
	}
	addrs := func() netipx.IPRange {
		from, to := random.IntN(256), random.IntN(256)
		return netipx.IPRangeFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(min(from, to))}), netip.AddrFrom4([4]byte{10, 0, 0, byte(max(from, to))}))
	}
	p := &Plan{Families: []ipfam.Family{ipfam.V4}}
	p.Delegated.V4, p.LAN.Prefixes.V4, p.Pods.Prefixes.V4, p.Services.V4 = prefix(), prefix(), prefix(), prefix()
	p.Pods.NodeMask.V4 = 28
	for range random.IntN(3) {
		p.Routed = append(p.Routed, prefix())
		p.LAN.Reserved = append(p.LAN.Reserved, addrs())
		p.LoadBalancers = append(p.LoadBalancers, Pool{Name: "pool", Addresses: []netipx.IPRange{addrs()}})
	}
	return p
}

func TestScarcityNeedsANeed(t *testing.T) {
	if (Room{Capacity: 1, Known: true}).Scarce() || (Room{Capacity: 1, Need: 1}).Scarce() {
		t.Error("a range of which nothing is needed is scarce")
	}
	if !(Room{Capacity: 20, Need: 17, Known: true}).Scarce() {
		t.Error("17 of 20 is not scarce")
	}
}

// BenchmarkTree is of a cluster of 5,000 nodes and 20,000 Services.
func BenchmarkTree(b *testing.B) {
	p := &Plan{Families: ipfam.All[:]}
	p.Pods.Prefixes.V4, p.Pods.NodeMask.V4 = netip.MustParsePrefix("10.0.0.0/8"), 24
	p.Services.V4 = netip.MustParsePrefix("172.16.0.0/12")
	u := &Usage{}
	take := func(use Use, a netip.Addr, bits int) netip.Addr {
		r := RangeOf(use, netip.PrefixFrom(a, bits))
		r.Name = "it"
		u.Taken = append(u.Taken, r)
		return r.Addrs.To().Next()
	}
	for a, n := p.Pods.Prefixes.V4.Addr(), 0; n < 5000; n++ {
		a = take(Pods, a, 24)
	}
	for a, n := p.Services.V4.Addr(), 0; n < 20000; n++ {
		a = take(Services, a, 32)
	}
	for b.Loop() {
		p.Tree(u)
	}
}

package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go4.org/netipx"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
)

func parsedPlan(t *testing.T, name, text string) *plan.Plan {
	t.Helper()
	p, problems := plan.Parse(name, []byte(text))
	if p == nil {
		t.Fatalf("%s: %v", name, problems)
	}
	return p
}

func seedPlan(t *testing.T) *plan.Plan {
	t.Helper()
	text, err := os.ReadFile("../../examples/homelab/plan.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return parsedPlan(t, "plan.yaml", string(text))
}

const crowdedPlan = `apiVersion: dualstack/v1alpha1
kind: AddressPlan
metadata: {name: crowded}
spec:
  lan: {ipv4: 10.0.0.0/24, ipv6: "fd4a:91c2:70::/64", interface: eno1, reserved: [10.0.0.200-10.0.0.210]}
  pods: {ipv4: 10.0.1.0/24, nodeMask: {ipv4: 26}, ipv6: "fd4a:91c2:70:1::/64"}
  services: {ipv4: 10.0.1.128/25, ipv6: "fd4a:91c2:78::/112"}
  loadBalancers:
    - {name: wide, announce: bgp, addresses: [10.0.0.205-10.0.1.3, "fd4a:91c2:70:0:aaaa:bbbb:cccc:1000-fd4a:91c2:70:0:aaaa:bbbb:cccc:11f0"]}
    - {name: same, addresses: [10.0.0.0/24]}
  expect: {nodes: 5, services: 110, loadBalancers: 300}
`

// block is a node's block of n of the seed's pods.
func block(node string, f ipfam.Family, n int) plan.Range {
	prefix := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 244, byte(n), 0}), 24)
	if f == ipfam.V6 {
		prefix = netip.MustParsePrefix(fmt.Sprintf("2001:db8:7653:299:cafe:0:%x:0/112", n))
	}
	r := plan.RangeOf(plan.Pods, prefix)
	r.Name, r.Owner, r.Field = node, "ciliumnode/"+node, ".spec.ipam.podCIDRs"
	return r
}

func taken(use plan.Use, name, addr string) plan.Range {
	a := netip.MustParseAddr(addr)
	return plan.Range{Use: use, Name: name, Addrs: netipx.IPRangeFrom(a, a), Owner: "service/" + name}
}

// treeCases is the trees that are held to golden files, by name.
func treeCases(t *testing.T) map[string]PlanTree {
	t.Helper()
	grown := &plan.Usage{Nodes: 12, NodesKnown: true, Unknown: map[plan.Use]string{}}
	for n := range 12 {
		name := fmt.Sprintf("k8s-node-%d", n)
		if n == 0 {
			name = "k8s-controller-0"
		}
		for _, f := range ipfam.All {
			grown.Taken = append(grown.Taken, block(name, f, n))
		}
	}
	for n := range 18 {
		grown.Taken = append(grown.Taken, taken(plan.LoadBalancers, fmt.Sprintf("shop/web-%d", n), fmt.Sprintf("192.168.16.%d", 100+n)))
	}
	grown.Taken = append(grown.Taken, taken(plan.LoadBalancers, "shop/web-0", "2001:db8:7653:216:ffff:fac:ade:1"),
		taken(plan.LoadBalancers, "shop/lost", "192.168.16.250"), taken(plan.Services, "default/kubernetes", "10.96.0.1"))
	unread := &plan.Usage{Nodes: 3, NodesKnown: true, Unknown: map[plan.Use]string{
		plan.Pods: "ciliumnodes: not in the files", plan.Services: "services: forbidden: list services", plan.LoadBalancers: "services: forbidden: list services",
	}}
	return map[string]PlanTree{
		"seed":    {Source: "plan.yaml", Plan: seedPlan(t)},
		"grown":   {Source: "plan.yaml", Plan: seedPlan(t), Usage: grown, Cluster: "homelab"},
		"unread":  {Source: "plan.yaml", Plan: seedPlan(t), Usage: unread, Cluster: "cluster.yaml"},
		"crowded": {Source: "crowded.yaml", Plan: parsedPlan(t, "crowded.yaml", crowdedPlan)},
		"single": {Source: "single.yaml", Plan: parsedPlan(t, "single.yaml",
			"apiVersion: dualstack/v1alpha1\nkind: AddressPlan\nspec: {families: [IPv6], pods: {ipv6: \"fd4a:91c2:77::/56\"}}\n")},
		"hostile": hostileTree(t),
	}
}

// hostileTree has names from a cluster that would move a terminal's cursor, end a
// label or open a tag.
func hostileTree(t *testing.T) PlanTree {
	t.Helper()
	p := seedPlan(t)
	p.Name, p.LAN.Interface, p.LoadBalancers[0].Name = "\x1b[31mred\u202e", "en\no1", "\"]<script>\x9b"
	u := &plan.Usage{Unknown: map[plan.Use]string{plan.Services: "\x1b]0;title\a", plan.LoadBalancers: "日本"}}
	for _, f := range ipfam.All {
		u.Taken = append(u.Taken, block("node\x1b[2J\"];%%`\xff", f, 1))
	}
	outside := block("far\n--> away", ipfam.V4, 1)
	outside.Addrs = netipx.RangeOfPrefix(netip.MustParsePrefix("10.9.0.0/24"))
	u.Taken = append(u.Taken, outside)
	return PlanTree{Source: "a\x1b[1mb", Plan: p, Usage: u, Cluster: "ctx\r\n"}
}

func drawn(t *testing.T, tree PlanTree, format string, s Style) string {
	t.Helper()
	var b bytes.Buffer
	if err := tree.Write(&b, format, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPlanTree(t *testing.T) {
	for name, tree := range treeCases(t) {
		path := func(ending string) string { return filepath.Join("testdata", "golden", "plan", name+"."+ending) }
		for _, style := range []string{"80", "80.ascii", "80.color", "160"} {
			golden(t, path(style+".txt"), drawn(t, tree, "", traceStyles[style]))
		}
		golden(t, path("wide.txt"), drawn(t, tree, "wide", Style{Width: 80}))
		for _, format := range []Format{JSON, YAML, mermaid, svg} {
			golden(t, path(string(format)), drawn(t, tree, string(format), Style{}))
		}
	}
}

func TestTreeFormats(t *testing.T) {
	var b bytes.Buffer
	if err := (PlanTree{Plan: &plan.Plan{}}).Write(&b, "dot", Style{}); err == nil || b.Len() > 0 {
		t.Errorf("a format that there is not prints %q (%v)", &b, err)
	}
	if err := CheckTreeFormat("dot"); err == nil {
		t.Error("there is no format dot")
	}
	for _, f := range TreeFormats() {
		if err := CheckTreeFormat(f); err != nil {
			t.Error(err)
		}
	}
}

// TestTreeIsHarmless: what came from a cluster or a file has no effect on a
// terminal, and in ASCII nothing else is printed. JSON and YAML are UTF-8.
func TestTreeIsHarmless(t *testing.T) {
	for name, tree := range treeCases(t) {
		for _, format := range TreeFormats() {
			for _, s := range []Style{{Width: 80}, {Width: 160}, {Width: 80, ASCII: true}} {
				text := drawn(t, tree, format, s)
				harmless(t, name+" "+format, text)
				if !s.ASCII || format == "json" || format == "yaml" {
					continue
				}
				for i, c := range text {
					if c > 0x7e {
						t.Fatalf("%s %s: has %q: …%s", name, format, c, text[max(0, i-30):i])
					}
				}
			}
		}
	}
}

// TestTreeColorIsExtra: without its colours the coloured text is the plain one.
func TestTreeColorIsExtra(t *testing.T) {
	for name, tree := range treeCases(t) {
		for _, format := range TreeFormats() {
			coloured := drawn(t, tree, format, Style{Width: 80, Color: true})
			for _, code := range []string{red, yellow, plain} {
				coloured = strings.ReplaceAll(coloured, code, "")
			}
			if diff := cmp.Diff(drawn(t, tree, format, Style{Width: 80}), coloured); diff != "" {
				t.Errorf("%s %s (-plain +coloured):\n%s", name, format, diff)
			}
		}
	}
}

// TestTreeFits: the seed's tree and what is said below it keep to the usual widths.
func TestTreeFits(t *testing.T) {
	for _, name := range []string{"seed", "grown", "unread", "crowded", "single"} {
		for _, wide := range []int{80, 100, 120, 160} {
			for line := range strings.Lines(drawn(t, treeCases(t)[name], "", Style{Width: wide})) {
				if n := width(strings.TrimSuffix(line, "\n")); n > wide {
					t.Errorf("%s: %d wide: %d: %s", name, wide, n, line)
				}
			}
		}
	}
}

// planSchema is a published schema, which may refer to another of them.
func planSchema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	ids := map[string]string{}
	for _, file := range []string{"plantree.schema.json", "planreport.schema.json"} {
		text, err := os.ReadFile(filepath.Join("../../docs/schema", file))
		if err != nil {
			t.Fatal(err)
		}
		document := decode(t, string(text))
		ids[file] = document.(map[string]any)["$id"].(string)
		if err := compiler.AddResource(ids[file], document); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := compiler.Compile(ids[name])
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// TestTreeSchema holds real output to the published schema, and the schema to
// saying no when a field is taken away or added.
func TestTreeSchema(t *testing.T) {
	schema := planSchema(t, "plantree.schema.json")
	for name, tree := range treeCases(t) {
		text := drawn(t, tree, "json", Style{})
		if err := schema.Validate(decode(t, text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		refuses(t, schema, text)
		asJSON, err := yaml.YAMLToJSON([]byte(drawn(t, tree, "yaml", Style{})))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(decode(t, text), decode(t, string(asJSON))); diff != "" {
			t.Errorf("%s: YAML says something else (-JSON +YAML):\n%s", name, diff)
		}
	}
}

// rectangle is a rectangle of a drawing, or the room that a text takes.
type rectangle struct {
	what           string
	x1, y1, x2, y2 float64
}

func (r rectangle) holds(s rectangle) bool {
	return r.x1 <= s.x1 && s.x2 <= r.x2 && r.y1 <= s.y1 && s.y2 <= r.y2
}

func (r rectangle) meets(s rectangle) bool {
	return r.x1 < s.x2 && s.x1 < r.x2 && r.y1 < s.y2 && s.y1 < r.y2
}

// layout is the boxes, strips and texts of a drawing.
func layout(t *testing.T, svg string) (page rectangle, boxes, strips, texts []rectangle) {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return page, boxes, strips, texts
		}
		if err != nil {
			t.Fatalf("no XML: %v", err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		values := map[string]string{}
		for _, a := range start.Attr {
			values[a.Name.Local] = a.Value
		}
		number := func(name string) float64 {
			n, err := strconv.ParseFloat(values[name], 64)
			if err != nil {
				t.Fatalf("%s %s=%q", start.Name.Local, name, values[name])
			}
			return n
		}
		switch class, _, _ := strings.Cut(values["class"], " "); {
		case start.Name.Local == "svg":
			page = rectangle{"page", 0, 0, number("width"), number("height")}
		case start.Name.Local == "text":
			text := ""
			if err := decoder.DecodeElement(&text, &start); err != nil {
				t.Fatal(err)
			}
			// Letters go some way below the line that they stand on.
			texts = append(texts, rectangle{text, number("x"), number("y") - 11, number("x") + float64(width(text))*svgChar, number("y") + 3})
		case start.Name.Local == "rect" && class != "page":
			r := rectangle{class, number("x"), number("y"), number("x") + number("width"), number("y") + number("height")}
			switch class {
			case "box", "block", "free":
				boxes = append(boxes, r)
			case "strip":
				strips = append(strips, r)
			}
		}
	}
}

// laidOut holds a drawing to what one can read: boxes nest or are apart, no text
// leaves the page or its box, meets another, or stands on a strip or an edge.
func laidOut(t *testing.T, name, svg string) {
	t.Helper()
	page, boxes, strips, texts := layout(t, svg)
	if len(texts) < 4 {
		t.Fatalf("%s: %d texts", name, len(texts))
	}
	const half = 0.05 // what the numbers are rounded by
	for i, b := range boxes {
		if !page.holds(b) {
			t.Errorf("%s: %v leaves the page", name, b)
		}
		for _, other := range boxes[:i] {
			if b.meets(other) && !b.holds(other) && !other.holds(b) {
				t.Errorf("%s: %v and %v cross", name, b, other)
			}
		}
	}
	for i, text := range texts {
		if !page.holds(text) {
			t.Errorf("%s: %v leaves the page", name, text)
		}
		for _, other := range texts[:i] {
			if text.meets(other) {
				t.Errorf("%s: %v and %v meet", name, text, other)
			}
		}
		for _, s := range strips {
			if text.meets(s) {
				t.Errorf("%s: %v stands on a strip", name, text)
			}
		}
		for _, b := range boxes {
			grown := rectangle{b.what, b.x1 - half, b.y1 - half, b.x2 + half, b.y2 + half}
			if text.meets(b) && !grown.holds(text) {
				t.Errorf("%s: %v leaves %v", name, text, b)
			}
		}
	}
}

func TestTreeDrawing(t *testing.T) {
	for name, tree := range treeCases(t) {
		laidOut(t, name, drawn(t, tree, "svg", Style{}))
	}
	for seed := range uint64(50) {
		tree := randomTree(rand.New(rand.NewPCG(seed, 46)))
		laidOut(t, fmt.Sprint("seed ", seed), drawn(t, tree, "svg", Style{ASCII: seed%2 == 0}))
	}
}

// randomTree is a plan whose ranges meet as they please.
func randomTree(random *rand.Rand) PlanTree {
	p := &plan.Plan{Name: strings.Repeat("name ", random.IntN(4)), Families: ipfam.All[:]}
	prefix := func(f ipfam.Family) netip.Prefix {
		if f == ipfam.V4 {
			return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(random.IntN(4)), byte(random.IntN(256))}), 22+random.IntN(11)).Masked()
		}
		a := netip.MustParseAddr("2001:db8:7653:200::").As16()
		a[7], a[15] = byte(random.IntN(8)), byte(random.IntN(256))
		return netip.PrefixFrom(netip.AddrFrom16(a), 56+random.IntN(73)).Masked()
	}
	for _, f := range ipfam.All {
		for _, at := range []*netip.Prefix{p.Delegated.At(f), p.LAN.Prefixes.At(f), p.Pods.Prefixes.At(f), p.Services.At(f)} {
			if random.IntN(4) > 0 {
				*at = prefix(f)
			}
		}
		for range random.IntN(3) {
			p.Routed = append(p.Routed, prefix(f))
			p.LoadBalancers = append(p.LoadBalancers, plan.Pool{Name: strings.Repeat("pool", 1+random.IntN(8)), Addresses: []netipx.IPRange{netipx.RangeOfPrefix(prefix(f))}})
		}
	}
	p.Expect = plan.Expectation{Nodes: random.IntN(300), Services: random.IntN(300), LoadBalancers: random.IntN(300)}
	return PlanTree{Source: "plan.yaml", Plan: p}
}

func TestAmount(t *testing.T) {
	for n, want := range map[uint64]string{
		0: "0", 999: "999", 65536: "65,536", 1 << 30: "2^30", 1<<32 - 2: "2^32 - 2", 65536 * 65534: "4,294,836,224",
		1 << 48: "2^48", 1<<48 - 1: "2^48 - 1", 1<<50 + 1<<49: "about 2^51", 1 << 63: "2^63", 1<<64 - 1: "2^64 or more", 1<<64 - 3: "2^64 - 3",
	} {
		if got := amount(n); got != want {
			t.Errorf("amount(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestShareText(t *testing.T) {
	for share, want := range map[float64]string{0: "", 1: "all", 0.5: "1/2", 1.0 / 256: "1/256", 1.0 / (1 << 48): "1/2^48", 0.385: "38%", 0.001234: "<1%", 0.999: ">99%"} {
		if got := shareText(&plan.Branch{Share: share}); got != want {
			t.Errorf("%g: %q, want %q", share, got, want)
		}
	}
}

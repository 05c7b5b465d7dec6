package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/trace"
)

// everyFormat is everything that is made of a Trace, and of a fleet of one, by the name of its
// format.
func everyFormat(t *testing.T, tr trace.Trace, s Style) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, f := range TraceFormats() {
		all["trace "+f] = written(t, tr, f, s)
	}
	var b bytes.Buffer
	if err := WriteTraceDiff(&b, tr, s); err != nil {
		t.Fatal(err)
	}
	all["diff"] = b.String()
	rows := []trace.FleetRow{{Node: tr.Node, Pod: tr.Pod, Paths: tr.Paths, Seen: tr.Seen, Note: tr.Summary}}
	for _, f := range FleetFormats() {
		b.Reset()
		if err := WriteFleet(&b, rows, f, s); err != nil {
			t.Fatal(err)
		}
		all["fleet "+f] = b.String()
	}
	return all
}

func TestTraceFormats(t *testing.T) {
	var b bytes.Buffer
	for _, err := range []error{WriteTrace(&b, trace.Trace{}, "table", Style{}), WriteFleet(&b, nil, "svg", Style{})} {
		if err == nil || b.Len() > 0 {
			t.Errorf("a format that there is not prints %q (%v)", &b, err)
		}
	}
}

// TestTraceIsHarmless: what came from a cluster has no effect on a terminal.
func TestTraceIsHarmless(t *testing.T) {
	for _, s := range []Style{{Width: 80}, {Width: 120}, {ASCII: true}} {
		for format, text := range everyFormat(t, hostileTrace(), s) {
			harmless(t, format, text)
		}
	}
}

func harmless(t *testing.T, format, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Errorf("%s: is no UTF-8", format)
	}
	for i, c := range text {
		if c != '\n' && hidden(c) {
			t.Fatalf("%s: %U at %d: …%q…", format, c, i, text[max(0, i-20):i])
		}
	}
}

// TestTraceASCII: no sign, and nothing of a cluster, is anything else where only ASCII is
// printed. JSON and YAML are for programs, and UTF-8.
func TestTraceASCII(t *testing.T) {
	for _, build := range []func() trace.Trace{healthyTrace, stoppedTrace, probedTrace, serviceTrace, openTrace, hostileTrace} {
		for _, width := range []int{80, 120} {
			for format, text := range everyFormat(t, build(), Style{Width: width, ASCII: true}) {
				if strings.HasSuffix(format, "json") || strings.HasSuffix(format, "yaml") {
					continue
				}
				for i, c := range text {
					if c > 0x7e {
						t.Fatalf("%s: has %q: …%s", format, c, text[max(0, i-30):i])
					}
				}
			}
		}
	}
}

// TestTraceColorIsExtra: without its colours the coloured text is the plain one.
func TestTraceColorIsExtra(t *testing.T) {
	for name, build := range traceCases {
		for _, ascii := range []bool{false, true} {
			for _, width := range []int{80, 120} {
				uncoloured := everyFormat(t, build(), Style{Width: width, ASCII: ascii})
				for format, text := range everyFormat(t, build(), Style{Width: width, ASCII: ascii, Color: true}) {
					for _, code := range []string{red, yellow, plain} {
						text = strings.ReplaceAll(text, code, "")
					}
					if diff := cmp.Diff(uncoloured[format], text); diff != "" {
						t.Errorf("%s %s (-plain +coloured):\n%s", name, format, diff)
					}
				}
			}
		}
	}
}

// TestTraceFits: at the usual widths only fixes, which are to be pasted, and single words
// are longer than the line.
func TestTraceFits(t *testing.T) {
	for name, build := range traceCases {
		for _, room := range []int{80, 100, 160} {
			for line := range strings.Lines(written(t, build(), "", Style{Width: room})) {
				if n := width(strings.TrimSuffix(line, "\n")); n > room && !strings.Contains(line, "fix: ") {
					t.Errorf("%s at %d: %d columns: %s", name, room, n, line)
				}
			}
		}
	}
}

var (
	mermaidLine = regexp.MustCompile(`^( *(flowchart TD|end|subgraph v[46]\["[^"<>` + "`" + `\\%]*"\]|v[46]n\d+ (-->|-\.->) v[46]n\d+|classDef \w+ [\w:#,\- ]+|class [\w,]+ \w+)|%% [^"<>%]*| *v[46]n\d+\["([^"<>` + "`" + `\\%]|<br/>|</?b>)*"\])$`)
	dotQuoted   = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
)

// TestNamesStayInside: no name ends its quotes, in any of the formats that have some.
func TestNamesStayInside(t *testing.T) {
	hostile := hostileTrace()
	for line := range strings.Lines(written(t, hostile, "mermaid", Style{})) {
		if !mermaidLine.MatchString(strings.TrimSuffix(line, "\n")) {
			t.Errorf("Mermaid: %s", line)
		}
	}
	benign := hostileTrace()
	for _, f := range ipfam.All {
		path := benign.Paths.At(f)
		for i := range path.Hops {
			path.Hops[i].Text, path.Hops[i].Because, path.Hops[i].Check = "a", "a", "a"
		}
		path.Hops[2].Step = "a"
	}
	skeleton := func(tr trace.Trace) string {
		return dotQuoted.ReplaceAllString(written(t, tr, "dot", Style{}), `""`)
	}
	if diff := cmp.Diff(skeleton(benign), skeleton(hostile)); diff != "" {
		t.Errorf("Graphviz outside of its quotes (-benign +hostile):\n%s", diff)
	}
	elements, said := elementsOf(t, written(t, hostile, "svg", Style{}))
	for _, name := range elements {
		if !slices.Contains([]string{"svg", "title", "style", "defs", "marker", "path", "rect", "text"}, name) {
			t.Errorf("SVG has an element %s", name)
		}
	}
	if !strings.Contains(said, "<script>alert(1)</script>") {
		t.Error("SVG lacks the name as it is")
	}
}

// elementsOf is the names of the elements of an XML document, and its text.
func elementsOf(t *testing.T, document string) (names []string, said string) {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(document))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return names, said
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			names = append(names, token.Name.Local)
		case xml.CharData:
			said += string(token)
		}
	}
}

// traceSchemas is the published schemas of a Trace and of a fleet.
func traceSchemas(t *testing.T) (ofTrace, ofFleet *jsonschema.Schema) {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compile := func(name string) *jsonschema.Schema {
		text, err := os.ReadFile("../../docs/schema/" + name)
		if err != nil {
			t.Fatal(err)
		}
		document := decode(t, string(text))
		id := document.(map[string]any)["$id"].(string)
		if err := compiler.AddResource(id, document); err != nil {
			t.Fatal(err)
		}
		schema, err := compiler.Compile(id)
		if err != nil {
			t.Fatal(err)
		}
		return schema
	}
	return compile("trace.schema.json"), compile("tracefleet.schema.json")
}

// TestTraceSchema holds real output to the published schemas, and the schemas to saying no
// when a field is taken away or added.
func TestTraceSchema(t *testing.T) {
	ofTrace, ofFleet := traceSchemas(t)
	for name, build := range traceCases {
		all := everyFormat(t, build(), Style{})
		for kind, schema := range map[string]*jsonschema.Schema{"trace ": ofTrace, "fleet ": ofFleet} {
			if err := schema.Validate(decode(t, all[kind+"json"])); err != nil {
				t.Errorf("%s%s: %v", kind, name, err)
			}
			asJSON, err := yaml.YAMLToJSON([]byte(all[kind+"yaml"]))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(decode(t, all[kind+"json"]), decode(t, string(asJSON))); diff != "" {
				t.Errorf("%s%s: YAML says something else (-JSON +YAML):\n%s", kind, name, diff)
			}
			refuses(t, schema, all[kind+"json"])
		}
	}
}

func refuses(t *testing.T, schema *jsonschema.Schema, text string) {
	t.Helper()
	document := decode(t, text).(map[string]any)
	for field := range document {
		without := decode(t, text).(map[string]any)
		delete(without, field)
		if schema.Validate(without) == nil {
			t.Errorf("the schema takes a document without %s", field)
		}
	}
	document["more"] = true
	if schema.Validate(document) == nil {
		t.Error("the schema takes a field that it does not know")
	}
}

// TestAnyTrace prints traces of chance: each format works, is harmless, and loses no word
// of a hop; JSON keeps to the schema.
func TestAnyTrace(t *testing.T) {
	ofTrace, ofFleet := traceSchemas(t)
	for seed := range uint64(100) {
		c := chance{rand.New(rand.NewPCG(seed, 46))}
		tr := c.trace()
		s := Style{Width: pick(c, 0, 1, 20, 80, 99, 100, 120, 160), ASCII: c.IntN(2) == 0}
		all := everyFormat(t, tr, s)
		for format, text := range all {
			harmless(t, format, text)
		}
		for kind, schema := range map[string]*jsonschema.Schema{"trace ": ofTrace, "fleet ": ofFleet} {
			if err := schema.Validate(decode(t, all[kind+"json"])); err != nil {
				t.Fatalf("seed %d: %s%v", seed, kind, err)
			}
		}
		elementsOf(t, all["trace svg"])
		for _, f := range ipfam.All {
			for _, hop := range tr.Paths.Of(f).Hops {
				for word := range strings.FieldsSeq(s.safe(hop.Text)) {
					if !strings.Contains(all["trace "], word) {
						t.Fatalf("seed %d: columns lack %q", seed, word)
					}
				}
			}
		}
		if again := everyFormat(t, tr, s); !cmp.Equal(all, again) {
			t.Fatalf("seed %d: two runs differ", seed)
		}
	}
}

// chance makes traces at random.
type chance struct{ *rand.Rand }

func pick[T any](c chance, values ...T) T { return values[c.IntN(len(values))] }

// some is up to n values.
func some[T any](c chance, n int, one func() T) []T {
	var values []T
	for range c.IntN(n + 1) {
		values = append(values, one())
	}
	return values
}

func (c chance) text() string {
	words := some(c, 8, func() string {
		return pick(c, "leaves", "as", "192.168.16.22", "2001:db8:7653:216:3e52:82ff:fe6e:22", "\x1b[31m", "«x»", "\n", "\"", "<b>", "\\", "é", "\u202e", "日本", "", "%", "#", "`", "\xff", "-->", "end")
	})
	return strings.Join(words, " ")
}

func (c chance) address(f ipfam.Family) netip.Addr {
	if f == ipfam.V4 {
		return pick(c, netip.Addr{}, podV4, nodeV4, farV4)
	}
	return pick(c, netip.Addr{}, podV6, farV6, netip.MustParseAddr("fe80::1%eth0"))
}

func (c chance) port(f ipfam.Family) netip.AddrPort {
	if a := c.address(f); a.IsValid() {
		return netip.AddrPortFrom(a, uint16(c.IntN(65536)))
	}
	return netip.AddrPort{}
}

func (c chance) outcome() trace.Outcome {
	return pick(c, trace.NotTried, trace.Connected, trace.Refused, trace.TimedOut, trace.Unreachable, trace.Failed)
}

func (c chance) hop() trace.Hop {
	return trace.Hop{
		Step: trace.Steps[c.IntN(len(trace.Steps))], State: pick(c, trace.Passes, trace.Doubtful, trace.Stops, trace.NotReached, trace.Open),
		Known: pick(c, trace.Read, trace.Inferred, trace.Probed, trace.Unknown), Text: c.text(), Because: c.text(), Check: pick(c, "", "DS407"), Fix: c.text(),
	}
}

func (c chance) path(f ipfam.Family, branches bool) trace.Path {
	p := trace.Path{
		Family: f, Hops: some(c, 14, c.hop), Source: c.address(f), Beyond: c.IntN(2) == 0, Verdict: pick(c, "", trace.Reaches, trace.Fails, trace.Unsure), Why: c.text(),
		Mechanism: pick(c, "", trace.KeepsSource, trace.ByBPF, trace.ByIPTables, trace.ByGateway, trace.ByKubeProxy, trace.ByPlugin, trace.ByHost, trace.MechanismOpen),
	}
	if c.IntN(2) == 0 { // a path as Predict makes it, in the order of the steps
		slices.SortStableFunc(p.Hops, func(a, b trace.Hop) int {
			return slices.Index(trace.Steps[:], a.Step) - slices.Index(trace.Steps[:], b.Step)
		})
	}
	if branches {
		p.Branches = some(c, 3, func() trace.Branch {
			return trace.Branch{Endpoints: some(c, 3, func() netip.AddrPort { return c.port(f) }), Path: c.path(f, false)}
		})
	}
	return p
}

func (c chance) observation() trace.Observation {
	f := ipfam.All[c.IntN(len(ipfam.All))]
	o := trace.Observation{
		Family: f, Tier: trace.Tiers[c.IntN(len(trace.Tiers))], From: c.text(), Error: pick(c, "", "", c.text()),
		Own: c.address(f), Asked: c.IntN(2) == 0, Answers: some(c, 3, func() netip.Addr { return c.address(f) }),
		Dialed: c.port(f), Connect: c.outcome(), Took: time.Duration(c.IntN(1e10)), Status: pick(c, 0, 200, 503), Far: c.address(f), Large: c.outcome(), PathMTU: pick(c, 0, 1280, 1500),
		Rungs: some(c, 3, func() trace.Rung { return trace.Rung{Name: c.text(), To: c.port(f), Outcome: c.outcome()} }),
		Hops:  some(c, 3, func() netip.Addr { return c.address(f) }),
	}
	if c.IntN(2) == 0 {
		o.Routes = &trace.Routes{Default: some(c, 2, func() netip.Addr { return c.address(f) }), HasRoute: c.IntN(2) == 0}
		o.Agent = &trace.Agent{Version: c.text(), Tunnel: c.text(), Translated: c.address(f), Mechanism: pick(c, "", trace.ByBPF), PolicyDrops: c.IntN(2) == 0}
	}
	return o
}

func (c chance) trace() trace.Trace {
	family := func() ipfam.Family { return ipfam.All[c.IntN(len(ipfam.All))] }
	return trace.Trace{
		Query: trace.Query{
			Target: trace.Target{
				Kind: pick(c, trace.ToInternet, trace.ToName, trace.ToAddress, trace.ToService, trace.ToPod), Text: c.text(), Port: uint16(c.IntN(65536)),
				Addresses: ipfam.Pair[netip.Addr]{V4: c.address(ipfam.V4), V6: c.address(ipfam.V6)},
			},
			Require: pick(c, "", trace.RequireBoth, trace.RequireAny, trace.RequireV4, trace.RequireV6),
		},
		Pod: snapshot.Ref{Kind: "Pod", Namespace: c.text(), Name: c.text()}, Node: c.text(), Chosen: c.text(), Summary: c.text(),
		Paths: ipfam.Pair[trace.Path]{V4: c.path(ipfam.V4, true), V6: c.path(ipfam.V6, true)},
		Seen:  some(c, 4, c.observation),
		Partings: some(c, 2, func() trace.Parting {
			return trace.Parting{Family: family(), Step: trace.StepNode, Predicted: c.text(), Observed: c.text(), Because: c.text(), Fix: c.text()}
		}),
		Programs: some(c, 2, func() trace.Program {
			return trace.Program{Names: some(c, 2, c.text), Order: some(c, 2, family), Rule: c.text()}
		}),
	}
}

package report

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// outcome is what every format says of a run: findings as "DS501 error service/shop/web",
// sorted, with every one of several; and what was not checked, as "DS302 unknown".
type outcome struct {
	Found     []string
	Unchecked []string
	Accepted  []string // of the formats for programs; the others say it in words
}

func (o *outcome) accepted(id, state string) { o.Accepted = append(o.Accepted, id+" "+state) }

func (o *outcome) found(id, severity, object string) {
	o.Found = append(o.Found, id+" "+severity+" "+object)
}

func (o *outcome) unchecked(id, status string) { o.Unchecked = append(o.Unchecked, id+" "+status) }

func (o *outcome) sorted() outcome {
	slices.Sort(o.Found)
	slices.Sort(o.Unchecked)
	slices.Sort(o.Accepted)
	return *o
}

// TestAllFormatsAgree reads each format back, with the tools that its readers use
// where there are some, and compares what it says with what the JSON says.
func TestAllFormatsAgree(t *testing.T) {
	reports := map[string]*Report{"rich": rich(t)}
	random := rand.New(rand.NewPCG(5, 11))
	for i := range 60 {
		reports[fmt.Sprintf("drawn %d", i)] = drawnReport(t, random)
	}
	for name, r := range reports {
		want := fromJSON(t, print(t, r, JSON, Style{}))
		if name == "rich" && (len(want.Found) < 10 || len(want.Unchecked) < 3) {
			t.Fatalf("too little to compare: %+v", want)
		}
		for format, read := range map[Format]func(*testing.T, string) outcome{
			JUnit: fromJUnit, SARIF: fromSARIF, GitHub: fromGitHub, Markdown: fromMarkdown, HTML: fromHTML,
		} {
			want := want
			if format != JUnit && format != SARIF {
				want.Accepted = nil
			}
			if diff := cmp.Diff(want, read(t, print(t, r, format, Style{}))); diff != "" {
				t.Errorf("%s: %s says something else (-json +%s):\n%s", name, format, format, diff)
			}
		}
		comparePrometheus(t, name, r, want)
	}
}

// unpleasant is what may stand in a name or a message of a cluster, or be put there
// to be misread.
var unpleasant = []string{
	"web", "2001:db8:100::1/64", "fd00:8ball:1234::", "a|b", "`code`", "```", "<script>alert(1)</script>", "]]>", "&amp;", "\x1b[31m", "two\nlines",
	"::error::no", "##[error]no", "%0A", "[text](https://example.com)", "\"quoted\"", `back\slash`, "@name", "#12", "\u202egnp", "\ufffe", "\xff", "{{.}}", "{0}",
	"- item", "</pre>", "# title", "_under_", "*star*", "–", "(", ":", "...", "",
}

// drawnReport is a report of checks that are there, with whatever findings.
func drawnReport(t *testing.T, random *rand.Rand) *Report {
	t.Helper()
	pick := func() string { return unpleasant[random.IntN(len(unpleasant))] }
	words := func() string {
		var list []string
		for range random.IntN(5) {
			list = append(list, pick())
		}
		return strings.Join(list, " ")
	}
	var results []checks.Result
	for i := range 1 + random.IntN(6) {
		result := checks.Result{Check: check(fmt.Sprintf("DS%d%02d", 1+i, random.IntN(30)), "name-of-it", severity.Warning, "it holds", "It matters."), Status: checks.Passed}
		switch random.IntN(4) {
		case 0:
			result.Status, result.Reason = checks.Skipped, "reason "+words()
		case 1:
			result.Status, result.Reason = checks.Unknown, "reason "+words()
		case 2:
			result.Status = checks.Failing
			for range 1 + random.IntN(8) {
				result.Findings = append(result.Findings, checks.Finding{
					Severity: severity.All[random.IntN(3)], Family: []ipfam.Family{0, ipfam.V4, ipfam.V6}[random.IntN(3)],
					Object: snapshot.Ref{Kind: "Service", Namespace: "shop", Name: strings.Join(strings.Fields(pick()), "") + "x"},
					Field:  []string{"", ".spec.ipFamilies", ".data." + pick()}[random.IntN(3)], Message: words(), Fix: words() + []string{"", "\n" + words()}[random.IntN(2)],
				})
			}
		}
		for j := range result.Findings {
			accept(random, &result.Findings[j], results)
		}
		results = append(results, result)
	}
	return Build(Input{Snapshot: &snapshot.Snapshot{Source: snapshot.Source{Name: words()}}, Results: results, Tool: pick()})
}

// accept has a finding not count, or follow from one of the results, or neither.
func accept(random *rand.Rand, f *checks.Finding, results []checks.Result) {
	switch random.IntN(6) {
	case 0:
		f.Suppressed = &checks.Suppression{Reason: unpleasant[random.IntN(len(unpleasant))], From: "--suppress"}
	case 1:
		f.Known = true
	case 2, 3:
		for _, r := range results {
			if len(r.Findings) > 0 {
				f.Cause = &checks.Cause{Check: r.Check.ID, Finding: r.Findings[random.IntN(len(r.Findings))]}
			}
		}
	}
}

func fromJSON(t *testing.T, text string) outcome {
	var r Report
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	var o outcome
	for _, result := range r.Results {
		for _, f := range result.Findings {
			if state, _ := f.acceptance(); state != "" {
				o.accepted(result.ID, state)
				continue
			}
			o.found(result.ID, f.Severity.String(), Escape(f.Object.String()))
		}
		if result.Status == checks.Skipped || result.Status == checks.Unknown {
			o.unchecked(result.ID, string(result.Status))
		}
	}
	return o.sorted()
}

// object is the first word of text: the object that it begins with.
func object(text string) string {
	word, _, _ := strings.Cut(text, " ")
	return strings.TrimSuffix(word, ":")
}

func fromJUnit(t *testing.T, text string) outcome {
	var suites junitSuites
	if err := xml.Unmarshal([]byte(text), &suites); err != nil {
		t.Fatal(err)
	}
	var o outcome
	tests, failures := 0, 0
	for _, suite := range suites.Suites {
		failed, skipped := 0, 0
		for _, c := range suite.Cases {
			id := object(c.Class)
			switch {
			case c.Skipped != nil && (c.Skipped.Type == "known" || c.Skipped.Type == "suppressed"):
				skipped++
				o.accepted(id, c.Skipped.Type)
			case c.Skipped != nil:
				skipped++
				o.unchecked(id, c.Skipped.Type)
			case c.Failure != nil:
				failed++
				o.found(id, c.Failure.Type, object(c.Failure.Text))
			case c.Out != nil:
				o.found(id, "info", object(strings.TrimPrefix(c.Out.Text, "info: ")))
			}
		}
		if suite.Tests != len(suite.Cases) || suite.Failures != failed || suite.Skipped != skipped {
			t.Errorf("JUnit: %s counts %d, %d and %d, has %d, %d and %d", suite.Name, suite.Tests, suite.Failures, suite.Skipped, len(suite.Cases), failed, skipped)
		}
		tests, failures = tests+suite.Tests, failures+suite.Failures
	}
	if suites.Tests != tests || suites.Failures != failures {
		t.Errorf("JUnit counts %d and %d in all, has %d and %d", suites.Tests, suites.Failures, tests, failures)
	}
	return o.sorted()
}

func fromSARIF(t *testing.T, text string) outcome {
	var log sarifLog
	if err := json.Unmarshal([]byte(text), &log); err != nil {
		t.Fatal(err)
	}
	names := map[string]string{"error": "error", "warning": "warning", "note": "info"}
	var o outcome
	for _, result := range log.Runs[0].Results {
		if result.Properties.Severity.String() != names[result.Level] {
			t.Errorf("SARIF: level %s of %s", result.Level, result.Properties.Severity)
		}
		switch {
		case len(result.Suppressions) > 0:
			o.accepted(result.RuleID, "suppressed")
		case result.Baseline == "unchanged":
			o.accepted(result.RuleID, "known")
		default:
			o.found(result.RuleID, names[result.Level], Escape(result.Locations[0].Logical[0].Full))
		}
	}
	for _, n := range log.Runs[0].Invocations[0].Notifications {
		if n.Rule != nil {
			o.unchecked(n.Rule.ID, n.Descriptor.ID)
		}
	}
	return o.sorted()
}

// githubCommand is a workflow command as the runner of GitHub Actions reads one:
// properties end at the first "::" (actions/runner, ActionCommand.TryParseV2).
var githubCommand = regexp.MustCompile(`^::(error|warning|notice) (.*?)::(.*)$`)

func fromGitHub(t *testing.T, text string) outcome {
	unescape := strings.NewReplacer("%0A", "\n", "%0D", "\r", "%3A", ":", "%2C", ",", "%25", "%")
	var o outcome
	for line := range strings.Lines(text) {
		parts := githubCommand.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if parts == nil {
			t.Fatalf("github: no command: %q", line)
		}
		title := ""
		for property := range strings.SplitSeq(parts[2], ",") {
			name, value, ok := strings.Cut(property, "=")
			if !ok || !slices.Contains([]string{"file", "line", "title"}, name) {
				t.Errorf("github: property %q in %q", property, line)
			}
			if name == "title" {
				title = unescape.Replace(value)
			}
		}
		data := unescape.Replace(parts[3])
		if strings.HasPrefix(title, "DS") {
			o.found(object(title), strings.Replace(parts[1], "notice", "info", 1), object(data))
			continue
		}
		for reason := range strings.Lines(data) {
			status, rest, _ := strings.Cut(strings.TrimSpace(reason), ": ")
			if status != string(checks.Skipped) && status != string(checks.Unknown) {
				continue
			}
			for id := range strings.SplitSeq(rest[strings.LastIndex(rest, ": ")+2:], ", ") {
				o.unchecked(id, status)
			}
		}
	}
	return o.sorted()
}

var (
	markdownTitle  = regexp.MustCompile(`^### . (error|warning|info) \[(DS\d+)\]`)
	markdownItem   = regexp.MustCompile("^- (`+) ?(.*?) ?`+(?: |:)")
	markdownReason = regexp.MustCompile(`^- (skipped|unknown): .* — (.*)$`)
	markdownID     = regexp.MustCompile(`\[(DS\d+)\]\(`)
)

func fromMarkdown(_ *testing.T, text string) outcome {
	var o outcome
	severity, id, fence := "", "", ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		bare := strings.TrimSpace(line)
		switch {
		case fence != "" && bare == fence:
			fence = ""
		case fence != "":
		case strings.Trim(bare, "`") == "" && len(bare) >= 3:
			fence = bare
		case strings.HasPrefix(line, "## "):
			severity = ""
		case markdownTitle.MatchString(line):
			parts := markdownTitle.FindStringSubmatch(line)
			severity, id = parts[1], parts[2]
		case severity != "" && markdownItem.MatchString(line):
			o.found(id, severity, markdownItem.FindStringSubmatch(line)[2])
		case severity == "" && markdownReason.MatchString(line):
			parts := markdownReason.FindStringSubmatch(line)
			for _, check := range markdownID.FindAllStringSubmatch(parts[2], -1) {
				o.unchecked(check[1], parts[1])
			}
		}
	}
	return o.sorted()
}

func fromHTML(t *testing.T, text string) outcome {
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var o outcome
	for section := range elements(root, "section") {
		severity, ok := strings.CutPrefix(attribute(section, "class"), "group ")
		if !ok {
			continue
		}
		id := content(first(section, "a"))
		for item := range elements(section, "li") {
			o.found(id, severity, content(first(item, "code")))
		}
	}
	for heading := range elements(root, "h2") {
		if attribute(heading, "id") != "unchecked" {
			continue
		}
		list := heading.NextSibling
		for list.Type != html.ElementNode {
			list = list.NextSibling
		}
		for item := range elements(list, "li") {
			status, _, _ := strings.Cut(content(item), ":")
			for link := range elements(item, "a") {
				o.unchecked(content(link), status)
			}
		}
	}
	return o.sorted()
}

func elements(root *html.Node, tag string) func(yield func(*html.Node) bool) {
	return func(yield func(*html.Node) bool) {
		for n := range root.Descendants() {
			if n.Type == html.ElementNode && n.Data == tag && !yield(n) {
				return
			}
		}
	}
}

func first(root *html.Node, tag string) *html.Node {
	for n := range elements(root, tag) {
		return n
	}
	return &html.Node{}
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func content(root *html.Node) string {
	var b strings.Builder
	for n := range root.Descendants() {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
	}
	return b.String()
}

// A line of the text exposition format: a name, labels whose values have escapes for
// backslash, quote and newline and no others, and a number.
var (
	prometheusLine  = regexp.MustCompile(`^([a-z_]+)(?:\{(.*)\})? (-?\d+)$`)
	prometheusLabel = regexp.MustCompile(`([a-z_]+)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)`)
)

type prometheusSample struct {
	name   string
	labels map[string]string
	value  int
}

// readPrometheus is strict: each family once, with HELP and TYPE before it, and no
// two samples with the same labels.
func readPrometheus(t *testing.T, text string) []prometheusSample {
	t.Helper()
	var samples []prometheusSample
	family, typed := "", ""
	families, seen := map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if rest, ok := strings.CutPrefix(line, "# HELP "); ok {
			family, _, _ = strings.Cut(rest, " ")
			if families[family] {
				t.Errorf("prometheus: %s twice", family)
			}
			families[family] = true
			continue
		}
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			typed = strings.TrimSuffix(rest, " gauge")
			continue
		}
		parts := prometheusLine.FindStringSubmatch(line)
		if parts == nil || parts[1] != family || typed != family {
			t.Fatalf("prometheus: %q after HELP of %q and TYPE of %q", line, family, typed)
		}
		s := prometheusSample{name: parts[1], labels: map[string]string{}}
		if left := prometheusLabel.ReplaceAllString(parts[2], ""); left != "" {
			t.Fatalf("prometheus: labels of %q: %q is none", line, left)
		}
		for _, label := range prometheusLabel.FindAllStringSubmatch(parts[2], -1) {
			s.labels[label[1]] = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n").Replace(label[2])
		}
		if seen[parts[1]+parts[2]] {
			t.Errorf("prometheus: %q twice", line)
		}
		seen[parts[1]+parts[2]] = true
		value, err := strconv.Atoi(parts[3])
		if err != nil {
			t.Errorf("prometheus: %q: %v", line, err)
		}
		s.value = value
		samples = append(samples, s)
	}
	return samples
}

// comparePrometheus holds the metrics to the counts: they have no objects.
func comparePrometheus(t *testing.T, name string, r *Report, want outcome) {
	t.Helper()
	found, unchecked := map[string]int{}, map[string]int{}
	for _, line := range want.Found {
		parts := strings.SplitN(line, " ", 3)
		found[parts[0]+" "+parts[1]]++
	}
	for _, line := range want.Unchecked {
		unchecked[strings.Fields(line)[1]]++
	}
	got, statuses, accepted := map[string]int{}, map[string]int{}, 0
	for _, s := range readPrometheus(t, print(t, r, Prometheus, Style{})) {
		switch s.name {
		case "dualstack_findings":
			got[s.labels["check"]+" "+s.labels["severity"]] += s.value
		case "dualstack_findings_accepted":
			accepted += s.value
		case "dualstack_checks":
			statuses[s.labels["status"]] = s.value
		case "dualstack_info":
			if s.labels["source"] != Escape(r.Source.Name) {
				t.Errorf("%s: prometheus: source %q is %q", name, r.Source.Name, s.labels["source"])
			}
		}
	}
	if accepted != len(want.Accepted) {
		t.Errorf("%s: prometheus: %d accepted, want %d", name, accepted, len(want.Accepted))
	}
	if diff := cmp.Diff(found, got); diff != "" {
		t.Errorf("%s: prometheus (-json +prometheus):\n%s", name, diff)
	}
	if statuses["skipped"] != unchecked["skipped"] || statuses["unknown"] != unchecked["unknown"] || statuses["passed"] != r.Summary.OK {
		t.Errorf("%s: prometheus: %v, want %v and %d passed", name, statuses, unchecked, r.Summary.OK)
	}
}

// TestMarkupIsInert: no text of a cluster becomes an element or an attribute of the
// page, and the page asks for nothing.
func TestMarkupIsInert(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 3))
	known := strings.Fields("html head meta title style body main h1 h2 h3 dl dt dd ul li span b div table caption thead tbody tr th td code " +
		"figure section a p br pre details summary footer svg text rect")
	for _, r := range append([]*Report{rich(t)}, drawnReport(t, random), drawnReport(t, random), drawnReport(t, random)) {
		root, err := html.Parse(strings.NewReader(print(t, r, HTML, Style{})))
		if err != nil {
			t.Fatal(err)
		}
		for n := range root.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			if !slices.Contains(known, n.Data) {
				t.Errorf("an element %s", n.Data)
			}
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "src" || a.Key == "href" && !strings.HasPrefix(a.Val, documentation) {
					t.Errorf("%s has %s=%q", n.Data, a.Key, a.Val)
				}
			}
		}
	}
}

// TestPageIsAccessible: tables have headers with a scope and a caption, every cell
// of a row has a column, and what is a symbol is hidden from those who hear it.
func TestPageIsAccessible(t *testing.T) {
	root, err := html.Parse(strings.NewReader(print(t, rich(t), HTML, Style{})))
	if err != nil {
		t.Fatal(err)
	}
	for table := range elements(root, "table") {
		if content(first(table, "caption")) == "" {
			t.Error("a table has no caption")
		}
		columns := 0
		for range elements(first(table, "thead"), "th") {
			columns++
		}
		for row := range elements(table, "tr") {
			wide := 0
			for cell := range row.ChildNodes() {
				if cell.Type != html.ElementNode {
					continue
				}
				span, _ := strconv.Atoi(attribute(cell, "colspan"))
				wide += max(span, 1)
				if cell.Data == "th" && attribute(cell, "scope") == "" {
					t.Errorf("%q is a header of nothing", content(cell))
				}
			}
			if wide != columns {
				t.Errorf("%q is %d wide, of %d", content(row), wide, columns)
			}
		}
	}
	for mark := range elements(root, "span") {
		if attribute(mark, "class") == "mark" && attribute(mark, "aria-hidden") != "true" {
			t.Errorf("%q is read out", content(mark))
		}
	}
	if attribute(first(root, "html"), "lang") != "en" || content(first(root, "title")) == "" || first(root, "svg").Data == "" {
		t.Error("no language, no title or no picture")
	}
}

// TestPageHasContrast: text and marks stand out from both grounds of both schemes as
// WCAG 2.2 asks of text (1.4.3), at least 4.5 to 1.
func TestPageHasContrast(t *testing.T) {
	light, dark, ok := strings.Cut(pageTemplate, "@media (prefers-color-scheme: dark)")
	if !ok {
		t.Fatal("there is no dark scheme")
	}
	dark, printed, _ := strings.Cut(dark, "@media print")
	variable := regexp.MustCompile(`--([a-z]+): #([0-9a-f]{3,6})`)
	for scheme, css := range map[string]string{"light": light, "dark": dark, "print": printed} {
		colors := map[string]float64{}
		for _, match := range variable.FindAllStringSubmatch(css, -1) {
			colors[match[1]] = luminance(t, match[2])
		}
		for _, ink := range []string{"ink", "quiet", "error", "warning", "info", "good"} {
			for _, ground := range []string{"ground", "soft"} {
				a, hasInk := colors[ink]
				b, hasGround := colors[ground]
				if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); !hasInk || !hasGround || ratio < 4.5 {
					t.Errorf("%s: %s on %s has %.1f to 1", scheme, ink, ground, ratio)
				}
			}
		}
	}
}

// luminance is how bright a colour is, from 0 to 1, as WCAG 2.2 defines it.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

// TestXMLIsPlain reads all tokens of the XML: every character is one that XML 1.0 has.
func TestXMLIsPlain(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 40 {
		decoder := xml.NewDecoder(strings.NewReader(print(t, drawnReport(t, random), JUnit, Style{})))
		for {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
}

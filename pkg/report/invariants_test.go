package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

// TestAddressesStayWhole prints the report on lines of every width: no range of
// the matrix and no address of a message is cut, and nothing but a fix, an address
// or a table is longer than the line.
func TestAddressesStayWhole(t *testing.T) {
	r := rich(t)
	var whole []string
	for _, row := range r.Matrix {
		for _, f := range ipfam.All {
			whole = append(whole, row.Of(f).Ranges...)
		}
	}
	for _, result := range r.Results {
		for _, f := range result.Findings {
			for word := range strings.FieldsSeq(f.Message) {
				if strings.ContainsAny(word, ":/") {
					whole = append(whole, word)
				}
			}
		}
	}
	if len(whole) < 15 {
		t.Fatalf("only %d addresses to look for", len(whole))
	}
	for width := 1; width <= 200; width++ {
		text := print(t, r, Table, Style{Width: width})
		for _, address := range whole {
			if !strings.Contains(text, address) {
				t.Fatalf("width %d: %s is not whole", width, address)
			}
		}
	}
}

// TestNothingIsLost holds the stacked and the wide form to the same words.
func TestNothingIsLost(t *testing.T) {
	r := rich(t)
	wide := print(t, r, Wide, Style{})
	for _, result := range r.Results {
		for _, f := range result.Findings {
			if !strings.Contains(wide, Escape(f.Message)) {
				t.Errorf("%s: wide lacks %q", result.ID, f.Message)
			}
			for line := range strings.Lines(f.Fix) {
				if !strings.Contains(wide, Escape(strings.TrimSpace(line))) {
					t.Errorf("%s: wide lacks a line of the fix: %q", result.ID, line)
				}
			}
		}
	}
}

// TestTextIsHarmless: what came from a cluster has no effect on a terminal.
func TestTextIsHarmless(t *testing.T) {
	r := rich(t)
	for _, f := range Formats {
		text := print(t, r, f, Style{Width: 80})
		for i, c := range text {
			if c != '\n' && hidden(c) {
				t.Errorf("%s: %U at %d: …%q…", f, c, i, text[max(0, i-20):i])
			}
		}
	}
}

// TestColorIsExtra: without its colours the coloured report is the plain one.
func TestColorIsExtra(t *testing.T) {
	r := rich(t)
	for _, f := range []Format{Table, Wide, Short} {
		coloured := print(t, r, f, Style{Width: 100, Color: true})
		for _, code := range []string{red, yellow, plain} {
			if !strings.Contains(coloured, code) {
				t.Errorf("%s: has no %q", f, code)
			}
			coloured = strings.ReplaceAll(coloured, code, "")
		}
		if diff := cmp.Diff(print(t, r, f, Style{Width: 100}), coloured); diff != "" {
			t.Errorf("%s (-plain +coloured):\n%s", f, diff)
		}
	}
}

func TestASCII(t *testing.T) {
	r := rich(t)
	for _, f := range []Format{Table, Wide, Short} {
		for _, c := range print(t, r, f, Style{Width: 100, ASCII: true}) {
			if c > 0x7e {
				t.Errorf("%s: has %q", f, c)
			}
		}
	}
}

// TestCountsAgree: the last line of the texts counts what the JSON counts, and
// both what was found.
func TestCountsAgree(t *testing.T) {
	r := rich(t)
	want := Summary{OK: 1, Info: 1, Warning: 10, Error: 2, Skipped: 1, Unknown: 2}
	var decoded struct{ Summary Summary }
	if err := json.Unmarshal([]byte(print(t, r, JSON, Style{})), &decoded); err != nil {
		t.Fatal(err)
	}
	if decoded.Summary != want {
		t.Errorf("JSON counts %+v, want %+v", decoded.Summary, want)
	}
	for _, f := range []Format{Table, Wide, Short} {
		lines := strings.Split(strings.TrimSpace(print(t, r, f, Style{Width: 80})), "\n")
		last := strings.NewReplacer("errors", "error", "warnings", "warning", " · ", " ").Replace(lines[len(lines)-1])
		var got Summary
		_, err := fmt.Sscanf(last, "%d error %d warning %d info %d ok %d skipped %d unknown",
			&got.Error, &got.Warning, &got.Info, &got.OK, &got.Skipped, &got.Unknown)
		if err != nil || got != want {
			t.Errorf("%s: %q counts %+v, want %+v (%v)", f, last, got, want, err)
		}
	}
}

// TestSchema holds real output to the published schema, and the schema to saying
// no when a field is taken away or added.
func TestSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("../../docs/schema/doctorreport.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	text := print(t, rich(t), JSON, Style{})
	if err := schema.Validate(decode(t, text)); err != nil {
		t.Errorf("JSON: %v", err)
	}
	asJSON, err := yaml.YAMLToJSON([]byte(print(t, rich(t), YAML, Style{})))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(decode(t, text), decode(t, string(asJSON))); diff != "" {
		t.Errorf("YAML says something else (-JSON +YAML):\n%s", diff)
	}
	report := decode(t, text).(map[string]any)
	for field := range report {
		without := decode(t, text).(map[string]any)
		delete(without, field)
		if schema.Validate(without) == nil {
			t.Errorf("the schema takes a report without %s", field)
		}
	}
	report["more"] = true
	if schema.Validate(report) == nil {
		t.Error("the schema takes a field that it does not know")
	}
}

func decode(t *testing.T, text string) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestSame prints the same report twice: order never hangs on chance.
func TestSame(t *testing.T) {
	for _, f := range Formats {
		first, second := print(t, rich(t), f, Style{Width: 100}), print(t, rich(t), f, Style{Width: 100})
		if first != second {
			t.Errorf("%s: two runs differ", f)
		}
	}
}

func FuzzEscape(f *testing.F) {
	for _, s := range []string{"", "web", "a\x1b[31mb", "two\nlines\r\n", "\u202egnp\u2066", "\xff\xfe", "\u200b\ufeff\u00ad", "\x9b31m", "äö✖", "\U000e0041"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Escape(s)
		if strings.ContainsFunc(got, hidden) || !utf8.ValidString(got) {
			t.Errorf("Escape(%q) = %q hides something", s, got)
		}
		if !strings.ContainsFunc(s, hidden) && got != s {
			t.Errorf("Escape(%q) = %q, and there was nothing to escape", s, got)
		}
		if again := Escape(got); again != got {
			t.Errorf("Escape(%q) = %q", got, again)
		}
	})
}

func FuzzJSONIsVisible(f *testing.F) {
	for _, s := range []string{"web", "a\x1b[31mb", "\u202egnp", "\U000e0041 \U0001f600", "\u2028", "\x7f\u0085"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return // JSON has no other text
		}
		var out bytes.Buffer
		if err := WriteJSON(&out, s); err != nil {
			t.Fatal(err)
		}
		var back string
		if err := json.Unmarshal(out.Bytes(), &back); err != nil || back != s {
			t.Errorf("%q came back as %q (%v) from %s", s, back, err, out.Bytes())
		}
		if bytes.ContainsFunc(out.Bytes(), hiddenInText) {
			t.Errorf("%q hides something", out.Bytes())
		}
	})
}

func FuzzWrap(f *testing.F) {
	f.Add("2001:db8:7653:299:cafe::/96 and  10.244.0.0/16", 20)
	f.Add("", 0)
	f.Fuzz(func(t *testing.T, text string, width int) {
		lines := Wrap(text, width)
		if diff := cmp.Diff(strings.Fields(text), strings.Fields(strings.Join(lines, " "))); diff != "" {
			t.Errorf("words (-want +got):\n%s", diff)
		}
		for _, line := range lines {
			if width > 0 && utf8.RuneCountInString(line) > width && strings.ContainsRune(line, ' ') && len(strings.Fields(line)) > 1 {
				t.Errorf("%q is longer than %d and has a space", line, width)
			}
		}
	})
}

func TestRangesAreCanonical(t *testing.T) {
	for _, row := range rich(t).Matrix {
		for _, f := range ipfam.All {
			for _, text := range row.Of(f).Ranges {
				if p, err := netip.ParsePrefix(text); err == nil && p.String() != text {
					t.Errorf("%s %s: %s is %s", row.Use, row.Source, text, p)
				}
			}
		}
	}
}

func TestOpening(t *testing.T) {
	long := strings.Repeat("long ", 30) + "indeed"
	for text, want := range map[string]string{
		"":                         "",
		"One\n  sentence.":         "One sentence.",
		"Short. " + long + ". No.": "Short. " + long + ".",
		long + ". No more.":        long + ".",
		"Version 1.37 and so on.":  "Version 1.37 and so on.",
	} {
		if got := opening(text); got != want {
			t.Errorf("opening(%q) = %q, want %q", text, got, want)
		}
	}
}

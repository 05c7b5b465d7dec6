package report

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// The parts of SARIF 2.1.0 (OASIS) that a report has something for.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool            `json:"tool"`
		Invocations []sarifInvocation    `json:"invocations"`
		Bases       map[string]sarifBase `json:"originalUriBaseIds"`
		Results     []sarifResult        `json:"results"`
		ColumnKind  string               `json:"columnKind"`
		Properties  map[string]any       `json:"properties"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		Version        string      `json:"version,omitempty"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
		Notifications  []sarifRule `json:"notifications"`
	}
	sarifRule struct {
		ID      string        `json:"id"`
		Name    string        `json:"name,omitempty"`
		Short   *sarifMessage `json:"shortDescription,omitempty"`
		Full    *sarifMessage `json:"fullDescription,omitempty"`
		Help    *sarifMessage `json:"help,omitempty"`
		HelpURI string        `json:"helpUri,omitempty"`
		Default *sarifDefault `json:"defaultConfiguration,omitempty"`
		Tagged  *sarifTagged  `json:"properties,omitempty"`
	}
	sarifDefault struct {
		Level string `json:"level"`
	}
	sarifTagged struct {
		Tags []string `json:"tags"`
	}
	sarifMessage struct {
		Text string `json:"text"`
	}
	sarifBase struct {
		Description sarifMessage `json:"description"`
	}
	sarifInvocation struct {
		Successful    bool                `json:"executionSuccessful"`
		Start         string              `json:"startTimeUtc"`
		Notifications []sarifNotification `json:"toolExecutionNotifications"`
	}
	sarifNotification struct {
		Descriptor sarifReference  `json:"descriptor"`
		Rule       *sarifReference `json:"associatedRule,omitempty"`
		Level      string          `json:"level"`
		Message    sarifMessage    `json:"message"`
		Locations  []sarifLocation `json:"locations,omitempty"`
	}
	sarifReference struct {
		ID    string `json:"id"`
		Index int    `json:"index"`
	}
	sarifResult struct {
		RuleID       string             `json:"ruleId"`
		RuleIndex    int                `json:"ruleIndex"`
		Kind         string             `json:"kind"`
		Level        string             `json:"level"`
		Message      sarifMessage       `json:"message"`
		Locations    []sarifLocation    `json:"locations"`
		Fingerprints map[string]string  `json:"partialFingerprints"`
		Suppressions []sarifSuppression `json:"suppressions,omitempty"`
		Baseline     string             `json:"baselineState,omitempty"`
		Properties   sarifFound         `json:"properties"`
	}
	sarifSuppression struct {
		Kind          string `json:"kind"`
		Justification string `json:"justification"`
	}
	sarifFound struct {
		Severity severity.Severity `json:"severity"`
		Object   Object            `json:"object"`
		Field    string            `json:"field"`
		Family   string            `json:"family"`
		Fix      string            `json:"fix"`
	}
	sarifLocation struct {
		Physical *sarifPhysical `json:"physicalLocation,omitempty"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI  string `json:"uri"`
		Base string `json:"uriBaseId,omitempty"`
	}
	sarifRegion struct {
		Line int `json:"startLine"`
	}
	sarifLogical struct {
		Name string `json:"name"`
		Full string `json:"fullyQualifiedName"`
		Kind string `json:"kind"`
	}
)

const (
	sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	// sarifRoot is the name that GitHub and others know for the folder that relative
	// URIs are relative to.
	sarifRoot = "%SRCROOT%"
	// fingerprintKey has a version: what a fingerprint is made of may change. It is not
	// primaryLocationLineHash, which GitHub's upload makes itself of the lines of the
	// file, with a complaint about every other value.
	fingerprintKey = "dualstackFinding/v1"
)

// sarifNotices is the kinds of notifications: what is not known, which is neither a
// result nor the lack of one.
var sarifNotices = []struct {
	id, level, text string
}{
	{string(checks.Skipped), "note", "A check had nothing to look at."},
	{string(checks.Unknown), "warning", "A check could not look at what it needs."},
	{"gap", "note", "Something was not read, or not wholly."},
	{"problem", "warning", "Something in the input was not understood."},
}

var sarifLevels = map[severity.Severity]string{severity.Error: "error", severity.Warning: "warning", severity.Info: "note"}

// writeSARIF prints the findings as results and what was not checked as
// notifications of the tool. A check without either holds.
func (r *Report) writeSARIF(w io.Writer) error {
	run := sarifRun{
		Tool: sarifTool{sarifDriver{
			Name: "kubectl-dualstack", Version: r.tool, InformationURI: "https://github.com/kubectl-dualstack/kubectl-dualstack",
			Rules: []sarifRule{},
		}},
		Invocations: []sarifInvocation{{
			Successful: true, Start: r.Source.ReadAt.UTC().Format(time.RFC3339), Notifications: []sarifNotification{},
		}},
		Bases:      map[string]sarifBase{sarifRoot: {sarifMessage{"The folder in which doctor ran."}}},
		Results:    []sarifResult{},
		ColumnKind: "unicodeCodePoints",
		Properties: map[string]any{
			"source": r.Source.Type + " " + r.Source.Name, "depth": r.Source.Depth, "plan": r.judgedBy(),
			"versions": r.Source.Versions, "summary": r.Summary,
		},
	}
	for _, n := range sarifNotices {
		run.Tool.Driver.Notifications = append(run.Tool.Driver.Notifications, sarifRule{
			ID: n.id, Short: &sarifMessage{n.text}, Full: &sarifMessage{n.text}, Help: &sarifMessage{n.text}, Default: &sarifDefault{n.level},
		})
	}
	for i, result := range r.Results {
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRuleOf(result))
		run.Results = append(run.Results, r.sarifResults(result, i)...)
		if result.Status == checks.Skipped || result.Status == checks.Unknown {
			n := newNotice(string(result.Status), result.ID+" "+result.Name+": "+result.Reason)
			n.Rule = &sarifReference{result.ID, i}
			run.Invocations[0].Notifications = append(run.Invocations[0].Notifications, n)
		}
	}
	run.Invocations[0].Notifications = append(run.Invocations[0].Notifications, r.sarifInput()...)
	return WriteJSON(w, sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{run}})
}

func sarifRuleOf(result Result) sarifRule {
	rule := sarifRule{
		ID: result.ID, Name: result.Name, HelpURI: page(result.ID),
		Help:    &sarifMessage{"Why, and how to mend it: kubectl dualstack doctor explain " + result.ID},
		Default: &sarifDefault{sarifLevels[result.Severity]},
	}
	if result.claim != "" {
		rule.Short = &sarifMessage{sentence(result.claim)}
	}
	if result.consequence != "" {
		rule.Full = &sarifMessage{sentence(result.consequence)}
	}
	if area := areaOf(result.ID); area != "" {
		rule.Tagged = &sarifTagged{[]string{area}}
	}
	return rule
}

// sentence is text with a capital and a full stop, which SARIF wants of descriptions.
func sentence(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + strings.TrimRight(text[size:], ".") + "."
}

func (r *Report) sarifResults(result Result, index int) []sarifResult {
	var list []sarifResult
	fingerprints := result.Fingerprints()
	for i, f := range result.Findings {
		text := f.Object.String()
		if f.Field != "" {
			text += " " + f.Field
		}
		if f.Family.Valid() {
			text += " (" + f.Family.String() + ")"
		}
		text += ": " + f.Message
		if f.Fix != "" {
			text += "\nFix: " + f.Fix
		}
		found := sarifResult{
			RuleID: result.ID, RuleIndex: index, Kind: "fail", Level: sarifLevels[f.Severity],
			Message: sarifMessage{unlinked(text)}, Locations: r.sarifLocations(f),
			Fingerprints: map[string]string{fingerprintKey: fingerprints[i]},
			Properties:   sarifFound{f.Severity, f.Object, f.Field, familyLabel(f.Family), f.Fix},
		}
		found.accept(f)
		list = append(list, found)
	}
	return list
}

// accept marks a result that does not count.
func (s *sarifResult) accept(f Finding) {
	if f.Suppressed != nil {
		s.Suppressions = []sarifSuppression{{"external", f.Suppressed.words()}}
	}
	if f.Known {
		s.Baseline = "unchanged"
	}
}

// unlinked is text in which nothing is a link: SARIF and those who show it take
// [text](target) for one, in plain text too.
func unlinked(text string) string { return strings.ReplaceAll(text, "](", `\](`) }

// sarifLocations is where a finding stands: in a file, and as an object. A file is
// needed by GitHub, which refuses the whole of an upload for one result without. A
// finding among files that stands in none of them is therefore shown at the
// beginning of the plan, or of the first file that has a finding.
func (r *Report) sarifLocations(f Finding) []sarifLocation {
	at := placeOf(f.Source)
	if at.file == "" && r.Source.Type == "files" {
		at = place{file: r.anyFile(), line: 1}
	}
	l := sarifLocation{Physical: sarifPhysicalOf(at)}
	if f.Object != (Object{}) {
		l.Logical = []sarifLogical{{f.Object.Name, f.Object.String(), "resource"}}
	}
	if l.Physical == nil && l.Logical == nil {
		return []sarifLocation{}
	}
	return []sarifLocation{l}
}

func sarifPhysicalOf(at place) *sarifPhysical {
	if at.file == "" {
		return nil
	}
	p := &sarifPhysical{Artifact: sarifArtifact{URI: uriPath(at.file), Base: sarifRoot}}
	if absolute(at.file) {
		p.Artifact = sarifArtifact{URI: "file:///" + strings.TrimPrefix(uriPath(at.file), "/")}
	}
	if at.line > 0 {
		p.Region = &sarifRegion{at.line}
	}
	return p
}

// anyFile is a file of the input; empty when nothing says one.
func (r *Report) anyFile() string {
	if r.Plan != nil && isFile(r.Plan.Source) {
		return placeOf(r.Plan.Source).file
	}
	for _, result := range r.Results {
		for _, f := range result.Findings {
			if at := placeOf(f.Source); at.file != "" {
				return at.file
			}
		}
	}
	return ""
}

// absolute reports whether a path stands for itself, here or on Windows.
func absolute(path string) bool {
	return strings.HasPrefix(path, "/") || len(path) > 2 && path[1] == ':' && path[2] == '/'
}

// uriPath is a path as the path of a URI: RFC 3986, section 3.3, without the
// characters that mean something in a path that begins with a name.
func uriPath(path string) string {
	var b strings.Builder
	for i := range len(path) {
		c := path[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~/", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// sarifInput is what was missing of the input.
func (r *Report) sarifInput() []sarifNotification {
	var list []sarifNotification
	for _, g := range r.Source.Gaps {
		text := fmt.Sprintf("%s: %s", g.Kind, g.Reason)
		if g.Detail != "" {
			text += ": " + g.Detail
		}
		list = append(list, newNotice("gap", text))
	}
	for _, p := range r.Source.Problems {
		text := p.Message
		if p.Field != "" {
			text = p.Field + ": " + text
		}
		if p.Object != (Object{}) {
			text = p.Object.String() + " " + text
		}
		n := newNotice("problem", text)
		if at := sarifPhysicalOf(placeOf(p.Source)); at != nil {
			n.Locations = []sarifLocation{{Physical: at}}
		}
		list = append(list, n)
	}
	return list
}

func newNotice(id, text string) sarifNotification {
	for i, n := range sarifNotices {
		if n.id == id {
			return sarifNotification{Descriptor: sarifReference{id, i}, Level: n.level, Message: sarifMessage{unlinked(text)}}
		}
	}
	return sarifNotification{Level: "note", Message: sarifMessage{unlinked(text)}}
}

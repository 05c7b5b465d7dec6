package report

import (
	"encoding/xml"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks/catalog"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// The elements of JUnit's XML as Jenkins and GitLab read it. There is no standard;
// the strictest schema in use is junit-10.xsd of Jenkins' xUnit plugin.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name       string          `xml:"name,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Timestamp  string          `xml:"timestamp,attr"`
		Properties []junitProperty `xml:"properties>property"`
		Cases      []junitCase     `xml:"testcase"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		Skipped *junitOutcome `xml:"skipped"`
		Failure *junitOutcome `xml:"failure"`
		Out     *junitText    `xml:"system-out"`
	}
	junitOutcome struct {
		Type    string `xml:"type,attr"`
		Message string `xml:"message,attr"`
		Text    string `xml:",cdata"`
	}
	junitText struct {
		Text string `xml:",cdata"`
	}
)

// writeJUnit prints a suite for each area, a test for each finding, and one for
// each check that found nothing: what compares the tests of two runs then tells new
// findings from old ones. A finding is a failed test. One that is only worth knowing
// is a passed test that says something: the format has nothing in between.
func (r *Report) writeJUnit(w io.Writer) error {
	suites := junitSuites{Name: "kubectl dualstack doctor"}
	for _, area := range catalog.Areas {
		suite := junitSuite{Name: area.Title, Timestamp: r.Source.ReadAt.UTC().Format(time.RFC3339), Properties: r.junitProperties()}
		for _, result := range r.Results {
			if strings.HasPrefix(result.ID, area.Prefix) {
				suite.Cases = append(suite.Cases, junitCases(result)...)
			}
		}
		if len(suite.Cases) == 0 {
			continue
		}
		suite.count()
		suites.Tests += suite.Tests
		suites.Failures += suite.Failures
		suites.Suites = append(suites.Suites, suite)
	}
	text, err := xml.MarshalIndent(suites, "", "  ")
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, xml.Header+string(text)+"\n")
	return err
}

func (r *Report) junitProperties() []junitProperty {
	list := []junitProperty{{r.Source.Type, Escape(r.Source.Name)}, {"plan", r.judgedBy()}, {"depth", r.Source.Depth}}
	for _, v := range r.Source.Versions {
		text := v.Version.String()
		if v.Assumed {
			text += " (not known: judged by the latest rules)"
		}
		list = append(list, junitProperty{v.Component, text})
	}
	return list
}

func (s *junitSuite) count() {
	s.Tests = len(s.Cases)
	for _, c := range s.Cases {
		if c.Failure != nil {
			s.Failures++
		}
		if c.Skipped != nil {
			s.Skipped++
		}
	}
}

// junitCases is the tests that a check has become.
func junitCases(result Result) []junitCase {
	class := result.ID + " " + result.Name
	switch result.Status {
	case checks.Skipped, checks.Unknown:
		return []junitCase{{Name: result.claimOrName(), Class: class, Skipped: &junitOutcome{Type: string(result.Status), Message: Escape(result.Reason)}}}
	case checks.Passed:
		return []junitCase{{Name: result.claimOrName(), Class: class}}
	}
	var cases []junitCase
	names := map[string]int{}
	for _, f := range result.Findings {
		c := junitCase{Name: f.subject(), Class: class}
		// A test is known by its name: what has the same one is taken for a second try.
		if names[c.Name]++; names[c.Name] > 1 {
			c.Name += " #" + strconv.Itoa(names[c.Name])
		}
		text := f.text()
		if state, why := f.acceptance(); state != "" {
			c.Skipped = &junitOutcome{Type: state, Message: why, Text: text}
		} else if f.Severity == severity.Info {
			c.Out = &junitText{"info: " + text}
		} else {
			c.Failure = &junitOutcome{Type: f.Severity.String(), Message: Escape(f.Message), Text: text}
		}
		cases = append(cases, c)
	}
	return cases
}

// claimOrName is what a check says of a healthy cluster.
func (r Result) claimOrName() string {
	if r.claim == "" {
		return r.Name
	}
	return r.claim
}

// text is a finding in full, without its severity: on lines of their own what was
// found, where, and the fix.
func (f Finding) text() string {
	lines := []string{f.subject() + ": " + Escape(f.Message)}
	if f.Source != "" {
		lines = append(lines, "at "+Escape(f.Source))
	}
	if f.Fix != "" {
		lines = append(lines, "fix: "+EscapeText(f.Fix))
	}
	return strings.Join(lines, "\n")
}

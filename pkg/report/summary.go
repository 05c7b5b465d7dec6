package report

import (
	"fmt"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// Summary is the counts of a run. Info, Warning and Error count findings; OK,
// Skipped and Unknown count checks.
type Summary struct {
	OK      int `json:"ok"`
	Info    int `json:"info"`
	Warning int `json:"warning"`
	Error   int `json:"error"`
	Skipped int `json:"skipped"`
	Unknown int `json:"unknown"`
	// Following is how many of the findings follow from others.
	Following int `json:"following"`
	// Suppressed is how many findings are suppressed; they are in no other count.
	Suppressed int `json:"suppressed"`
	// Known is how many of the findings are in the baseline.
	Known int `json:"known"`
}

func summarize(results []Result) Summary {
	var s Summary
	for _, r := range results {
		switch r.Status {
		case checks.Passed:
			s.OK++
		case checks.Skipped:
			s.Skipped++
		case checks.Unknown:
			s.Unknown++
		}
		for _, f := range r.Findings {
			s.count(f)
		}
	}
	return s
}

func (s *Summary) count(f Finding) {
	if f.Suppressed != nil {
		s.Suppressed++
		return
	}
	s.add(f.Severity)
	if f.Cause != nil {
		s.Following++
	}
	if f.Known {
		s.Known++
	}
}

// words is the counts as the last line of a report says them.
func (s Summary) words(separator string) string {
	parts := []string{joined(s.counts(), separator)}
	follow := "follow"
	if s.Following == 1 {
		follow = "follows"
	}
	for _, c := range []struct {
		n    int
		what string
	}{{s.Following, "of them " + follow + " from others"}, {s.Known, "of them in the baseline"}, {s.Suppressed, "suppressed"}} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	return strings.Join(parts, separator)
}

// add counts a severity.
func (s *Summary) add(found severity.Severity) {
	switch found {
	case severity.Info:
		s.Info++
	case severity.Warning:
		s.Warning++
	case severity.Error:
		s.Error++
	}
}

// count is one of the counts with the mark and the words it is printed with.
type count struct {
	n         int
	mark      mark
	one, many string
}

// counts is the six, worst first.
func (s Summary) counts() []count {
	return []count{
		{s.Error, markError, "error", "errors"},
		{s.Warning, markWarning, "warning", "warnings"},
		{s.Info, markInfo, "info", "info"},
		{s.OK, markOK, "ok", "ok"},
		{s.Skipped, markSkipped, "skipped", "skipped"},
		{s.Unknown, markUnknown, "unknown", "unknown"},
	}
}

// joined is such as "1 error, 2 warnings".
func joined(counts []count, separator string) string {
	var parts []string
	for _, c := range counts {
		name := c.many
		if c.n == 1 {
			name = c.one
		}
		parts = append(parts, fmt.Sprintf("%d %s", c.n, name))
	}
	return strings.Join(parts, separator)
}

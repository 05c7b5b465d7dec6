package report

import (
	"fmt"
	"strings"
)

// acceptedSection is findings that do not count, for one reason.
type acceptedSection struct {
	title string
	has   func(Finding) bool
	why   func(Finding) string
}

var acceptedSections = []acceptedSection{
	{"known, in the baseline", func(f Finding) bool { return f.Suppressed == nil && f.Known }, func(Finding) string { return "" }},
	{"suppressed", func(f Finding) bool { return f.Suppressed != nil }, func(f Finding) string { return f.Suppressed.words() }},
}

// accepted prints what was found and does not count: one line for each check and reason,
// or with all one for each finding.
func (p *printer) accepted(r *Report) {
	for _, section := range acceptedSections {
		titled := false
		for _, result := range r.Results {
			for _, line := range p.acceptedOf(result, section) {
				if !titled {
					p.line("")
					p.linef("%s %s", p.mark(markSkipped), section.title)
					titled = true
				}
				p.wrapped("  - ", line)
			}
		}
	}
}

// acceptedOf is the lines about one check.
func (p *printer) acceptedOf(result Result, section acceptedSection) (lines []string) {
	counts := map[string]int{}
	var reasons []string
	for _, f := range result.Findings {
		if !section.has(f) {
			continue
		}
		why := section.why(f)
		if p.all {
			lines = append(lines, fmt.Sprintf("%s %s: %s%s", result.ID, where(f), Escape(f.Message), p.because(why)))
			continue
		}
		if counts[why]++; counts[why] == 1 {
			reasons = append(reasons, why)
		}
	}
	for _, why := range reasons {
		lines = append(lines, fmt.Sprintf("%s %s (%d)%s", result.ID, result.Name, counts[why], p.because(why)))
	}
	return lines
}

func (p *printer) because(why string) string {
	if why == "" {
		return ""
	}
	return p.or(" — ", " -- ") + why
}

func (s *Suppressed) words() string {
	text := Escape(s.Reason)
	if s.Until != "" {
		text += ", until " + s.Until
	}
	return text + " (" + Escape(s.From) + ")"
}

// acceptance is the state of a finding that does not count, in a word, and why.
func (f Finding) acceptance() (state, why string) {
	switch {
	case f.Suppressed != nil:
		return "suppressed", f.Suppressed.words()
	case f.Known:
		return "known", "in the baseline"
	}
	return "", ""
}

func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

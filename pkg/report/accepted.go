package report

import "fmt"

// accepted prints what was found and does not count: one line for each check, or with all
// one for each finding, with the reason.
func (p *printer) accepted(r *Report) {
	for _, section := range []struct {
		title  string
		has    func(Finding) bool
		reason func(Finding) string
	}{
		{"known, in the baseline", func(f Finding) bool { return f.Suppressed == nil && f.Known }, func(Finding) string { return "" }},
		{"suppressed", func(f Finding) bool { return f.Suppressed != nil }, func(f Finding) string { return f.Suppressed.words() }},
	} {
		titled := false
		for _, result := range r.Results {
			for _, line := range p.acceptedOf(result, section.has, section.reason) {
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
func (p *printer) acceptedOf(result Result, has func(Finding) bool, reason func(Finding) string) (lines []string) {
	counts := map[string]int{}
	var reasons []string
	for _, f := range result.Findings {
		if !has(f) {
			continue
		}
		why := reason(f)
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

package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

// maxOpenFix is how many lines of a fix are shown without being asked for.
const maxOpenFix = 8

// markdownWriter gathers the lines of a report in GitHub's flavour of Markdown,
// which GitLab's renders the same way.
type markdownWriter struct {
	*printer
}

// gap is one empty line, which ends whatever was before it.
func (m markdownWriter) gap() {
	if !bytes.HasSuffix(m.out.Bytes(), []byte("\n\n")) {
		m.line("")
	}
}

// writeMarkdown prints the report for a comment or a wiki: all of it, with what is
// long folded. Whatever is no plain word stands between backticks: in text, GitHub
// would make an emoji of the middle of fd00:100:: and a mention of @name.
func (r *Report) writeMarkdown(w io.Writer) error {
	m := markdownWriter{newPrinter(Style{})}
	s := r.Summary
	m.linef("# kubectl dualstack doctor: %s", joined([]count{s.counts()[0], s.counts()[1]}, ", "))
	m.source(r)
	m.counts(r)
	m.addresses(r)
	m.found(r)
	m.accepted(r)
	m.unchecked(r)
	m.holds(r)
	return m.flush(w)
}

// source is the table of what was audited.
func (m markdownWriter) source(r *Report) {
	s := r.Source
	m.gap()
	m.line("| | |")
	m.line("|---|---|")
	name := markdownCode(s.Name)
	if s.Server != "" && s.Server != s.Name {
		name += " " + markdownCode(s.Server)
	}
	m.row(s.Type, name)
	var versions []string
	for _, v := range s.Versions {
		text := v.Component + " " + v.Version.String()
		if v.Assumed {
			text += " (not known: judged by the latest rules)"
		}
		versions = append(versions, text)
	}
	m.row("versions", markdownText(strings.Join(versions, ", ")))
	m.row("plan", markdownText(r.judgedBy()))
	depth := s.Depth
	if s.Reason != "" {
		depth += ": " + s.Reason
	}
	m.row("depth", markdownText(depth))
	m.row("read", s.ReadAt.UTC().Format("2006-01-02 15:04:05 MST"))
	if n := len(s.Problems); n > 0 {
		m.row("problems", fmt.Sprintf("%d in what was read: `-o json` has them", n))
	}
}

// counts is the table of the six counts.
func (m markdownWriter) counts(r *Report) {
	var names, lines, numbers []string
	for _, c := range r.Summary.counts() {
		names = append(names, m.mark(c.mark)+" "+c.one)
		lines = append(lines, "--:")
		numbers = append(numbers, fmt.Sprint(c.n))
	}
	m.gap()
	m.row(names...)
	m.line("|" + strings.Join(lines, "|") + "|")
	m.row(numbers...)
}

// addresses is the matrix.
func (m markdownWriter) addresses(r *Report) {
	if len(r.Matrix) == 0 {
		return
	}
	m.gap()
	m.line("## Addresses")
	m.gap()
	header, line := []string{"source"}, "|---"
	for _, f := range ipfam.All {
		header = append(header, f.String())
		line += "|---"
	}
	m.row(header...)
	m.line(line + "|")
	for use, rows := range byUse(r.Matrix) {
		m.row("**"+strings.ToLower(useTitles[use])+"**", "", "")
		for _, row := range rows {
			cells := []string{markdownText(label(row, rows))}
			for _, f := range ipfam.All {
				c := row.Of(f)
				cells = append(cells, strings.TrimSpace(m.mark(markOfVerdict(c.Verdict))+" "+markdownText(m.cellText(c))))
			}
			m.row(cells...)
		}
	}
}

func (m markdownWriter) row(cells ...string) {
	for i, c := range cells {
		cells[i] = strings.ReplaceAll(c, "|", `\|`)
	}
	m.line("| " + strings.Join(cells, " | ") + " |")
}

func (m markdownWriter) found(r *Report) {
	groups := r.unfolded()
	if len(groups) == 0 {
		return
	}
	m.gap()
	m.line("## Findings")
	for _, g := range groups {
		m.gap()
		title := fmt.Sprintf("### %s %s [%s](%s) %s", m.mark(markOf(g.severity)), g.severity, g.result.ID, page(g.result.ID), g.result.Name)
		if n := len(g.findings); n > 1 {
			title += fmt.Sprintf(" (%d)", n)
		}
		if origin := g.origin(); origin != "" {
			title += ", " + origin
		}
		m.line(title)
		if g.result.consequence != "" {
			m.gap()
			m.line(markdownText(g.result.consequence))
		}
		fix, common := g.commonFix()
		m.gap()
		for i, f := range g.findings {
			if i == maxFindings {
				m.fold(fmt.Sprintf("and %d more", len(g.findings)-i))
			}
			m.item(f)
			if !common {
				m.fenced("  ", f.Fix)
			}
		}
		if len(g.findings) > maxFindings {
			m.unfold()
		}
		if common {
			m.fenced("", fix)
		}
	}
}

func (m markdownWriter) item(f Finding) {
	text := ""
	if f.Object != (Object{}) {
		text = markdownCode(f.Object.String()) + " "
	}
	if f.Field != "" {
		text += markdownCode(f.Field) + " "
	}
	if f.Family.Valid() {
		text += "(" + f.Family.String() + ") "
	}
	text = strings.TrimRight(text, " ") + ": " + markdownText(f.Message)
	if f.Source != "" {
		text += " — " + markdownCode(f.Source)
	}
	m.line("- " + text)
}

// fenced is a fix as it is to be pasted.
func (m markdownWriter) fenced(indent, fix string) {
	if fix == "" {
		return
	}
	lines := escapeLines(fix)
	fence := "```"
	for strings.Contains(fix, fence) {
		fence += "`"
	}
	folded := len(lines) > maxOpenFix
	m.gap()
	if folded {
		m.line(indent + fmt.Sprintf("<details><summary>fix: %d lines</summary>", len(lines)))
	} else {
		m.line(indent + "fix:")
	}
	m.gap()
	for _, line := range append(append([]string{fence}, lines...), fence) {
		m.line(strings.TrimRight(indent+line, " "))
	}
	m.gap()
	if folded {
		m.line(indent + "</details>")
		m.gap()
	}
}

func (m markdownWriter) fold(summary string) {
	m.gap()
	m.linef("<details><summary>%s</summary>", summary)
	m.gap()
}

func (m markdownWriter) unfold() {
	m.gap()
	m.line("</details>")
}

// accepted is what does not count, and why.
func (m markdownWriter) accepted(r *Report) {
	for _, section := range acceptedSections {
		titled := false
		for _, result := range r.Results {
			for _, line := range m.acceptedOf(result, section) {
				if !titled {
					m.gap()
					m.line("## " + capital(section.title))
					m.gap()
					titled = true
				}
				m.line("- " + markdownText(line))
			}
		}
	}
}

func (m markdownWriter) unchecked(r *Report) {
	reasons := r.uncheckedReasons()
	if len(reasons) == 0 {
		return
	}
	m.gap()
	m.line("## Not checked")
	m.gap()
	for _, u := range reasons {
		var names []string
		for _, result := range u.results {
			names = append(names, fmt.Sprintf("[%s](%s)", result.ID, page(result.ID)))
		}
		m.linef("- %s: %s — %s", u.status, markdownText(u.reason), strings.Join(names, ", "))
	}
}

func (m markdownWriter) holds(r *Report) {
	if r.Summary.OK == 0 {
		return
	}
	m.fold(fmt.Sprintf("%d ok", r.Summary.OK))
	for _, result := range r.Results {
		if result.Status == checks.Passed {
			m.linef("- %s %s", result.ID, markdownText(result.claimOrName()))
		}
	}
	m.unfold()
}

// markdownText is text in which every word that could mean something to a renderer
// is code.
func markdownText(text string) string {
	var words []string
	for word := range strings.FieldsSeq(text) {
		words = append(words, markdownWord(word))
	}
	return strings.Join(words, " ")
}

func markdownWord(word string) string {
	inner := strings.TrimLeft(word, "(")
	before := word[:len(word)-len(inner)]
	inner = strings.TrimRight(inner, "),;:.")
	after := word[len(before)+len(inner):]
	if strings.ContainsFunc(inner, notPlain) || inner == "" || strings.HasPrefix(inner, "-") {
		if inner == "" {
			before, inner, after = "", word, ""
		}
		return before + markdownCode(inner) + after
	}
	return word
}

// notPlain reports whether a character can have a meaning in Markdown.
func notPlain(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-'’–…", r)
}

// markdownCode is text as code, whatever it is.
func markdownCode(text string) string {
	text = Escape(text)
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") || strings.TrimSpace(text) == "" {
		text = " " + text + " "
	}
	return fence + text + fence
}

package report

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/expose"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/probe"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// WriteForecast prints what will become of a Service: everything, or only what does not
// hold.
func WriteForecast(w io.Writer, f expose.Forecast, all bool, s Style) error {
	var b strings.Builder
	for _, l := range f.Lines {
		if !all && l.Severity == 0 {
			continue
		}
		s.forecastLine(&b, l)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteChange prints what is to be changed of an object.
func WriteChange(w io.Writer, object snapshot.Ref, changes []expose.Change, s Style) error {
	g := grid{}
	for _, c := range changes {
		from, to := c.From, c.To
		if from == "" {
			from = s.dash()
		}
		if to == "" {
			to = s.dash()
		}
		g.add("  "+Escape(c.Field), Escape(from), s.or("→", "->")+" "+Escape(to))
	}
	if _, err := fmt.Fprintln(w, Escape(object.String())); err != nil {
		return err
	}
	return g.write(w)
}

// aboutWidth is the width of the column of what lines are about.
const aboutWidth = 11

func (s Style) forecastLine(b *strings.Builder, l expose.Line) {
	marks := s.gutter(forecastMark(l))
	margin := strings.Repeat(" ", utf8.RuneCountInString(Style{ASCII: s.ASCII}.gutter(markNone)))
	about := fmt.Sprintf("%-*s", aboutWidth, Escape(l.About))
	for i, line := range Wrap(Escape(l.Text), max(1, s.Width-len(margin)-aboutWidth)) {
		if i > 0 {
			marks, about = margin, strings.Repeat(" ", aboutWidth)
		}
		fmt.Fprintf(b, "%s%s%s\n", marks, about, line)
	}
	switch fix := escapeLines(l.Fix); {
	case l.Fix == "":
	case len(fix) == 1:
		fmt.Fprintf(b, "%s%-*s%s\n", margin, aboutWidth, "fix:", fix[0])
	default:
		fmt.Fprintf(b, "%sfix:\n%s\n", margin, strings.Join(fix, "\n")) // from the margin, as doctor's
	}
}

func forecastMark(l expose.Line) mark {
	switch {
	case l.Unknown:
		return markUnknown
	case l.Severity == 0:
		return markOK
	}
	return markOf(l.Severity)
}

// WriteExposed prints a Service that is complete: what it has in each family, and what
// to type next.
func WriteExposed(w io.Writer, state expose.State, probes ipfam.Pair[probe.Result], port int, s Style) error {
	g := grid{header: []string{""}}
	cluster, external, endpoints, answers := []string{"cluster"}, []string{"external"}, []string{"endpoints"}, []string{"probe"}
	for _, f := range ipfam.All {
		g.header = append(g.header, f.String())
		cluster = append(cluster, s.address(state.Cluster(f)))
		external = append(external, s.address(state.External(f)))
		endpoints = append(endpoints, fmt.Sprintf("%d ready", state.Ready.Of(f)))
		answers = append(answers, s.answer(probes.Of(f)))
	}
	if !state.Service.Headless {
		g.add(cluster...)
	}
	if state.Service.LoadBalancer() {
		g.add(external...)
	}
	if state.Backends {
		g.add(endpoints...)
	}
	if probes != (ipfam.Pair[probe.Result]{}) {
		g.add(answers...)
	}
	if err := g.write(w); err != nil {
		return err
	}
	for _, lines := range [][]string{state.Try(port), state.Records(state.Service.Name + ".example.")} {
		if len(lines) > 0 {
			if _, err := fmt.Fprintf(w, "\n%s\n", strings.Join(lines, "\n")); err != nil {
				return err
			}
		}
	}
	return nil
}

// address is an address, or a dash for none.
func (s Style) address(a fmt.Stringer) string {
	if text := a.String(); text != "invalid IP" {
		return text
	}
	return s.dash()
}

func (s Style) answer(r probe.Result) string {
	switch {
	case !r.To.IsValid():
		return s.dash()
	case r.Err != nil:
		return s.mark(markError) + " no answer"
	}
	return fmt.Sprintf("%s connected in %s", s.mark(markOK), r.Took.Round(100*time.Microsecond))
}

package report

import (
	"fmt"
	"io"
)

// writeShort prints one line for each finding and the counts: what one pastes
// into a message.
func (r *Report) writeShort(w io.Writer, s Style) error {
	p := newPrinter(s)
	for _, g := range r.groups() {
		for _, f := range g.findings {
			line := fmt.Sprintf("%s %s %s: %s", p.Style.mark(markOf(f.Severity)), g.result.ID, where(f), Escape(f.Message))
			if f.Source != "" {
				line += " (" + Escape(f.Source) + ")"
			}
			p.line(line + f.Change.words())
		}
	}
	p.changes(r.WhatIf)
	p.totals(r)
	return p.flush(w)
}

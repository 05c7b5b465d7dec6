package report

import (
	"fmt"
	"io"
)

// writeShort prints one line for each finding and the counts: what one pastes
// into a message. What follows from another finding stands indented below it.
func (r *Report) writeShort(w io.Writer, s Style) error {
	p := newPrinter(s)
	p.shortGroups("", r)
	p.changes(r.WhatIf)
	p.totals(r)
	return p.flush(w)
}

func (p *printer) shortGroups(indent string, r *Report) {
	for _, g := range r.groups() {
		for _, f := range g.findings {
			p.short(indent, g.result.ID, f)
		}
		for _, follow := range g.follow {
			for _, f := range follow.findings {
				p.short(indent+"  ", follow.result.ID, f)
			}
		}
	}
}

func (p *printer) short(indent, id string, f Finding) {
	line := fmt.Sprintf("%s%s %s %s: %s", indent, p.Style.mark(markOf(f.Severity)), id, where(f), Escape(f.Message))
	if f.Source != "" {
		line += " (" + Escape(f.Source) + ")"
	}
	p.line(line + f.Change.words())
}

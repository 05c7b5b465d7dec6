package report

import "io"

// writeWide prints what the table prints, with every finding and every check,
// and without wrapping.
func (r *Report) writeWide(w io.Writer, s Style) error {
	s.Width = 0
	p := newPrinter(s)
	p.all = true
	return p.report(w, r)
}

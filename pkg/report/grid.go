package report

import (
	"bytes"
	"io"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// grid is rows in columns, two spaces apart, without lines, without wrapping and
// without a change to any cell.
type grid struct {
	header []string
	rows   [][]string
}

func (g *grid) add(cells ...string) { g.rows = append(g.rows, cells) }

// text is the lines of the grid, without the spaces at their ends.
func (g *grid) text() ([]byte, error) {
	var out bytes.Buffer
	cells := tw.CellConfig{
		Formatting: tw.CellFormatting{AutoWrap: tw.WrapNone, AutoFormat: tw.Off},
		Alignment:  tw.CellAlignment{Global: tw.AlignLeft},
		Padding:    tw.CellPadding{Global: tw.Padding{Right: "  ", Overwrite: true}},
	}
	table := tablewriter.NewTable(&out,
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders:  tw.BorderNone,
			Symbols:  tw.NewSymbols(tw.StyleNone),
			Settings: tw.Settings{Separators: tw.SeparatorsNone, Lines: tw.LinesNone},
		})),
		tablewriter.WithConfig(tablewriter.Config{Header: cells, Row: cells}),
		tablewriter.WithTrimSpace(tw.Off),
		tablewriter.WithTrimLine(tw.Off),
		// The width of a symbol must not hang on the locale.
		tablewriter.WithEastAsian(tw.Off),
	)
	table.Header(g.header)
	if err := table.Bulk(g.rows); err != nil {
		return nil, err
	}
	if err := table.Render(); err != nil {
		return nil, err
	}
	var trimmed bytes.Buffer
	for line := range bytes.Lines(repaint(out.Bytes())) {
		trimmed.Write(bytes.TrimRight(line, " \n"))
		trimmed.WriteByte('\n')
	}
	return trimmed.Bytes(), nil
}

// repaint ends every colour right after its mark: the table carries it on through
// the spaces that follow.
func repaint(text []byte) []byte {
	text = bytes.ReplaceAll(text, []byte(plain), nil)
	for _, signs := range []map[mark]string{symbols, words} {
		for m, sign := range signs {
			if code := colorOf(m); code != "" {
				text = bytes.ReplaceAll(text, []byte(code+sign), []byte(code+sign+plain))
			}
		}
	}
	return text
}

func (g *grid) write(w io.Writer) error {
	text, err := g.text()
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

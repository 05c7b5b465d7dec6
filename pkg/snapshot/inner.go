package snapshot

import "go.yaml.in/yaml/v3"

// inner is the documents in the text n of d, with the lines that they have in the
// file: those of the block that n is, or that of n when it is written in another way.
func (d *document) inner(n *yaml.Node) (found []*document, problems []Problem) {
	block := n.Style == yaml.LiteralStyle
	line := d.at(n)
	if block {
		line++
	}
	for _, p := range split([]byte(n.Value)) {
		p.line += line - 1
		documents, problem := p.parse(d.file)
		if problem != nil {
			if !block {
				problem.Position.Line = line
			}
			problems = append(problems, *problem)
		}
		for _, inner := range documents {
			if !block {
				inner.line = line
				inner.choice = min(inner.choice, 1) * line
				flatten(inner.root, 0)
			}
			found = append(found, inner)
		}
	}
	return found, problems
}

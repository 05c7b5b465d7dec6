package survey

import (
	"fmt"
	"slices"
	"strings"
)

// settle is the value that all statements about field agree on, or that of the source
// that is preferred. It notes the sources of the value, or the conflict.
func (s *surveyor) settle(field string, statements []Statement, beside []string) (value string, ok bool) {
	for _, one := range statements {
		s.sources = append(s.sources, one.Source.Name, one.Source.Ref.String())
	}
	values := distinct(statements)
	switch {
	case len(values) == 0:
		return "", false
	case len(values) == 1 && len(beside) == 0:
		s.note(field, alike(statements)...)
		return values[0], true
	}
	if value, source, ok := s.preferred(statements); ok {
		agree, others := split(statements, value)
		s.note(field, alike(agree)...)
		for _, other := range group(others) {
			s.note(field, fmt.Sprintf("chosen, by --prefer %s, before %s of %s", source, other.value, other.sources))
		}
		for _, line := range beside {
			s.note(field, fmt.Sprintf("chosen, by --prefer %s, though %s", source, line))
		}
		return value, true
	}
	s.conflicts = append(s.conflicts, Conflict{Field: field, Statements: statements, Beside: beside})
	s.note(field, "CONFLICT: the sources do not agree. Take one line, or import with --prefer SOURCE.")
	name := field[strings.LastIndexByte(field, '.')+1:]
	for _, g := range group(statements) {
		s.note(field, fmt.Sprintf("%s: %s # %s", name, g.value, g.sources))
	}
	s.note(field, beside...)
	if hasDefault(field) {
		s.note(field, name+undecided)
	}
	return "", false
}

// undecided is the value of a field that has a default, and so may not be left out:
// what is no value is refused until somebody writes one.
const undecided = ": CONFLICT # write one of the lines above in place of this one"

// hasDefault reports whether a plan without the field says something by that.
func hasDefault(field string) bool {
	return field == "spec.families" || strings.HasPrefix(field, "spec.pods.nodeMask.")
}

// Text is the plan as a file. With a conflict about a field that has a default it is
// one that Parse refuses.
func (i Import) Text() []byte {
	text := string(i.Plan.Format(i.Notes))
	for _, c := range i.Conflicts {
		if hasDefault(c.Field) {
			line := c.Field[strings.LastIndexByte(c.Field, '.')+1:] + undecided
			text = strings.ReplaceAll(text, "# "+line, line)
		}
	}
	return []byte(text)
}

// preferred is the one value of the first source that is preferred and says one.
func (s *surveyor) preferred(statements []Statement) (value, source string, ok bool) {
	for _, source := range s.prefer {
		var theirs []Statement
		for _, one := range statements {
			if one.Source.Name == source || one.Source.Ref.String() == source {
				theirs = append(theirs, one)
			}
		}
		if values := distinct(theirs); len(values) == 1 {
			return values[0], source, true
		}
	}
	return "", "", false
}

// note adds lines to the comment of a field.
func (s *surveyor) note(field string, lines ...string) {
	for _, line := range lines {
		if s.notes[field] != "" {
			s.notes[field] += "\n"
		}
		s.notes[field] += strings.ReplaceAll(line, "\n", " ")
	}
}

// distinct is the values of statements, in their order.
func distinct(statements []Statement) []string {
	var values []string
	for _, one := range statements {
		if !slices.Contains(values, one.Value) {
			values = append(values, one.Value)
		}
	}
	return values
}

// split parts the statements of value from the others.
func split(statements []Statement, value string) (agree, others []Statement) {
	for _, one := range statements {
		if one.Value == value {
			agree = append(agree, one)
		} else {
			others = append(others, one)
		}
	}
	return agree, others
}

// alike is the sources of statements; those of one name and field, such as the API
// servers of three nodes, are told once.
func alike(statements []Statement) []string {
	type place struct{ name, field string }
	var order []place
	first := map[place]Source{}
	count := map[place]int{}
	for _, one := range statements {
		at := place{one.Source.Name, one.Source.Field}
		if count[at] == 0 {
			order = append(order, at)
			first[at] = one.Source
		}
		count[at]++
	}
	var lines []string
	for _, at := range order {
		line := first[at].String()
		if more := count[at] - 1; more > 0 {
			line += fmt.Sprintf(" and %d more", more)
		}
		lines = append(lines, line)
	}
	return lines
}

// saying is a value and all that say it.
type saying struct{ value, sources string }

// group is the values of statements with their sources.
func group(statements []Statement) []saying {
	var groups []saying
	for _, value := range distinct(statements) {
		agree, _ := split(statements, value)
		groups = append(groups, saying{value, strings.Join(alike(agree), ", ")})
	}
	return groups
}

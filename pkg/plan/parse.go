package plan

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// Parse reads a plan file. It returns every problem of the file's form at once
// (syntax, unknown and missing fields, values that are no address), each of
// severity Error, and a nil Plan when there is one. Whether the ranges fit
// together is Validate's business.
func Parse(source string, data []byte) (*Plan, []Problem) {
	root, problem := document(data)
	if problem != nil {
		return nil, []Problem{*problem}
	}
	r := reader{plan: Plan{source: source, positions: map[string]Position{}, texts: map[string]string{}}, site: siteOf(root)}
	if !r.otherKind(root) {
		r.mapping(value{node: root}, planForm)
	}
	if len(r.problems) > 0 {
		sortProblems(r.problems)
		return nil, r.problems
	}
	if len(r.plan.Families) == 0 {
		r.plan.Families = slices.Clone(ipfam.All[:])
	}
	return &r.plan, nil
}

// document is the one document of a file. Documents without content, such as
// a comment between two separators, do not count.
func document(data []byte) (*yaml.Node, *Problem) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var found *yaml.Node
	for {
		var doc yaml.Node
		err := decoder.Decode(&doc)
		switch {
		case errors.Is(err, io.EOF) && found == nil:
			return nil, formProblem("", Position{Line: 1, Column: 1}, "the file has no document",
				"begin it with: apiVersion: "+APIVersion)
		case errors.Is(err, io.EOF):
			return found, nil
		case err != nil:
			return nil, syntaxProblem(err)
		case len(doc.Content) == 0 || isNull(doc.Content[0]):
			continue
		case found != nil:
			return nil, formProblem("", positionOf(doc.Content[0]),
				"the file has more than one document", "put each plan in a file of its own")
		}
		found = doc.Content[0]
	}
}

// syntaxLine finds the line in an error of the YAML library, which has it in no
// other form. The library counts from 1 in errors of its scanner and from 0 in
// those of its parser, which are the ones of countedFromZero.
var (
	syntaxLine      = regexp.MustCompile(`^line (\d+): `)
	countedFromZero = regexp.MustCompile(`did not find expected (<document start>|node content|'-' indicator|key$|',' or)`)
)

func syntaxProblem(err error) *Problem {
	at := Position{Line: 1, Column: 1}
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if m := syntaxLine.FindStringSubmatch(text); m != nil {
		if line, err := strconv.Atoi(m[1]); err == nil {
			at.Line = line
		}
		if countedFromZero.MatchString(text) {
			at.Line++
		}
		text = text[len(m[0]):]
	}
	return formProblem("", at, "the file is not YAML: "+text, "")
}

func formProblem(field string, at Position, message, fix string) *Problem {
	return &Problem{Severity: severity.Error, Field: field, At: at, Message: message, Fix: fix}
}

func positionOf(n *yaml.Node) Position { return Position{Line: n.Line, Column: n.Column} }

// otherKind reports whether the document is of another kind altogether: then
// that is its one problem, not each of its fields.
func (r *reader) otherKind(root *yaml.Node) bool {
	if root.Kind != yaml.MappingNode {
		r.reject(value{node: root}, fmt.Sprintf("the document is %s; want a mapping with apiVersion, kind and spec", describe(root)), "")
		return true
	}
	var found [2]string
	for i, name := range [...]string{"apiVersion", "kind"} {
		if n := child(root, name); n != nil && n.Kind == yaml.ScalarNode {
			found[i] = n.Value
		}
	}
	if found[1] == "" || found[1] == Kind || found[0] == APIVersion {
		return false
	}
	r.reject(value{node: root}, fmt.Sprintf("the document is a %s of %s; want %s of %s", short(found[1]), short(found[0]), Kind, APIVersion), "")
	return true
}

func child(n *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

// sortProblems puts problems in the order of the file.
func sortProblems(problems []Problem) {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(a.At.Line, b.At.Line),
			cmp.Compare(a.At.Column, b.At.Column),
			-cmp.Compare(a.Severity, b.Severity),
		)
	})
}

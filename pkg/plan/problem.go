package plan

import (
	"fmt"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// Problem is something wrong with a plan, at its place in the file.
type Problem struct {
	Severity severity.Severity
	Field    string // "spec.pods.ipv6"; empty for the file as a whole
	At       Position
	Message  string // present tense, values first
	Fix      string // may be empty
}

// Error is "LINE:COLUMN: FIELD: MESSAGE", so that a Problem that keeps a plan
// from being read is an error as it stands.
func (p Problem) Error() string {
	if p.Field == "" {
		return fmt.Sprintf("%d:%d: %s", p.At.Line, p.At.Column, p.Message)
	}
	return fmt.Sprintf("%d:%d: %s: %s", p.At.Line, p.At.Column, p.Field, p.Message)
}

func index(field string, i int) string { return fmt.Sprintf("%s[%d]", field, i) }

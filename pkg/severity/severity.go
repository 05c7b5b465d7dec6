// Package severity is how much a finding matters to the people who use the
// cluster, not how sure the tool is of it.
package severity

import "fmt"

// Severity is the user's risk. The zero Severity is none.
type Severity uint8

// The severities, mildest first.
const (
	Info    Severity = iota + 1 // worth knowing
	Warning                     // traffic of one family fails when something ordinary happens
	Error                       // traffic of one family fails now
)

// All holds the severities, worst first.
var All = [...]Severity{Error, Warning, Info}

var names = map[Severity]string{Info: "info", Warning: "warning", Error: "error"}

// Parse reads "info", "warning" or "error".
func Parse(s string) (Severity, error) {
	for severity, name := range names {
		if s == name {
			return severity, nil
		}
	}
	return 0, fmt.Errorf("severity %q: want error, warning or info", s)
}

// String is "info", "warning", "error", or "none" for the zero Severity.
func (s Severity) String() string {
	if name, ok := names[s]; ok {
		return name
	}
	return "none"
}

// MarshalText writes String.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *Severity) UnmarshalText(text []byte) error {
	if string(text) == "none" {
		*s = 0
		return nil
	}
	parsed, err := Parse(string(text))
	*s = parsed
	return err
}

package checks

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

// Suppression keeps a finding from counting: somebody knows of it and says why.
type Suppression struct {
	Check  string       // an ID, or the name of a check
	Object string       // "service/shop/web", with * and ? in its parts; empty is every object
	Family ipfam.Family // zero is each
	Until  time.Time    // the day on which it ends, at midnight; zero is never
	Reason string
	From   string // where it stands: "--suppress", "FILE:3", "annotation"
}

// dateForm is how the end of a suppression is written.
const dateForm = time.DateOnly

var errSuppressionForm = errors.New("want CHECK [OBJECT] [IPv4|IPv6] [until YYYY-MM-DD]: REASON, such as DS603 service/shop/web until 2027-03-01: the second pool comes in spring")

// ParseSuppression reads "CHECK [OBJECT] [IPv4|IPv6] [until YYYY-MM-DD]: REASON". A
// reason is required: without one nobody can tell later whether it still holds.
func ParseSuppression(text, from string) (Suppression, error) {
	head, reason, ok := strings.Cut(text, ": ")
	words := strings.Fields(head)
	s := Suppression{Reason: strings.TrimSpace(reason), From: from}
	if !ok || s.Reason == "" || len(words) == 0 {
		return Suppression{}, fmt.Errorf("%q: %w", text, errSuppressionForm)
	}
	s.Check = words[0]
	rest := words[1:]
	if len(rest) > 0 && strings.Contains(rest[0], "/") {
		s.Object, rest = strings.ToLower(rest[0]), rest[1:]
		if _, err := path.Match(s.Object, ""); err != nil {
			return Suppression{}, fmt.Errorf("%q: object %s: %w", text, s.Object, err)
		}
	}
	if len(rest) > 0 {
		if f, err := ipfam.Parse(rest[0]); err == nil {
			s.Family, rest = f, rest[1:]
		}
	}
	if len(rest) == 2 && rest[0] == "until" {
		until, err := time.Parse(dateForm, rest[1])
		if err != nil {
			return Suppression{}, fmt.Errorf("%q: until %q: want a day such as 2027-03-01", text, rest[1])
		}
		s.Until, rest = until, nil
	}
	if len(rest) > 0 {
		return Suppression{}, fmt.Errorf("%q: %q: %w", text, rest[0], errSuppressionForm)
	}
	return s, nil
}

// ParseSuppressions reads one for each line of text. Empty lines and those that begin
// with # are passed over. The errors name the line; from is the name of the file.
func ParseSuppressions(text, from string) (all []Suppression, err error) {
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		s, parseErr := ParseSuppression(line, fmt.Sprintf("%s:%d", from, n))
		if parseErr != nil {
			err = errors.Join(err, fmt.Errorf("%s:%d: %w", from, n, parseErr))
			continue
		}
		all = append(all, s)
	}
	return all, err
}

// Over reports whether s has ended.
func (s Suppression) Over(now time.Time) bool { return !s.Until.IsZero() && !now.Before(s.Until) }

// String is s as it is written.
func (s Suppression) String() string {
	words := []string{s.Check}
	if s.Object != "" {
		words = append(words, s.Object)
	}
	if s.Family.Valid() {
		words = append(words, s.Family.String())
	}
	if !s.Until.IsZero() {
		words = append(words, "until", s.Until.Format(dateForm))
	}
	return strings.Join(words, " ") + ": " + s.Reason
}

func (s Suppression) covers(c *Check, f Finding) bool {
	if !strings.EqualFold(s.Check, c.ID) && !strings.EqualFold(s.Check, c.Name) || s.Family.Valid() && f.Family.Valid() && s.Family != f.Family {
		return false
	}
	if s.Object == "" {
		return true
	}
	matched, err := path.Match(s.Object, strings.ToLower(f.Object.String()))
	return err == nil && matched
}

// Suppress marks the findings that the list covers. What has ended marks nothing. It
// returns those of the list that came too late, and those that no finding needs.
func Suppress(results []Result, list []Suppression, now time.Time) (over, idle []Suppression) {
	for _, s := range list {
		if s.Over(now) {
			over = append(over, s)
			continue
		}
		used := false
		for _, r := range results {
			for i := range r.Findings {
				if f := &r.Findings[i]; s.covers(r.Check, *f) {
					used = true
					if f.Suppressed == nil {
						f.Suppressed = &s
					}
				}
			}
		}
		if !used {
			idle = append(idle, s)
		}
	}
	return over, idle
}

// Package snapshot is what is known about one cluster, read once: from its API
// server or from files. What could not be read is part of it. Everything else in
// the tool is a function of a plan and a snapshot.
package snapshot

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Snapshot is the facts, what is missing from them, and where each was found.
type Snapshot struct {
	Facts
	Source   Source
	Gaps     map[Kind]Gap
	Problems []Problem
	Ignored  map[string]int // documents that nothing reads, by kind

	origins   map[Ref]*origin
	plans     []string
	planTexts map[string][]byte // of those in archives
	applied   *Snapshot         // with files laid over it; nil without any
	laid      *Applied          // what they did, in that snapshot
}

// Source is where a snapshot comes from.
type Source struct {
	Live   bool
	Name   string    // the context of the kubeconfig, or the paths as given
	Server string    // URL of the API server; empty for files
	At     time.Time // when it was read
	Deep   bool      // whether Pods were read
	Pods   int       // how many Pods the server counted; -1 when it did not say
	Reason string    // why it is deep or not, for the report's header
}

// Reason is why a kind is not known, or not wholly.
type Reason string

// The reasons. The first four are «not here»: a check that needs such a kind is
// skipped. The others are «could not look»: its outcome is unknown.
const (
	NotInFiles   Reason = "not in the files"
	NotInstalled Reason = "not installed" // the API server does not serve the resource
	NotFound     Reason = "not found"     // the named object does not exist
	NotAsked     Reason = "not read"      // by request: --depth quick
	Forbidden    Reason = "forbidden"
	TimedOut     Reason = "timed out"
	Failed       Reason = "failed"
	Malformed    Reason = "not understood" // read, but some objects or fields make no sense
	Unfilled     Reason = "a placeholder"  // a value is still to be filled in by another program
)

// Gap is a kind that is not known, or not wholly.
type Gap struct {
	Kind   Kind
	Reason Reason
	Detail string // the missing verb and resource, the server's words, FILE:LINE
	// Partial is whether facts of the kind are there all the same: some objects
	// were read, others not.
	Partial bool
}

// Absent reports whether the gap means that there is nothing to look at, rather
// than that looking did not work.
func (g Gap) Absent() bool {
	switch g.Reason {
	case NotInFiles, NotInstalled, NotFound, NotAsked:
		return true
	}
	return false
}

// String is the reason with its detail: "list nodes: forbidden".
func (g Gap) String() string {
	if g.Detail == "" {
		return fmt.Sprintf("%s: %s", g.Kind, g.Reason)
	}
	return fmt.Sprintf("%s: %s: %s", g.Kind, g.Reason, g.Detail)
}

// Problem is a document or a value that could not be understood.
type Problem struct {
	Position Position
	Ref      Ref    // zero when the document has no name
	Field    string // empty for the document as a whole
	Message  string
}

// String is "FILE:LINE: OBJECT FIELD: MESSAGE", without what is not known.
func (p Problem) String() string {
	var parts []string
	if p.Position.File != "" {
		parts = append(parts, p.Position.String())
	}
	var where []string
	if p.Ref != (Ref{}) {
		where = append(where, p.Ref.String())
	}
	if p.Field != "" {
		where = append(where, p.Field)
	}
	if len(where) > 0 {
		parts = append(parts, strings.Join(where, " "))
	}
	return strings.Join(append(parts, p.Message), ": ")
}

// Position is a place in a file. The zero Position is none: the object came from
// an API server.
type Position struct {
	File string
	Line int
}

// String is "FILE:LINE", FILE for the file as a whole, or empty.
func (p Position) String() string {
	if p.File == "" || p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// Position is where field of the object stands, or the nearest field around it
// that the document has. Field is a path such as ".spec.ipFamilies" or
// ".data.enable-ipv6", or an argument of a program such as "--cluster-cidr".
func (s *Snapshot) Position(ref Ref, field string) Position {
	if o := s.origins[ref]; o != nil {
		return o.position(field)
	}
	return Position{}
}

func parentPath(path string) string {
	if i := strings.LastIndexAny(path, ".["); i > 0 {
		return path[:i]
	}
	return ""
}

// Gap is what is missing of k, if anything.
func (s *Snapshot) Gap(k Kind) (Gap, bool) {
	g, ok := s.Gaps[k]
	return g, ok
}

// With is the snapshot as it would be with the Service v in it, in the place of one of
// the same name if there is one, also where no others could be read. The snapshot itself
// stays as it is.
func (s *Snapshot) With(v Service) *Snapshot {
	with := *s
	with.Services = slices.DeleteFunc(slices.Clone(s.Services), func(o Service) bool { return o.Ref == v.Ref })
	at, _ := slices.BinarySearchFunc(with.Services, v, func(a, b Service) int { return compareRefs(a.Ref, b.Ref) })
	with.Services = slices.Insert(with.Services, at, v)
	if g, gap := s.Gaps[Services]; gap {
		with.Gaps = maps.Clone(s.Gaps)
		if g.Partial = true; g.Absent() {
			delete(with.Gaps, Services)
		} else {
			with.Gaps[Services] = g
		}
	}
	return &with
}

// SortedGaps is the gaps in the order of AllKinds.
func (s *Snapshot) SortedGaps() []Gap {
	var gaps []Gap
	for _, k := range AllKinds {
		if g, ok := s.Gaps[k]; ok {
			gaps = append(gaps, g)
		}
	}
	return gaps
}

func compareRefs(a, b Ref) int {
	return slices.Compare([]string{a.Kind, a.Namespace, a.Name}, []string{b.Kind, b.Namespace, b.Name})
}

package probe

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/trace"
)

// protocol begins each line of the script, with the version of what follows.
const protocol = "dualstack/1 "

// maxHops and maxRungs bound what a script can make us remember.
const (
	maxHops  = 16
	maxRungs = 32
)

// said is what the script said of one family.
type said struct {
	asked    bool // whether there was a question
	port     uint16
	host     netip.Addr
	looked   bool // whether the name was looked up, by a program that says so when it cannot
	answers  []netip.Addr
	body     string
	subjects map[string]*evidence
	rungs    []string // the subjects of rungs in their order
	expired  bool     // a default route is listed, and its time is up
	path     []string
}

// evidence is what was said of one connection.
type evidence struct {
	tool    string // empty: nothing was said; "nothing": there was no program to try it with
	code    int
	curl    curlFields
	reasons []string
	own     netip.Addr
	open    bool // a program said so itself
	to      netip.AddrPort
	name    string
}

// ReadTrace is what the script saw of each family. It passes over what it does not know.
func ReadTrace(said string, from string, tier trace.Tier) ipfam.Pair[trace.Observation] {
	both := readLines(said)
	routes := readProc(both.proc)
	var seen ipfam.Pair[trace.Observation]
	for _, f := range ipfam.All {
		o := both.families.Of(f).observe(f)
		o.Family, o.Tier, o.From = f, tier, from
		if r := routes.Of(f); r != nil && o.Error == "" {
			o.Routes = r
			if both.families.Of(f).expired {
				r.HasRoute, r.Default = false, nil
			}
			if one := r.Addresses; !o.Own.IsValid() && len(one) == 1 {
				o.Own = one[0] // it has no other
			}
		}
		if o.Error == "" && !both.started {
			o = trace.Observation{Family: f, Tier: tier, From: from, Error: "the script did not run" + quoted(said)}
		}
		*seen.At(f) = o
	}
	return seen
}

// quoted is the first line of what somebody said instead.
func quoted(said string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(said), "\n")
	if line == "" {
		return ""
	}
	const most = 200
	return ": " + line[:min(most, len(line))]
}

type lines struct {
	started  bool
	proc     string
	families ipfam.Pair[said]
}

func readLines(text string) lines {
	var all lines
	var proc strings.Builder
	for line := range strings.Lines(text) {
		rest, ours := strings.CutPrefix(strings.TrimSpace(line), protocol)
		if !ours {
			continue
		}
		all.started = true
		family, rest, _ := strings.Cut(rest, " ")
		subject, rest, _ := strings.Cut(rest, " ")
		switch family {
		case "0":
			if subject == "proc" {
				proc.WriteString(rest + "\n")
			}
		case "4":
			all.families.V4.line(ipfam.V4, subject, strings.TrimSpace(rest))
		case "6":
			all.families.V6.line(ipfam.V6, subject, strings.TrimSpace(rest))
		}
	}
	all.proc = proc.String()
	return all
}

// line takes in one line.
func (s *said) line(f ipfam.Family, subject, rest string) {
	fields := strings.Fields(rest)
	switch {
	case subject == "target":
		s.asked = true
		s.port, s.host = target(f, fields)
	case subject == "expired":
		s.expired = true
	case subject == "lookup" && len(fields) == 2:
		s.looked = s.looked || s.lookedUp(fields[0], fields[1])
	case subject == "answer":
		s.answer(address(f, rest))
	case subject == "path" && len(s.path) < 2*maxHops:
		s.path = append(s.path, rest)
	case subject == "main" || subject == "large" || strings.HasPrefix(subject, "rung"):
		s.evidence(f, subject, fields)
	}
}

func target(f ipfam.Family, fields []string) (port uint16, host netip.Addr) {
	if len(fields) > 0 {
		n, _ := strconv.ParseUint(fields[0], 10, 16) // of what is no number there is no port
		port = uint16(n)
	}
	if len(fields) > 1 {
		host = address(f, fields[1])
	}
	return port, host
}

// lookedUp reports whether the program can have had an answer, be it that there is none.
// getent ends with 2 for that, getaddrinfo of Python with an exception, which is 1. Some
// nslookups do not search: that a name which has an address is unknown to them says nothing.
func (s *said) lookedUp(program, code string) bool {
	switch {
	case code == "0":
		return true
	case program == "getent":
		return code == "2"
	case program == "nslookup" && s.host.IsValid():
		return false
	}
	return code == "1"
}

func (s *said) answer(a netip.Addr) {
	if a.IsValid() && len(s.answers) < maxRungs && !slices.Contains(s.answers, a) {
		s.answers = append(s.answers, a)
	}
}

// evidence takes in a line of a connection: which program, how it ended, and why.
func (s *said) evidence(f ipfam.Family, subject string, fields []string) {
	if len(fields) == 0 || len(s.subjects) > maxRungs {
		return
	}
	if s.subjects == nil {
		s.subjects = map[string]*evidence{}
	}
	e := s.subjects[subject]
	if e == nil {
		e = &evidence{}
		s.subjects[subject] = e
	}
	rest := strings.Join(fields[1:], " ")
	switch word := fields[0]; {
	case word == "to" && len(fields) > 2 && strings.HasPrefix(subject, "rung"):
		port, host := target(f, fields[1:])
		if host.IsValid() && e.name == "" {
			e.to, e.name = netip.AddrPortFrom(host, port), strings.Join(fields[3:], " ")
			s.rungs = append(s.rungs, subject)
		}
	case word == "why":
		e.reasons = append(e.reasons, rest)
	case word == "own":
		e.own = address(f, rest)
	case word == "body":
		s.body = rest
	case word == "connected":
		e.tool, e.open = rest, true
	case word == "nothing":
		e.tool = word
	case len(fields) > 1:
		e.tool = word
		e.code = atoi(fields[1])
		if word == "curl" && len(fields) > 2 {
			e.curl = readCurl(f, fields[2])
		}
	}
}

// observe is the observation that follows.
func (s said) observe(f ipfam.Family) (o trace.Observation) {
	main := s.subjects["main"]
	if main != nil && main.tool == "nothing" {
		o.Error = "the image has nothing to connect with: no curl, wget, bash, nc, python3 or perl; --probe=ephemeral brings an image of its own"
		return o
	}
	o.Answers, o.Asked = s.answers, s.looked || len(s.answers) > 0
	if main != nil {
		s.connection(&o, f, main)
	}
	if large := s.subjects["large"]; large != nil {
		o.Large = large.large()
		if main != nil && o.Large == trace.Connected && main.stalled() {
			o.Large = trace.TimedOut
		}
	}
	for _, subject := range s.rungs {
		e := s.subjects[subject]
		o.Rungs = append(o.Rungs, trace.Rung{Name: e.name, To: e.to, Outcome: e.rung()})
	}
	o.Hops, o.PathMTU = readPath(f, s.path, o.Dialed.Addr())
	return o
}

// connection is the part about the target.
func (s said) connection(o *trace.Observation, f ipfam.Family, main *evidence) {
	o.Connect = main.outcome()
	o.Own, o.Took, o.Status = main.own, main.curl.took, main.curl.status
	if main.curl.local.IsValid() {
		o.Own = main.curl.local
	}
	if o.Status == 0 {
		o.Status = statusIn(append([]string{s.body}, main.reasons...))
	}
	if main.tool == "wget" && main.code == 0 {
		o.Status = 200 // it says so of no other
	}
	host := s.host
	if !host.IsValid() {
		host = main.curl.remote
	}
	if !host.IsValid() && len(s.answers) > 0 {
		host = s.answers[0]
	}
	if !s.host.IsValid() && main.tool == "curl" { // it was asked by name
		o.Asked = true
		if len(o.Answers) == 0 && main.curl.remote.IsValid() {
			o.Answers = []netip.Addr{main.curl.remote}
		}
	}
	if host.IsValid() {
		o.Dialed = netip.AddrPortFrom(host, s.port)
	}
	o.Far = far(f, s.body, host)
}

// address is one of the family, or the zero one.
func address(f ipfam.Family, s string) netip.Addr {
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil || ipfam.Of(a) != f || f == ipfam.V6 && a.Is4In6() {
		return netip.Addr{}
	}
	return a.Unmap()
}

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}

// curlFields is what curl writes of a transfer.
type curlFields struct {
	status        int
	took          time.Duration // 0: no connection was made
	local, remote netip.Addr
	size          int64
}

// readCurl reads «200,0.000237,10.244.0.222,203.0.113.80,80,12».
func readCurl(f ipfam.Family, s string) (c curlFields) {
	fields := strings.Split(s, ",")
	if len(fields) != 6 {
		return c
	}
	if n := atoi(fields[0]); n >= 100 && n < 600 {
		c.status = n
	}
	if seconds, err := strconv.ParseFloat(fields[1], 64); err == nil && seconds > 0 && seconds < 3600 {
		c.took = time.Duration(seconds * float64(time.Second))
	}
	c.local, c.remote = address(f, fields[2]), address(f, fields[3])
	c.size = int64(max(0, atoi(fields[5])))
	return c
}

// Complete reports whether these are the words of a script from its first line to its last.
func Complete(said string) bool {
	return strings.Contains(said, protocol+"0 start\n") && strings.Contains(said, protocol+"0 end\n")
}

package probe

import (
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/trace"
)

// The exit codes of curl that say something of the connection.
// Source: https://curl.se/docs/manpage.html, EXIT CODES.
const (
	curlNoSuchHost = 6
	curlNoConnect  = 7
	curlTimedOut   = 28
)

// timeout ends with 124, that of busybox with the signal.
const (
	codeTimeout = 124
	codeKilled  = 143
)

// outcome is what came of a connection, by how the program ended and what it said.
func (e *evidence) outcome() trace.Outcome {
	switch {
	case e.tool == "" || e.tool == "nothing":
		return trace.NotTried
	case e.open || e.curl.took > 0 || e.curl.status > 0:
		return trace.Connected
	case e.tool == "curl":
		return e.ofCurl()
	case e.tool == "ping":
		return e.ofPing()
	case e.code == 0:
		return trace.Connected
	case e.code == codeTimeout || e.code == codeKilled:
		return trace.TimedOut
	}
	return byReason(e.reasons)
}

func (e *evidence) ofCurl() trace.Outcome {
	switch e.code {
	case 0:
		return trace.Connected
	case curlNoSuchHost:
		return trace.NotTried // the name has no address of the family
	case curlNoConnect:
		return byReason(e.reasons)
	case curlTimedOut, codeTimeout, codeKilled:
		return trace.TimedOut
	}
	return trace.Failed
}

// ofPing is that of an echo request. One that may not be sent says nothing of the way.
func (e *evidence) ofPing() trace.Outcome {
	if e.code == 0 {
		return trace.Connected
	}
	for _, r := range e.reasons {
		if contains(r, "permission", "not permitted") {
			return trace.NotTried
		}
	}
	if o := byReason(e.reasons); o == trace.Unreachable {
		return o
	}
	return trace.TimedOut
}

// rung is that of a host on the way. Of one that was to be asked by an echo request, and was
// asked for a connection because that could not be, only an answer says anything.
func (e *evidence) rung() trace.Outcome {
	o := e.outcome()
	if e.to.Port() == 0 && e.tool != "ping" && !o.Answered() {
		return trace.NotTried
	}
	return o
}

// byReason is the outcome that the words of a C library name, glibc's or musl's. Those of
// a prohibition come from an ICMP error or a route; an address that cannot be assigned,
// or a family that is not supported, means that there is none of the family.
func byReason(reasons []string) trace.Outcome {
	all := strings.Join(reasons, "\n")
	switch {
	case contains(all, "refused", "reset by peer"):
		return trace.Refused
	case contains(all, "http/", "certificate"):
		return trace.Connected
	case contains(all, "unreachable", "no route", "permission denied", "not permitted",
		"assign requested address", "address not available", "not supported"):
		return trace.Unreachable
	case contains(all, "timed out"):
		return trace.TimedOut
	}
	return trace.Failed
}

func contains(s string, words ...string) bool {
	s = strings.ToLower(s)
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

// large is that of the request of several packets: it has arrived when there is an answer.
func (e *evidence) large() trace.Outcome {
	if o := e.outcome(); o != trace.Connected || e.curl.status > 0 {
		return o
	}
	if e.code == curlTimedOut {
		return trace.TimedOut
	}
	return trace.Failed
}

// stalled reports whether an answer began, and did not go on: less came until time was up
// than the limit of its rate lets through in a second.
func (e *evidence) stalled() bool {
	const littleOf = 20_000
	return e.code == curlTimedOut && e.curl.status > 0 && e.curl.size < littleOf
}

package report

import "github.com/kubectl-dualstack/kubectl-dualstack/pkg/trace"

// knownMark is the sign of how a hop is known, one column wide.
func (s Style) knownMark(k trace.Known) string {
	switch k {
	case trace.Probed:
		return s.or("●", "P")
	case trace.Read:
		return s.or("◆", "R")
	case trace.Inferred:
		return s.or("◇", "I")
	}
	return "?"
}

// everyKnown is all ways to know, from the surest.
var everyKnown = []trace.Known{trace.Probed, trace.Read, trace.Inferred, trace.Unknown}

// knownLegend is what the marks of knowing mean.
func (s Style) knownLegend(ways ...trace.Known) []string {
	return each(ways, func(k trace.Known) string { return s.knownMark(k) + " " + string(k) })
}

// stateMark is the sign of what becomes of the packet, one column wide.
func (s Style) stateMark(state trace.State) string {
	sign := s.stateSign(state)
	if code := colorOf(stateSeverity(state)); s.Color && code != "" {
		return code + sign + plain
	}
	return sign
}

func (s Style) stateSign(state trace.State) string {
	switch state {
	case trace.Passes:
		return s.or("│", "|")
	case trace.Doubtful:
		return s.or("▲", "!")
	case trace.Stops:
		return s.or("✖", "X")
	case trace.NotReached:
		return s.or("┊", ":")
	}
	return "?"
}

// spine is the line from a hop on to the next one.
func (s Style) spine(state trace.State) string {
	switch state {
	case trace.Passes, trace.Doubtful:
		return s.stateSign(trace.Passes)
	case trace.Stops, trace.NotReached:
		return s.stateSign(trace.NotReached)
	}
	return " "
}

func stateSeverity(state trace.State) mark {
	switch state {
	case trace.Passes, trace.NotReached:
		return markNone
	case trace.Doubtful:
		return markWarning
	case trace.Stops:
		return markError
	}
	return markUnknown
}

func verdictMark(v trace.Verdict) mark {
	switch v {
	case trace.Reaches:
		return markOK
	case trace.Fails:
		return markError
	case trace.Unsure:
		return markUnknown
	}
	return markNone
}

// amiss reports whether a hop has to say why it is as it is. One that no packet comes to
// has not: what stops the packet has said it.
func amiss(state trace.State) bool { return state != trace.Passes && state != trace.NotReached }

package report

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/trace"
)

// probes prints what was seen: a line for each family of each probe, and in wide all of it.
func (p *printer) probes(t trace.Trace) {
	seen := t.Seen
	if len(seen) == 0 {
		return
	}
	p.line("")
	p.line("probes")
	from := ""
	for i, o := range seen {
		title := p.probeTitle(o)
		if title != from {
			p.wrapped("  ", title)
			from = title
		}
		if o.Error != "" && i > 0 && p.probeTitle(seen[i-1]) == title && seen[i-1].Error == o.Error {
			continue // it was said of the other family
		}
		family := o.Family.String()
		if i+1 < len(seen) && o.Error != "" && p.probeTitle(seen[i+1]) == title && seen[i+1].Error == o.Error {
			family = "both"
		}
		p.wrapped(fmt.Sprintf("    %-4s  %s", family, p.gutter(observedMark(o))), p.observed(o, t.Query.Target))
		if p.all {
			p.observation(o)
		}
	}
}

// probeTitle is where a probe ran; most places name their tier.
func (p *printer) probeTitle(o trace.Observation) string {
	switch tier := p.safe(string(o.Tier)); {
	case o.From == "":
		return tier
	case strings.HasPrefix(o.From, string(o.Tier)):
		return p.safe(o.From)
	default:
		return p.safe(o.From) + " (" + tier + ")"
	}
}

func observedMark(o trace.Observation) mark {
	switch {
	case o.Error != "":
		return markUnknown
	case o.Connect == trace.NotTried:
		return markNone
	case o.Connect.Answered():
		return markOK
	}
	return markError
}

// observed is the outcome in one sentence.
func (p *printer) observed(o trace.Observation, to trace.Target) string {
	if o.Error != "" {
		return "not probed: " + p.safe(o.Error)
	}
	if o.Connect == trace.NotTried && o.Agent != nil {
		return p.safe(agentText(o.Agent))
	}
	parts := []string{p.connection(o, to)}
	if o.Far.IsValid() {
		parts = append(parts, "seen as "+p.safe(o.Far.String()))
	}
	switch {
	case o.Large.Answered():
		parts = append(parts, "large packets pass")
	case o.Large != trace.NotTried:
		parts = append(parts, "large packets: "+p.safe(string(o.Large)))
	}
	if o.PathMTU != 0 {
		parts = append(parts, fmt.Sprintf("path MTU %d", o.PathMTU))
	}
	return strings.Join(parts, ", ")
}

func (p *printer) connection(o trace.Observation, to trace.Target) string {
	if o.Connect == trace.NotTried || o.Connect == trace.Failed && !o.Dialed.IsValid() {
		return notTried(o, to)
	}
	text := p.safe(string(o.Connect))
	switch {
	case o.Dialed.IsValid() && o.Connect == trace.Connected:
		text = "connected to " + p.safe(o.Dialed.String())
	case o.Dialed.IsValid():
		text = p.safe(o.Dialed.String()) + " " + text
	}
	if o.Took != 0 {
		text += " in " + p.safe(tookText(o.Took))
	}
	if o.Status != 0 {
		text += fmt.Sprintf(", HTTP %d", o.Status)
	}
	return text
}

// notTried says why there was nothing to connect to.
func notTried(o trace.Observation, to trace.Target) string {
	switch known := to.Kind == trace.ToAddress || to.Kind == trace.ToService || to.Kind == trace.ToPod; {
	case o.Asked && len(o.Answers) == 0:
		return fmt.Sprintf("the name has no %s address", o.Family)
	case known && !to.Addresses.Of(o.Family).IsValid():
		return fmt.Sprintf("the target has no %s address", o.Family)
	}
	if o.Connect == trace.Failed {
		return string(trace.Failed)
	}
	return "no connection tried"
}

// tookText is a duration to the tenth of a millisecond.
func tookText(d time.Duration) string { return d.Round(100 * time.Microsecond).String() }

// observation prints the rest of what a probe saw.
func (p *printer) observation(o trace.Observation) {
	agent := agentText(o.Agent)
	if o.Connect == trace.NotTried {
		agent = "" // it is what was observed
	}
	for _, l := range []struct{ label, text string }{
		{"own", textOf(o.Own)},
		{"answers", answersText(o)},
		{"rungs", rungsText(o.Rungs)},
		{"hops", routersText(o.Hops)},
		{"routes", routesText(o.Routes)},
		{"agent", agent},
	} {
		if l.text != "" {
			p.wrapped(fmt.Sprintf("          %-7s  ", l.label), p.safe(l.text))
		}
	}
}

// textOf is an address, or nothing for none.
func textOf(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func answersText(o trace.Observation) string {
	switch {
	case len(o.Answers) > 0:
		return list(o.Answers)
	case o.Asked:
		return "the name has none"
	}
	return ""
}

func rungsText(rungs []trace.Rung) string {
	var texts []string
	for _, r := range rungs {
		to := r.To.String()
		if r.To.Port() == 0 { // it was sent an echo request
			to = r.To.Addr().String()
		}
		texts = append(texts, fmt.Sprintf("%s %s %s", r.Name, to, rungOutcome(r)))
	}
	return strings.Join(texts, ", ")
}

// rungOutcome is what came of it: to an echo request nobody connects.
func rungOutcome(r trace.Rung) string {
	if r.To.Port() == 0 && r.Outcome.Answered() {
		return "answers"
	}
	return string(r.Outcome)
}

func routersText(hops []netip.Addr) string {
	var texts []string
	for _, hop := range hops {
		text := textOf(hop)
		if text == "" {
			text = "*" // as traceroute's
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ", ")
}

func routesText(r *trace.Routes) string {
	switch {
	case r == nil:
		return ""
	case len(r.Default) > 0:
		return addressesText(r.Addresses) + "; default by " + list(r.Default)
	case r.HasRoute:
		return addressesText(r.Addresses) + "; a default route"
	}
	return addressesText(r.Addresses) + "; no default route"
}

func addressesText(as []netip.Addr) string {
	if len(as) == 0 {
		return "no global address"
	}
	return list(as)
}

func agentText(a *trace.Agent) string {
	if a == nil {
		return ""
	}
	texts := []string{strings.TrimSpace("Cilium " + a.Version)}
	if a.Mechanism != "" {
		texts = append(texts, "masquerading: "+string(a.Mechanism))
	}
	if a.Exclusion.IsValid() {
		texts = append(texts, "not to "+a.Exclusion.String())
	}
	if a.Tunnel == "" {
		texts = append(texts, "native routing")
	} else {
		texts = append(texts, "tunnel "+a.Tunnel)
	}
	if a.Translated.IsValid() {
		texts = append(texts, "translated to "+a.Translated.String())
	}
	if a.PolicyDrops {
		texts = append(texts, "policy drops packets")
	}
	return strings.Join(texts, ", ")
}

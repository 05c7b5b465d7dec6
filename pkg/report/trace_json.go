package report

import (
	"net/netip"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/trace"
)

// The documents of a Trace. docs/schema/trace.schema.json says what the fields mean.
type (
	traceDoc struct {
		APIVersion   string           `json:"apiVersion"`
		Kind         string           `json:"kind"`
		Pod          Object           `json:"pod"`
		Node         string           `json:"node"`
		Chosen       string           `json:"chosen"`
		Target       targetDoc        `json:"target"`
		Require      string           `json:"require"`
		Summary      string           `json:"summary"`
		Paths        familyDoc        `json:"paths"`
		Differences  []string         `json:"differences"`
		Partings     []partingDoc     `json:"partings"`
		Programs     []programDoc     `json:"programs"`
		Observations []observationDoc `json:"observations"`
	}
	targetDoc struct {
		Kind      string     `json:"kind"`
		Text      string     `json:"text"`
		Name      string     `json:"name"`
		Object    Object     `json:"object"`
		Addresses addressDoc `json:"addresses"`
		Port      uint16     `json:"port"`
	}
	addressDoc struct {
		V4 netip.Addr `json:"ipv4"`
		V6 netip.Addr `json:"ipv6"`
	}
	familyDoc struct {
		V4 pathDoc `json:"ipv4"`
		V6 pathDoc `json:"ipv6"`
	}
	pathDoc struct {
		Verdict   string      `json:"verdict"`
		Why       string      `json:"why"`
		Source    netip.Addr  `json:"source"`
		Beyond    bool        `json:"natBeyond"`
		Mechanism string      `json:"mechanism"`
		Hops      []hopDoc    `json:"hops"`
		Branches  []branchDoc `json:"branches"`
	}
	hopDoc struct {
		Step    string `json:"step"`
		State   string `json:"state"`
		Known   string `json:"known"`
		Text    string `json:"text"`
		Because string `json:"because"`
		Check   string `json:"check"`
		Fix     string `json:"fix"`
	}
	branchDoc struct {
		Endpoints []netip.AddrPort `json:"endpoints"`
		Path      pathDoc          `json:"path"`
	}
	partingDoc struct {
		Family    ipfam.Family `json:"family"`
		Step      string       `json:"step"`
		Predicted string       `json:"predicted"`
		Observed  string       `json:"observed"`
		Because   string       `json:"because"`
		Check     string       `json:"check"`
		Fix       string       `json:"fix"`
	}
	programDoc struct {
		Names []string       `json:"names"`
		Order []ipfam.Family `json:"order"`
		Rule  string         `json:"rule"`
	}
	observationDoc struct {
		Family  ipfam.Family   `json:"family"`
		Tier    string         `json:"tier"`
		From    string         `json:"from"`
		Error   string         `json:"error"`
		Own     netip.Addr     `json:"own"`
		Asked   bool           `json:"asked"`
		Answers []netip.Addr   `json:"answers"`
		Dialed  netip.AddrPort `json:"dialed"`
		Connect string         `json:"connect"`
		TookMS  float64        `json:"tookMs"`
		Status  int            `json:"status"`
		Far     netip.Addr     `json:"far"`
		Large   string         `json:"large"`
		PathMTU int            `json:"pathMtu"`
		Rungs   []rungDoc      `json:"rungs"`
		Hops    []netip.Addr   `json:"hops"`
		Routes  *routesDoc     `json:"routes"`
		Agent   *agentDoc      `json:"agent"`
	}
	rungDoc struct {
		Name    string         `json:"name"`
		To      netip.AddrPort `json:"to"`
		Outcome string         `json:"outcome"`
	}
	routesDoc struct {
		Addresses []netip.Addr `json:"addresses"`
		Default   []netip.Addr `json:"default"`
		HasRoute  bool         `json:"hasRoute"`
	}
	agentDoc struct {
		Version     string       `json:"version"`
		Mechanism   string       `json:"mechanism"`
		Exclusion   netip.Prefix `json:"exclusion"`
		Tunnel      string       `json:"tunnel"`
		Translated  netip.Addr   `json:"translated"`
		PolicyDrops bool         `json:"policyDrops"`
	}
)

func traceDocument(t trace.Trace) traceDoc {
	target := t.Query.Target
	return traceDoc{
		APIVersion: APIVersion, Kind: "Trace", Pod: Object(t.Pod), Node: t.Node, Chosen: t.Chosen,
		Target: targetDoc{
			Kind: string(target.Kind), Text: target.Text, Name: target.Name, Object: Object(target.Ref),
			Addresses: addressDoc(target.Addresses), Port: target.Port,
		},
		Require: string(t.Query.Require), Summary: t.Summary, Paths: pathDocuments(t.Paths),
		Differences: each(t.Differences(), func(s trace.Step) string { return string(s) }),
		Partings: each(t.Partings, func(p trace.Parting) partingDoc {
			return partingDoc{p.Family, string(p.Step), p.Predicted, p.Observed, p.Because, p.Check, p.Fix}
		}),
		Programs: each(t.Programs, func(p trace.Program) programDoc {
			return programDoc{each(p.Names, asItIs), each(p.Order, asItIs), p.Rule}
		}),
		Observations: each(t.Seen, observationDocument),
	}
}

func pathDocuments(paths ipfam.Pair[trace.Path]) familyDoc {
	return familyDoc{pathDocument(paths.V4), pathDocument(paths.V6)}
}

func pathDocument(p trace.Path) pathDoc {
	return pathDoc{
		Verdict: string(p.Verdict), Why: p.Why, Source: p.Source, Beyond: p.Beyond, Mechanism: string(p.Mechanism),
		Hops: each(p.Hops, func(h trace.Hop) hopDoc {
			return hopDoc{string(h.Step), string(h.State), string(h.Known), h.Text, h.Because, h.Check, h.Fix}
		}),
		Branches: each(p.Branches, func(b trace.Branch) branchDoc {
			return branchDoc{each(b.Endpoints, asItIs), pathDocument(b.Path)}
		}),
	}
}

func observationDocument(o trace.Observation) observationDoc {
	doc := observationDoc{
		Family: o.Family, Tier: string(o.Tier), From: o.From, Error: o.Error,
		Own: o.Own, Asked: o.Asked, Answers: each(o.Answers, asItIs),
		Dialed: o.Dialed, Connect: string(o.Connect), TookMS: milliseconds(o.Took), Status: o.Status,
		Far: o.Far, Large: string(o.Large), PathMTU: o.PathMTU, Hops: each(o.Hops, asItIs),
		Rungs: each(o.Rungs, func(r trace.Rung) rungDoc { return rungDoc{r.Name, r.To, string(r.Outcome)} }),
	}
	if r := o.Routes; r != nil {
		doc.Routes = &routesDoc{each(r.Addresses, asItIs), each(r.Default, asItIs), r.HasRoute}
	}
	if a := o.Agent; a != nil {
		doc.Agent = &agentDoc{a.Version, string(a.Mechanism), a.Exclusion, a.Tunnel, a.Translated, a.PolicyDrops}
	}
	return doc
}

// milliseconds is d with three places: what is below a microsecond is noise.
func milliseconds(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond).Microseconds()) / 1000
}

// each is f of every value. It is never nil, which JSON would print as null.
func each[T, U any](values []T, f func(T) U) []U {
	out := make([]U, 0, len(values))
	for _, v := range values {
		out = append(out, f(v))
	}
	return out
}

func asItIs[T any](v T) T { return v }

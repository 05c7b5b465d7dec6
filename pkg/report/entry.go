package report

import (
	"slices"

	"go4.org/netipx"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/plan"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// entry is the claims that make one row of the matrix.
type entry struct {
	use     plan.Use
	source  string
	ref     snapshot.Ref // of the first claim
	objects int
	spans   ipfam.Pair[[]span]
	masks   ipfam.Pair[int]
	blocks  bool
	intent  bool
	// optional is whether the source may be silent about a family that it knows.
	optional bool
	// extends is whether the source may have more than the reference.
	extends bool
}

// serviceCIDR is the source whose objects are parts of one whole: the ranges of
// all of them are in use, and more than the first are no disagreement.
const serviceCIDR = "ServiceCIDR"

// claimKey tells the rows apart.
type claimKey struct {
	source string
	ref    snapshot.Ref // zero when all objects of the source make one row
}

func keyOf(c snapshot.Claim) claimKey {
	if c.Blocks || c.Source == serviceCIDR {
		return claimKey{source: c.Source}
	}
	return claimKey{c.Source, c.Ref}
}

// gather makes one entry of the claims that belong together: those of one object,
// all blocks of nodes, and objects that say the same.
func gather(claims []snapshot.Claim) []*entry {
	var entries []*entry
	byKey := map[claimKey]*entry{}
	last := snapshot.Ref{}
	for _, c := range claims {
		e := byKey[keyOf(c)]
		if e == nil {
			e = newEntry(c)
			byKey[keyOf(c)] = e
			entries = append(entries, e)
		} else if c.Ref != last {
			e.objects++
		}
		last = c.Ref
		e.add(c)
	}
	return merge(entries)
}

func newEntry(c snapshot.Claim) *entry {
	return &entry{
		use: c.Use, source: c.Source, ref: c.Ref, objects: 1, blocks: c.Blocks, intent: c.Intent,
		// Cilium asks the API server for the Service ranges unless it is told one.
		optional: c.Use == plan.LoadBalancers || c.Use == plan.Services && c.Source == "cilium",
		extends:  c.Source == serviceCIDR,
	}
}

func (e *entry) add(c snapshot.Claim) {
	put := func(s span) {
		at := e.spans.At(ipfam.Of(s.addrs.From()))
		// Two files may have the same document; two nodes must not have the same block.
		if at == nil || !e.blocks && slices.Contains(*at, s) {
			return
		}
		*at = append(*at, s)
	}
	for _, p := range c.Prefixes {
		put(span{netipx.RangeOfPrefix(p.Masked()), p.String()})
	}
	for _, r := range c.Ranges {
		put(span{r, plan.FormatAddrs(r)})
	}
	for _, f := range ipfam.All {
		if n := c.NodeMask.Of(f); n != 0 {
			*e.masks.At(f) = n
		}
	}
}

// merge makes one entry of those of one source that say the same. Pools stay
// apart: each is somebody's choice.
func merge(entries []*entry) []*entry {
	var merged []*entry
	for _, e := range entries {
		i := slices.IndexFunc(merged, func(m *entry) bool {
			return m.use != plan.LoadBalancers && m.source == e.source && m.says(e)
		})
		if i < 0 {
			merged = append(merged, e)
			continue
		}
		merged[i].objects += e.objects
	}
	return merged
}

func (e *entry) says(other *entry) bool {
	for _, f := range ipfam.All {
		if !same(e.spans.Of(f), other.spans.Of(f)) {
			return false
		}
	}
	return e.masks == other.masks
}

// votes reports whether e counts when sources are compared without a plan.
func (e *entry) votes(f ipfam.Family) bool { return !e.blocks && len(e.spans.Of(f)) > 0 }

func (e *entry) row(refs ipfam.Pair[reference]) Row {
	r := Row{Use: e.use, Source: e.source, Objects: e.objects}
	if e.objects == 1 {
		r.Object = Object(e.ref)
	}
	var cells ipfam.Pair[Cell]
	for _, f := range ipfam.All {
		*cells.At(f) = e.cell(f, refs.Of(f))
	}
	r.Cells = Cells(cells)
	return r
}

func (e *entry) cell(f ipfam.Family, ref reference) Cell {
	spans := e.spans.Of(f)
	c := Cell{Ranges: []string{}, NodeMask: e.masks.Of(f), Verdict: e.verdict(f, ref)}
	switch {
	case len(spans) == 0:
	case e.blocks:
		c.Blocks = blocks(spans, ref)
	default:
		c.Ranges = texts(spans)
	}
	return c
}

func (e *entry) verdict(f ipfam.Family, ref reference) Verdict {
	spans, mask := e.spans.Of(f), e.masks.Of(f)
	switch {
	case len(spans) == 0 && len(ref.spans) > 0 && !e.optional:
		return Missing
	case len(spans) == 0:
		return Silent
	case !ref.known:
		return Uncompared
	case mask != 0 && ref.mask != 0 && mask != ref.mask:
		return Differs
	case e.fits(spans, ref):
		return Agrees
	}
	return Differs
}

func (e *entry) fits(spans []span, ref reference) bool {
	switch {
	case e.blocks, e.use == plan.LoadBalancers:
		return ref.holds(spans)
	case e.extends:
		return len(ref.spans) > 0 && newReference(true, spans, 0).holds(ref.spans)
	}
	return same(spans, ref.spans)
}

// blocks sums up spans, of which there is one at least.
func blocks(spans []span, ref reference) *Blocks {
	byAddress := func(a, b span) int { return a.addrs.From().Compare(b.addrs.From()) }
	b := &Blocks{
		Count: len(spans), Masks: []int{}, Outside: []string{},
		First: slices.MinFunc(spans, byAddress).text, Last: slices.MaxFunc(spans, byAddress).text,
	}
	for _, s := range spans {
		if p, ok := s.addrs.Prefix(); ok && !slices.Contains(b.Masks, p.Bits()) {
			b.Masks = append(b.Masks, p.Bits())
		}
	}
	slices.Sort(b.Masks)
	if ref.known {
		b.Outside = texts(ref.outside(spans))
	}
	return b
}

package ipfam

import "net/netip"

// Pair holds one T for each family.
type Pair[T any] struct {
	V4 T
	V6 T
}

// Of is p's value for f. It is the zero T for the zero Family.
func (p Pair[T]) Of(f Family) T {
	switch f {
	case V4:
		return p.V4
	case V6:
		return p.V6
	}
	var zero T
	return zero
}

// At is where p keeps its value for f, to set it. It is nil for the zero Family.
func (p *Pair[T]) At(f Family) *T {
	switch f {
	case V4:
		return &p.V4
	case V6:
		return &p.V6
	}
	return nil
}

// Split sorts ps by family and keeps their order within each.
func Split(ps []netip.Prefix) Pair[[]netip.Prefix] {
	var pair Pair[[]netip.Prefix]
	for _, p := range ps {
		if at := pair.At(OfPrefix(p)); at != nil {
			*at = append(*at, p)
		}
	}
	return pair
}

// SplitAddrs sorts as by family and keeps their order within each.
func SplitAddrs(as []netip.Addr) Pair[[]netip.Addr] {
	var pair Pair[[]netip.Addr]
	for _, a := range as {
		if at := pair.At(Of(a)); at != nil {
			*at = append(*at, a)
		}
	}
	return pair
}

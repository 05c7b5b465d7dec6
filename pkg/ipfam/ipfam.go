// Package ipfam is the vocabulary of address families: one Family, a Set of
// them, and a Pair that holds one value for each. Code that loops over All and
// keeps its values in a Pair cannot forget the second family.
package ipfam

import (
	"fmt"
	"net/netip"
	"strings"
)

// Family is IPv4 or IPv6. The zero Family is neither; it is what Of gives for
// the zero address.
type Family uint8

// The two families.
const (
	V4 Family = 4
	V6 Family = 6
)

// All holds both families, IPv4 first. Order has no meaning here; where order
// is meaning (.spec.ipFamilies, --service-cluster-ip-range) keep the object's.
var All = [...]Family{V4, V6}

// Of is the family of a. An IPv4-mapped IPv6 address counts as IPv4, as it does
// for the kernel and for MetalLB; the zero address has no family.
func Of(a netip.Addr) Family {
	switch {
	case a.Unmap().Is4():
		return V4
	case a.Is6():
		return V6
	}
	return 0
}

// OfPrefix is the family of p's address.
func OfPrefix(p netip.Prefix) Family { return Of(p.Addr()) }

// Parse reads "IPv4" or "IPv6" in any case.
func Parse(s string) (Family, error) {
	for _, f := range All {
		if strings.EqualFold(s, f.String()) {
			return f, nil
		}
	}
	return 0, fmt.Errorf("address family %q: want IPv4 or IPv6", s)
}

// Valid reports whether f is one of the two families.
func (f Family) Valid() bool { return f == V4 || f == V6 }

// Other is the family that f is not.
func (f Family) Other() Family {
	switch f {
	case V4:
		return V6
	case V6:
		return V4
	}
	return 0
}

// Bits is the length of an address of the family: 32 or 128.
func (f Family) Bits() int {
	switch f {
	case V4:
		return 32
	case V6:
		return 128
	}
	return 0
}

// String is "IPv4" or "IPv6", the spelling of the Kubernetes API; the zero
// Family is "no family".
func (f Family) String() string {
	switch f {
	case V4:
		return "IPv4"
	case V6:
		return "IPv6"
	}
	return "no family"
}

// MarshalText gives the spelling of the Kubernetes API, and nothing for the
// zero Family.
func (f Family) MarshalText() ([]byte, error) {
	if !f.Valid() {
		return nil, nil
	}
	return []byte(f.String()), nil
}

// UnmarshalText reads what MarshalText writes.
func (f *Family) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*f = 0
		return nil
	}
	parsed, err := Parse(string(text))
	*f = parsed
	return err
}

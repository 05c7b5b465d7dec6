// Package release is the version numbers of the programs that a cluster runs,
// as small comparable values. Rules change between releases of Kubernetes,
// Cilium and MetalLB, so nearly every check asks for one.
package release

import (
	"fmt"
	"strconv"
	"strings"
)

// Version is a release such as 1.20.2. The zero Version is unknown: it is
// neither before nor from any other.
type Version struct {
	Major, Minor, Patch int
}

// V is the Version major.minor.patch; a missing patch is 0.
func V(major, minor int, patch ...int) Version {
	v := Version{Major: major, Minor: minor}
	if len(patch) > 0 {
		v.Patch = patch[0]
	}
	return v
}

// Parse reads "1.20", "v1.20.2", "1.20.2-rc.1" or "v1.37.2+k3s1". What follows
// the numbers is dropped: a pre-release counts as its release.
func Parse(s string) (Version, error) {
	text := strings.TrimPrefix(strings.TrimSpace(s), "v")
	if i := strings.IndexAny(text, "-+ "); i >= 0 {
		text = text[:i]
	}
	parts := strings.Split(text, ".")
	if len(parts) < 2 || len(parts) > 3 {
		return Version{}, fmt.Errorf("version %q: want MAJOR.MINOR or MAJOR.MINOR.PATCH", s)
	}
	var n [3]int
	for i, p := range parts {
		number, err := strconv.ParseUint(p, 10, 16)
		if err != nil {
			return Version{}, fmt.Errorf("version %q: %q is not a number", s, p)
		}
		n[i] = int(number)
	}
	return Version{Major: n[0], Minor: n[1], Patch: n[2]}, nil
}

// OfImage is the version in the tag of a container image, such as
// quay.io/cilium/cilium:v1.20.2@sha256:…; it is unknown when the image has a
// digest only, or a tag that is no version.
func OfImage(image string) Version {
	image, _, _ = strings.Cut(image, "@")
	slash := strings.LastIndexByte(image, '/')
	colon := strings.LastIndexByte(image, ':')
	if colon <= slash {
		return Version{}
	}
	v, err := Parse(image[colon+1:])
	if err != nil {
		return Version{}
	}
	return v
}

// Known reports whether v is a version at all.
func (v Version) Known() bool { return v != Version{} }

// Compare is -1, 0 or +1 as v is before, the same as, or after w.
func (v Version) Compare(w Version) int {
	for _, d := range [...]int{v.Major - w.Major, v.Minor - w.Minor, v.Patch - w.Patch} {
		switch {
		case d < 0:
			return -1
		case d > 0:
			return 1
		}
	}
	return 0
}

// From reports whether v is w or later. An unknown v is not.
func (v Version) From(w Version) bool { return v.Known() && v.Compare(w) >= 0 }

// Before reports whether v is earlier than w. An unknown v is not.
func (v Version) Before(w Version) bool { return v.Known() && v.Compare(w) < 0 }

// Or is v, or w when v is unknown.
func (v Version) Or(w Version) Version {
	if v.Known() {
		return v
	}
	return w
}

// String is "1.20.2", "1.20" without a patch, or "unknown".
func (v Version) String() string {
	switch {
	case !v.Known():
		return "unknown"
	case v.Patch == 0:
		return fmt.Sprintf("%d.%d", v.Major, v.Minor)
	}
	return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch)
}

// MarshalText writes the version, and nothing for the unknown one.
func (v Version) MarshalText() ([]byte, error) {
	if !v.Known() {
		return nil, nil
	}
	return []byte(v.String()), nil
}

// UnmarshalText reads what MarshalText writes.
func (v *Version) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*v = Version{}
		return nil
	}
	parsed, err := Parse(string(text))
	*v = parsed
	return err
}

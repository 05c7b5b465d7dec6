// Package apiserver is how kube-apiserver reads --service-cluster-ip-range: the
// functions of cmd/kube-apiserver/app/options, whose own package would have the
// whole server compiled.
package apiserver

import (
	"errors"
	"net"
)

// Extra is the fields of the options that the functions look at.
type Extra struct {
	ServiceClusterIPRanges         string
	PrimaryServiceClusterIPRange   net.IPNet
	SecondaryServiceClusterIPRange net.IPNet
}

// Ranges is the one or two ranges of the flag's value, as completion and
// validation of the options leave them.
func Ranges(flag string) ([]net.IPNet, error) {
	_, primary, secondary, err := getServiceIPAndRanges(flag)
	if err != nil {
		return nil, err
	}
	extra := Extra{ServiceClusterIPRanges: flag, PrimaryServiceClusterIPRange: primary, SecondaryServiceClusterIPRange: secondary}
	if errs := validateClusterIPFlags(extra); len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if secondary.IP == nil {
		return []net.IPNet{primary}, nil
	}
	return []net.IPNet{primary, secondary}, nil
}

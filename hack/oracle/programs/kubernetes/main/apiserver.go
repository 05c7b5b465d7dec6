package main

import (
	"net"
	"strings"

	"k8s.io/kubernetes/lifted/apiserver"
)

// apiServer is whether kube-apiserver starts with the Service ranges.
func apiServer(p plan) string {
	_, err := apiserver.Ranges(strings.Join(p.Services, ","))
	return sign(err == nil)
}

// allocators is what the allocators of the Service ranges have to give: for each
// range one verdict of allocator, or "refused" when the server does not start.
func allocators(p plan) string {
	ranges, err := apiserver.Ranges(strings.Join(p.Services, ","))
	if err != nil {
		return "refused"
	}
	var verdicts []string
	for i := range ranges {
		verdicts = append(verdicts, guardedRange(&ranges[i]))
	}
	return strings.Join(verdicts, " ")
}

func guardedRange(r *net.IPNet) (text string) {
	defer func() {
		if recover() != nil {
			text = "panic"
		}
	}()
	return allocator(r)
}

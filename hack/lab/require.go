package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/build"
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/host"
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/image"
)

// require names all that a lab with nodes needs and this machine has not got. What the
// kernel cannot do is said by the host that fails to start.
func (o options) require() error {
	if runtime.GOOS != "linux" {
		return fmt.Errorf("the nodes are Linux namespaces, and this is %s", runtime.GOOS)
	}
	if os.Geteuid() != 0 {
		return errors.New("only root can make the namespaces of the nodes: run the lab as root")
	}
	errs := []error{o.missing()}
	for _, archive := range image.Archives(o.bin, o.profile) {
		if _, err := os.Stat(archive); err != nil {
			errs = append(errs, fmt.Errorf("%w: build it with «lab build --profile %s»", err, o.profile))
		}
	}
	if o.profile == build.Cilium {
		_, err := host.UnifiedCgroup()
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

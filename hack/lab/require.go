package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/build"
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/host"
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/image"
)

// require names all that the lab needs and this machine has not got. What the kernel
// cannot do is said by the host that fails to start.
func (o options) require() error {
	if o.profile == build.ControlPlane {
		return o.built([]string{"etcd", "kube-apiserver"}) // envtest's folder has no more
	}
	if os.Geteuid() != 0 {
		return errors.New("only root can make the namespaces of the nodes: run the lab as root")
	}
	programs, err := build.Programs(o.profile)
	if err != nil {
		return err
	}
	var files []string
	for _, p := range programs {
		files = append(files, p.Name)
	}
	for _, archive := range image.Archives(o.bin, o.profile) {
		files = append(files, filepath.Join("images", filepath.Base(archive)))
	}
	errs := []error{o.missing(), o.built(files)}
	if o.profile == build.Cilium {
		_, err := host.UnifiedCgroup()
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// built is an error that names which of these files are not in the folder of the programs.
func (o options) built(files []string) error {
	gone := slices.DeleteFunc(files, func(name string) bool {
		_, err := os.Stat(filepath.Join(o.bin, name))
		return err == nil
	})
	if len(gone) == 0 {
		return nil
	}
	return fmt.Errorf("not built: %v are not in %s; «lab build --profile %s» builds them", gone, o.bin, o.profile)
}

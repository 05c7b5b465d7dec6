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
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/process"
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
	errs := []error{o.missing(), o.built(files), watchers()}
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

// inotifyInstances is how many a lab with nodes takes, of those that the kernel has for all
// processes of a user: six for each kubelet, as many for the API server, and others.
const inotifyInstances = 42

// watchers is an error where a lab would run out of inotify instances. Without it its
// kubelets end, and so do those of labs that run already.
func watchers() error {
	data, err := os.ReadFile("/proc/sys/fs/inotify/max_user_instances")
	if err != nil {
		return err
	}
	var most int
	if _, err := fmt.Sscan(string(data), &most); err != nil {
		return fmt.Errorf("/proc/sys/fs/inotify/max_user_instances: %w", err)
	}
	if used := process.Opened("anon_inode:inotify"); used+inotifyInstances > most {
		return fmt.Errorf("%d of %d inotify instances are in use, and a lab with nodes takes %d: end another lab, or let there be more with «sysctl -w fs.inotify.max_user_instances=512»",
			used, most, inotifyInstances)
	}
	return nil
}

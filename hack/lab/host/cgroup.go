package host

import (
	"bufio"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

const cgroupRoot = "/sys/fs/cgroup"

// hierarchy is one tree of cgroups: the unified one, or one of version 1.
type hierarchy struct {
	name  string // of its folder in cgroupRoot; empty where all of it is one tree
	kind  string // cgroup or cgroup2
	data  string // options of mount
	group string // where this process is in it
}

// hierarchies is the trees that the machine has and this process is in.
// Source: cgroups(7), /proc/PID/cgroup.
func hierarchies() ([]hierarchy, error) {
	data, err := os.ReadFile("/proc/self/cgroup") // at once: moving changes it
	if err != nil {
		return nil, err
	}
	var all []hierarchy
	for lines := bufio.NewScanner(strings.NewReader(string(data))); lines.Scan(); {
		parts := strings.SplitN(lines.Text(), ":", 3)
		if len(parts) != 3 {
			return nil, fmt.Errorf("/proc/self/cgroup: %q", lines.Text())
		}
		h := hierarchy{name: parts[1], kind: "cgroup", data: parts[1], group: parts[2]}
		switch named, ok := strings.CutPrefix(parts[1], "name="); {
		case parts[1] == "":
			h.kind, h.name = "cgroup2", "unified"
			if _, err := os.Stat(filepath.Join(cgroupRoot, "cgroup.controllers")); err == nil {
				h.name = ""
			}
		case ok:
			h.name, h.data = named, "none,"+parts[1]
		}
		if _, err := os.Stat(filepath.Join(cgroupRoot, h.name, "cgroup.procs")); errors.Is(err, fs.ErrNotExist) {
			continue // not mounted where programs look for it
		}
		all = append(all, h)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no cgroups are mounted below %s", cgroupRoot)
	}
	return all, nil
}

// UnifiedCgroup is the folder of the unified hierarchy, which is the only one that BPF
// programs can be attached to.
func UnifiedCgroup() (string, error) {
	all, err := hierarchies()
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(all, func(h hierarchy) bool { return h.kind == "cgroup2" })
	if i < 0 {
		return "", fmt.Errorf("no unified cgroup hierarchy is mounted below %s, and Cilium needs it", cgroupRoot)
	}
	return filepath.Join(cgroupRoot, all[i].name), nil
}

// intoCgroups makes a cgroup for the node in every hierarchy, moves this process
// there, and starts it anew in a namespace of which they are the roots.
func (o initOptions) intoCgroups(args []string) error {
	all, err := hierarchies()
	if err != nil {
		return err
	}
	var groups []string
	for _, h := range all {
		groups = append(groups, filepath.Join(cgroupRoot, h.name, h.group, CgroupPrefix(o.dir)+o.name))
	}
	// First, for the one who cleans up after a lab that could not do it itself.
	if err := os.WriteFile(CgroupFile(o.dir, o.name), []byte(strings.Join(groups, "\n")), 0o600); err != nil {
		return err
	}
	for i, group := range groups {
		if err := os.MkdirAll(group, 0o755); err != nil {
			return err
		}
		if err := all[i].prepare(group); err != nil {
			return err
		}
	}
	for _, group := range groups {
		if err := os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte("0"), 0); err != nil {
			return fmt.Errorf("move into %s: %w", group, err)
		}
	}
	// A thread of its own namespace; what it becomes has that one alone.
	runtime.LockOSThread()
	if err := syscall.Unshare(syscall.CLONE_NEWCGROUP); err != nil {
		return fmt.Errorf("make a cgroup namespace: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return syscall.Exec(self, slices.Concat([]string{self, "init"}, args, []string{"--in-cgroups"}), os.Environ())
}

// CgroupPrefix is what the names of the cgroups of the lab in dir begin with. No other
// lab has this folder.
func CgroupPrefix(dir string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(dir)) // a hash takes all writes
	return fmt.Sprintf("dualstack-lab-%08x-", h.Sum32())
}

// prepare makes a new cgroup one that processes can be in.
func (h hierarchy) prepare(group string) error {
	if h.name != "cpuset" {
		return nil
	}
	for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
		value, err := os.ReadFile(filepath.Join(filepath.Dir(group), file))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(group, file), value, 0); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(group, "cgroup.clone_children"), []byte("1"), 0)
}

// mountCgroups mounts every hierarchy of this process below at. In a cgroup namespace
// each shows its own root there.
func mountCgroups(at string) error {
	all, err := hierarchies()
	if err != nil {
		return err
	}
	if one := slices.IndexFunc(all, func(h hierarchy) bool { return h.name == "" }); one >= 0 {
		if err := (mount{"cgroup2", at, "cgroup2", 0, ""}).do(); err != nil {
			return err
		}
		return delegate(at)
	}
	if err := (mount{"tmpfs", at, "tmpfs", 0, "mode=755"}).do(); err != nil {
		return err
	}
	for _, h := range all {
		folder := filepath.Join(at, h.name)
		if err := os.Mkdir(folder, 0o755); err != nil {
			return err
		}
		if err := (mount{h.kind, folder, h.kind, 0, h.data}).do(); err != nil {
			return err
		}
	}
	return nil
}

// delegate lets the node hand out the machine's controllers. A cgroup that hands them
// out has no processes of its own: init goes into one below it.
// Source: cgroups(7), "no internal processes" rule.
func delegate(root string) error {
	leaf := filepath.Join(root, "init.scope")
	if err := os.Mkdir(leaf, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(leaf, "cgroup.procs"), []byte("0"), 0); err != nil {
		return err
	}
	controllers, err := os.ReadFile(filepath.Join(root, "cgroup.controllers"))
	if err != nil {
		return err
	}
	for controller := range strings.FieldsSeq(string(controllers)) {
		if err := os.WriteFile(filepath.Join(root, "cgroup.subtree_control"), []byte("+"+controller), 0); err != nil {
			return fmt.Errorf("delegate %s: %w", controller, err)
		}
	}
	return nil
}

// CgroupFile names the cgroups of a node, for RemoveCgroups.
func CgroupFile(dir, name string) string { return filepath.Join(dir, "nodes", name, "cgroups") }

// RemoveCgroups removes the cgroups that ended nodes of the lab in dir leave behind.
func RemoveCgroups(dir string) error {
	files, err := filepath.Glob(CgroupFile(dir, "*"))
	if err != nil {
		return err
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for group := range strings.FieldsSeq(string(data)) {
			// Whoever was killed may have written half a line.
			if strings.HasPrefix(filepath.Base(group), CgroupPrefix(dir)) {
				err = errors.Join(err, removeTree(group))
			}
		}
		if err != nil {
			return err
		}
		if err := os.Remove(file); err != nil {
			return err
		}
	}
	return nil
}

// removeTree removes a cgroup and those below it. Their files go with the folders.
func removeTree(group string) error {
	var folders []string
	err := filepath.WalkDir(group, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			folders = append(folders, path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	for _, folder := range slices.Backward(folders) {
		if removed := syscall.Rmdir(folder); removed != nil && !errors.Is(removed, fs.ErrNotExist) {
			err = errors.Join(err, fmt.Errorf("remove %s: %w", folder, removed))
		}
	}
	return err
}

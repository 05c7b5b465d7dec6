package host

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	readyWord = "ready"
	readyFD   = 3
)

// shielded are settings of the whole machine that a kubelet and Cilium's agent write.
// In a host a file of its own stands in each one's place.
// Source: kubernetes v1.37.2, pkg/kubelet/cm/container_manager_linux.go
// setupKernelTunables; cilium v1.20.2, pkg/datapath/linux/sysctl and
// pkg/datapath/loader/base.go.
var shielded = []string{
	"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
	"kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes", "kernel/unprivileged_bpf_disabled", "kernel/timer_migration",
}

type initOptions struct {
	dir, bin, name string
	nameservers    string
	node           bool
	folders        []string
	sysctls        []string
	shared         []string // WHERE=FOLDER
	second         bool
}

// Init is the first process of a host: it makes the host's file systems, and then
// collects the dead until it is told to end, which ends everything in the host.
func Init(args []string) error {
	var o initOptions
	flags := flag.NewFlagSet("init", flag.ContinueOnError)
	flags.StringVar(&o.dir, "dir", "", "folder of the lab")
	flags.StringVar(&o.bin, "bin", "", "folder of the programs")
	flags.StringVar(&o.name, "name", "", "name of the host")
	flags.StringVar(&o.nameservers, "nameservers", "", "of resolv.conf, with commas")
	flags.BoolVar(&o.node, "node", false, "containers run on it")
	flags.BoolVar(&o.second, "in-cgroups", false, "the cgroup namespace is there")
	flags.Func("folder", "folder that is not copied on write", func(f string) error {
		o.folders = append(o.folders, f)
		return nil
	})
	flags.Func("shared", "WHERE=FOLDER of the machine", func(s string) error {
		o.shared = append(o.shared, s)
		return nil
	})
	flags.Func("sysctl", "NAME=VALUE below /proc/sys", func(s string) error {
		o.sysctls = append(o.sysctls, s)
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.node && !o.second {
		return o.intoCgroups(args)
	}
	if err := o.fileSystems(); err != nil {
		return err
	}
	if err := o.settings(); err != nil {
		return err
	}
	told := os.NewFile(readyFD, "ready")
	if _, err := told.WriteString(readyWord); err != nil {
		return err
	}
	if err := told.Close(); err != nil {
		return err
	}
	return Reap()
}

// mount is one call of mount(2).
type mount struct {
	source, target, kind string
	flags                uintptr
	data                 string
}

func (m mount) do() error {
	if err := syscall.Mount(m.source, m.target, m.kind, m.flags, m.data); err != nil {
		return fmt.Errorf("mount %s on %s: %w", m.source, m.target, err)
	}
	return nil
}

// fileSystems makes the host's view of the machine's files its root.
func (o initOptions) fileSystems() error {
	if err := syscall.Sethostname([]byte(o.name)); err != nil {
		return err
	}
	layer, root := Folder(o.dir, o.name, "layer"), Folder(o.dir, o.name, "root")
	if err := os.MkdirAll(layer, 0o700); err != nil {
		return err
	}
	// What the host writes is in memory: an overlay on the machine's own file system
	// could not lie below that same file system.
	for _, m := range []mount{{target: "/", flags: syscall.MS_REC | syscall.MS_PRIVATE}, {"tmpfs", layer, "tmpfs", 0, "mode=700"}} {
		if err := m.do(); err != nil {
			return err
		}
	}
	if err := os.Chdir(layer); err != nil { // its path may have a comma, which the options could not
		return err
	}
	for _, folder := range []string{"upper", "work"} {
		if err := os.Mkdir(folder, 0o755); err != nil {
			return err
		}
	}
	if err := (mount{"overlay", root, "overlay", 0, "lowerdir=/,upperdir=upper,workdir=work"}).do(); err != nil {
		return err
	}
	in := func(path string) string { return filepath.Join(root, path) }
	mounts := []mount{
		{"proc", in("/proc"), "proc", 0, ""},
		{"sysfs", in("/sys"), "sysfs", 0, ""},
		{"/dev", in("/dev"), "", syscall.MS_BIND | syscall.MS_REC, ""},
		{"tmpfs", in("/run"), "tmpfs", 0, "mode=755"},
		{"tmpfs", in("/tmp"), "tmpfs", 0, "mode=1777"},
		{o.bin, in(Programs), "", syscall.MS_BIND, ""},
	}
	for _, folder := range o.folders {
		mounts = append(mounts, mount{Folder(o.dir, o.name, folder), in(folder), "", syscall.MS_BIND, ""})
	}
	for _, shared := range o.shared {
		at, folder, _ := strings.Cut(shared, "=")
		mounts = append(mounts, mount{folder, in(at), "", syscall.MS_BIND, ""})
	}
	if o.node {
		mounts = append(mounts, mount{"bpf", in("/sys/fs/bpf"), "bpf", 0, ""})
	}
	for _, m := range mounts {
		if err := os.MkdirAll(m.target, 0o755); err != nil && !errors.Is(err, fs.ErrPermission) { // /sys has its own
			return err
		}
		if err := m.do(); err != nil {
			return err
		}
	}
	if o.node {
		if err := mountCgroups(in(cgroupRoot)); err != nil {
			return err
		}
	}
	if err := o.files(root); err != nil {
		return err
	}
	if err := shield(root); err != nil {
		return err
	}
	return enter(root)
}

// files writes the host's own /etc.
func (o initOptions) files(root string) error {
	var resolv strings.Builder
	for _, server := range strings.FieldsFunc(o.nameservers, func(r rune) bool { return r == ',' }) {
		_, _ = fmt.Fprintf(&resolv, "nameserver %s\n", server)
	}
	for name, content := range map[string]string{
		"hostname":    o.name + "\n",
		"hosts":       "127.0.0.1 localhost\n::1 localhost\n",
		"resolv.conf": resolv.String(),
		"machine-id":  fmt.Sprintf("%032x\n", o.name)[:32] + "\n",
	} {
		path := filepath.Join(root, "etc", name)
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) { // it may be a link to where nothing is
			return err
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// shield puts files in the place of the settings that belong to the machine. A kernel
// that has not got one does not need it.
func shield(root string) error {
	for _, name := range shielded {
		setting := filepath.Join(root, "proc", "sys", name)
		value, err := os.ReadFile(setting)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		file := filepath.Join(root, "run", "sysctl", name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, value, 0o644); err != nil {
			return err
		}
		if err := (mount{file, setting, "", syscall.MS_BIND, ""}).do(); err != nil {
			return err
		}
	}
	return nil
}

// settings writes the host's own settings. Addresses are known to be nobody else's, and
// come from nobody else.
func (o initOptions) settings() error {
	all := o.sysctls
	for _, of := range []string{"all", "default"} {
		all = append(all, "net/ipv6/conf/"+of+"/accept_dad=0", "net/ipv6/conf/"+of+"/accept_ra=0")
	}
	for _, setting := range all {
		name, value, _ := strings.Cut(setting, "=")
		if err := os.WriteFile(filepath.Join("/proc/sys", name), []byte(value), 0); err != nil {
			return err
		}
	}
	return nil
}

// enter makes root the only root. Mounts that are made in the host later reach its
// containers, as on a machine with systemd.
func enter(root string) error {
	old := filepath.Join(root, "mnt")
	if err := syscall.PivotRoot(root, old); err != nil {
		return fmt.Errorf("pivot to %s: %w", root, err)
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	if err := syscall.Unmount("/mnt", syscall.MNT_DETACH); err != nil {
		return err
	}
	return mount{target: "/", flags: syscall.MS_REC | syscall.MS_SHARED}.do()
}

// Reap collects what ends in the host until a signal asks for its end. A container that
// only holds its namespaces does the same.
func Reap() error {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGCHLD)
	for s := range signals {
		if s != syscall.SIGCHLD {
			return nil
		}
		for {
			if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 || err != nil {
				break
			}
		}
	}
	return nil
}

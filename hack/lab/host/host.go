// Package host runs hosts on one machine. A host is one process, the init of
// namespaces of its own: network, mounts, processes, name, IPC and, where containers
// run, cgroups. It sees the machine's files copy-on-write, and its own /run, /tmp,
// /proc and /sys. It has no name that another lab could take, and ends with the
// process that started it, whatever became of that.
package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/process"
)

// Programs is where a host sees the lab's programs, bin/lab of the repository, which is
// first in the PATH of what Command runs there.
const Programs = "/opt/lab/bin"

// Spec is a host to be started.
type Spec struct {
	Name string
	// Node makes it one that containers run on: it has cgroups of its own, a BPF file
	// system, and Folders.
	Node bool
	// Folders are on the machine's file system rather than copied on write: an
	// overlay cannot hold the layers of another.
	Folders []string
	// Shared is folders of the machine by where the host has them.
	Shared map[string]string
	// Nameservers go into resolv.conf.
	Nameservers []string
	// Sysctls are settings below /proc/sys.
	Sysctls map[string]string
}

// Host is a running host.
type Host struct {
	Name string
	dir  string
	init *process.Process
}

// folders of a lab, below the one that it owns.
func pidFile(dir, name string) string { return filepath.Join(dir, "hosts", name) }

// Folder is where a Folder of the host's is on the machine.
func Folder(dir, name, folder string) string { return filepath.Join(dir, "nodes", name, folder) }

// Start starts a host whose files are below dir. Program is the lab's own one, which
// has the command init, and bin the folder of all its programs. It comes back when the
// host has all of its own file systems.
func Start(ctx context.Context, program, bin, dir string, s Spec) (*Host, error) {
	logs := filepath.Join(dir, "log")
	for _, folder := range []string{logs, filepath.Dir(pidFile(dir, s.Name)), Folder(dir, s.Name, "root")} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, err
		}
	}
	args := []string{"init", "--dir", dir, "--bin", bin, "--name", s.Name, "--nameservers", strings.Join(s.Nameservers, ",")}
	if s.Node {
		args = append(args, "--node")
	}
	for at, folder := range s.Shared {
		args = append(args, "--shared", at+"="+folder)
	}
	for name, value := range s.Sysctls {
		args = append(args, "--sysctl", name+"="+value)
	}
	for _, folder := range s.Folders {
		if err := os.MkdirAll(Folder(dir, s.Name, folder), 0o755); err != nil {
			return nil, err
		}
		args = append(args, "--folder", folder)
	}
	cmd := exec.Command(program, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC | syscall.CLONE_NEWPID}
	ready, told, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer ready.Close()
	cmd.ExtraFiles = []*os.File{told}
	p, err := process.Run("host-"+s.Name, logs, cmd)
	_ = told.Close() // init has its own
	if err != nil {
		return nil, err
	}
	h := &Host{Name: s.Name, dir: dir, init: p}
	if err := h.await(ctx, ready); err != nil {
		p.Stop(0)
		return nil, fmt.Errorf("host %s: %w", s.Name, err)
	}
	return h, os.WriteFile(pidFile(dir, s.Name), []byte(strconv.Itoa(p.PID())), 0o600)
}

// await reads init's word that it is ready; the pipe closes without one when it ends.
func (h *Host) await(ctx context.Context, ready *os.File) error {
	said := make(chan error, 1)
	go func() {
		_, err := io.ReadFull(ready, make([]byte, len(readyWord)))
		said <- err
	}()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case err := <-said:
		if err != nil {
			<-h.init.Done()
			return h.init.Failure()
		}
		return nil
	}
}

// PID is the id of the host's init on the machine.
func (h *Host) PID() int { return h.init.PID() }

// InNetwork is a command in the host's network, with the machine's files and processes.
func (h *Host) InNetwork(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "nsenter", append([]string{"--target", strconv.Itoa(h.PID()), "--net", "--"}, args...)...)
}

// Stop ends the host and all that runs in it.
func (h *Host) Stop() {
	h.init.Stop(time.Second)
	_ = os.Remove(pidFile(h.dir, h.Name))
}

// Done is closed when the host has ended.
func (h *Host) Done() <-chan struct{} { return h.init.Done() }

// Failure is why the host ended.
func (h *Host) Failure() error { return h.init.Failure() }

// Command is a command that runs in all namespaces of a host of the lab in dir. It ends
// with the command that started it only when that kills it: end the host to end all.
func Command(ctx context.Context, dir, name string, args ...string) (*exec.Cmd, error) {
	data, err := os.ReadFile(pidFile(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no host %s runs in %s; there are: %s", name, dir, strings.Join(Names(dir), " "))
	}
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "nsenter", append([]string{"--target", string(data), "--all", "--root", "--wd", "--"}, args...)...)
	cmd.Env = Environment()
	cmd.WaitDelay = time.Second // what was started in the host keeps the pipes open
	return cmd, nil
}

// Environment is that of what runs in a host: nothing of the machine's leads there.
func Environment() []string {
	return []string{"PATH=" + Programs + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8", "TERM=" + os.Getenv("TERM")}
}

// Names is the names of the hosts of the lab in dir.
func Names(dir string) []string {
	entries, _ := os.ReadDir(filepath.Dir(pidFile(dir, "any"))) // none without the folder
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// Run runs a command in the host with stdin, and is what it printed. What it printed as
// errors is part of the error.
func (h *Host) Run(ctx context.Context, stdin string, args ...string) (string, error) {
	cmd, err := Command(ctx, h.dir, h.Name, args...)
	if err != nil {
		return "", err
	}
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := process.Do(cmd); err != nil {
		return stdout.String(), fmt.Errorf("on %s: %s: %w: %s", h.Name, strings.Join(args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return stdout.String(), nil
}

// Write writes a file in the host, and the folders that it is in.
func (h *Host) Write(ctx context.Context, path, content string) error {
	_, err := h.Run(ctx, content, "sh", "-c", `mkdir -p "${1%/*}" && cat > "$1"`, "sh", path)
	return err
}

// Serve starts a program in the host that stays there, with its output in
// log/LOG-HOST.log.
func (h *Host) Serve(log string, files []*os.File, args ...string) (*process.Process, error) {
	cmd, err := Command(context.Background(), h.dir, h.Name, args...)
	if err != nil {
		return nil, err
	}
	cmd.ExtraFiles = files
	return process.Run(log+"-"+h.Name, filepath.Join(h.dir, "log"), cmd)
}

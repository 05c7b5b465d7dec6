// Package process runs programs that end with the lab: by their id when it ends in
// order, and by the kernel when it does not.
package process

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// Process is a running program.
type Process struct {
	Name string
	Log  string // the file that it writes to
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // how it ended; to be read after done
}

// Start starts program with its output in LOGS/NAME.log. The kernel kills it when
// the calling process dies, however that comes about.
func Start(program, logs string, args ...string) (*Process, error) {
	return Run(filepath.Base(program), logs, exec.Command(program, args...))
}

// Run is Start for a command that is made already and has a name of its own. What its
// SysProcAttr asks for, such as namespaces, stays.
func Run(name, logs string, cmd *exec.Cmd) (*Process, error) {
	p := &Process{Name: name, Log: filepath.Join(logs, name+".log"), cmd: cmd, done: make(chan struct{})}
	out, err := os.Create(p.Log)
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = out, out
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	// A process group of its own keeps the terminal's interrupt from it: it is
	// ended after those that depend on it.
	cmd.SysProcAttr.Setpgid = true
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	started := make(chan error)
	go func() {
		// The death signal is sent when the thread that started the process ends,
		// so this thread has to live as long as the process.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = p.cmd.Wait()
		_ = out.Close()
		close(p.done)
	}()
	if err := <-started; err != nil {
		_ = out.Close()
		return nil, fmt.Errorf("start %s: %w", p.Name, err)
	}
	return p, nil
}

// Do runs a command to its end, which comes at the latest when the calling process dies.
func Do(cmd *exec.Cmd) error {
	runtime.LockOSThread() // see Run
	defer runtime.UnlockOSThread()
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	return cmd.Run()
}

// PID is the id of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Ended reports whether the process has ended, and how: nil when it did what it was
// there for.
func (p *Process) Ended() (bool, error) {
	select {
	case <-p.done:
	default:
		return false, nil
	}
	if p.err == nil {
		return true, nil
	}
	return true, p.Failure()
}

// Stop asks the process to end, and makes it when it does not within grace.
func (p *Process) Stop(grace time.Duration) {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // fails when it has ended already
	select {
	case <-p.done:
		return
	case <-time.After(grace):
	}
	_ = p.cmd.Process.Kill()
	<-p.done
}

// Failure is why a process that has ended did so: its state and its last words.
func (p *Process) Failure() error {
	const lines = 15
	words, err := os.ReadFile(p.Log)
	if err != nil {
		return fmt.Errorf("%s ended: %v", p.Name, p.err) //nolint:errorlint // nil when it ended by itself
	}
	all := bytes.Split(bytes.TrimSpace(words), []byte("\n"))
	last := bytes.Join(all[max(0, len(all)-lines):], []byte("\n"))
	return fmt.Errorf("%s ended: %v; the end of %s:\n%s", p.Name, p.err, p.Log, last) //nolint:errorlint // nil when it ended by itself
}

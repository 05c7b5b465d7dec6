package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/controlplane"
)

// socketFile is where a running control plane takes orders: one on each connection,
// as JSON, and then the answer.
const socketFile = "control.sock"

// order is a program to be run with other flags, or without any as it was at first.
type order struct {
	Restart string
	Flags   []string
}

// answer is the id of the new process, or what went wrong.
type answer struct {
	PID   int
	Error string
}

// listen takes orders for the lab in dir until ctx is done. What it hands out is to be
// called by the one that owns the control plane.
func listen(ctx context.Context, dir string) (<-chan func(*controlplane.ControlPlane), error) {
	path, done, err := socket(dir)
	if err != nil {
		return nil, err
	}
	defer done()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	listener.(*net.UnixListener).SetUnlinkOnClose(false) // by then path may be another folder's
	if err := os.Chmod(filepath.Join(dir, socketFile), 0o600); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	context.AfterFunc(ctx, func() { _ = listener.Close() })
	orders := make(chan func(*controlplane.ControlPlane))
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // it was closed
			}
			go take(ctx, conn, orders)
		}
	}()
	return orders, nil
}

// take reads an order, has it carried out, and answers.
func take(ctx context.Context, conn net.Conn, orders chan<- func(*controlplane.ControlPlane)) {
	defer conn.Close()
	var o order
	if err := json.NewDecoder(conn).Decode(&o); err != nil {
		_ = json.NewEncoder(conn).Encode(answer{Error: fmt.Sprintf("no order: %v", err)})
		return
	}
	answered := make(chan struct{})
	do := func(cp *controlplane.ControlPlane) {
		defer close(answered)
		var a answer
		pid, err := cp.Restart(ctx, o.Restart, o.Flags)
		if a.PID = pid; err != nil {
			a.Error = err.Error()
		}
		_ = json.NewEncoder(conn).Encode(a) // who asked may have left
	}
	select {
	case <-ctx.Done():
	case orders <- do:
		<-answered
	}
}

// restart has the lab in dir run a program with other flags, and without any as it was
// at first. It comes back when the program is ready, with the id of its process.
func restart(ctx context.Context, dir, program string, flags ...string) (pid int, err error) {
	path, done, err := socket(dir)
	if err != nil {
		return 0, err
	}
	defer done()
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("no control plane in %s takes orders", dir)
	}
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if err := json.NewEncoder(conn).Encode(order{program, flags}); err != nil {
		return 0, err
	}
	var a answer
	if err := json.NewDecoder(conn).Decode(&a); ctx.Err() != nil {
		return 0, fmt.Errorf("restart %s: %w", program, context.Cause(ctx))
	} else if err != nil {
		return 0, fmt.Errorf("restart %s: no answer: %w", program, err)
	}
	if a.Error != "" {
		return 0, fmt.Errorf("restart %s: %s", program, a.Error)
	}
	return a.PID, nil
}

// socket is a short path of the socket in dir, as long as done is not called: the
// kernel takes 108 bytes. Source: unix(7).
func socket(dir string) (path string, done func(), err error) {
	folder, err := os.Open(dir)
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", folder.Fd(), socketFile), func() { _ = folder.Close() }, nil
}

// Package store keeps what containerd makes of the images: a folder that every node
// starts from, without importing anything. The nodes' files are links to the same ones,
// which are on the disk and in memory once. Containers write to layers of their own.
package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/host"
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/lock"
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/process"
)

// Root is where containerd has its files.
const Root = "/var/lib/containerd"

const containerdTimeout = 30 * time.Second

// Make imports archives of the folder bin into a folder of it, unless that is there from
// the same archives already, and returns it. It needs root. A store of archives of the
// same names is not kept: each is as large as all images. Labs that start at the same time
// wait for each other.
func Make(ctx context.Context, bin string, archives []string, log io.Writer) (string, error) {
	which, key, err := name(archives)
	if err != nil {
		return "", err
	}
	folder := filepath.Join(bin, "store", which)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	unlock, err := lock.Take(ctx, folder+".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	made := filepath.Join(folder, key)
	if _, err := os.Stat(made); err == nil {
		_, err := fmt.Fprintf(log, "store of %d archives: up to date\n", len(archives))
		return made, err
	}
	start := time.Now()
	if err := empty(folder); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(folder, "making-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := importAll(ctx, bin, dir, archives); err != nil {
		return "", err
	}
	if err := os.Rename(host.Folder(dir, "import", Root), made); err != nil {
		return "", err
	}
	_, err = fmt.Fprintf(log, "store of %d archives: made in %s\n", len(archives), time.Since(start).Round(time.Second))
	return made, err
}

// empty removes what is in a folder: stores of older archives, or halves of one.
func empty(folder string) error {
	entries, err := os.ReadDir(folder)
	for _, entry := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(folder, entry.Name())))
	}
	return err
}

// name is that of the store of some archives: by which they are, and by when they were
// packed, since an archive that is packed again is another file.
func name(archives []string) (which, key string, err error) {
	names, times := sha256.New(), sha256.New()
	for _, archive := range archives {
		stat, err := os.Stat(archive)
		if err != nil {
			return "", "", err
		}
		_, _ = fmt.Fprintln(names, archive) // a hash takes all writes
		_, _ = fmt.Fprintln(times, stat.Size(), stat.ModTime().UnixNano())
	}
	return fmt.Sprintf("%x", names.Sum(nil))[:8], fmt.Sprintf("%x", times.Sum(nil))[:16], nil
}

// importAll runs a containerd in a host of its own, until it has all images.
func importAll(ctx context.Context, bin, dir string, archives []string) (err error) {
	h, err := host.Start(ctx, filepath.Join(bin, "lab"), bin, dir, host.Spec{Name: "import", Folders: []string{Root}})
	if err != nil {
		return err
	}
	defer h.Stop()
	containerd, err := h.Serve("containerd", nil, "sh", "-c", "echo $$ > /run/containerd.pid; exec containerd")
	if err != nil {
		return err
	}
	if err := await(ctx, h, containerd); err != nil {
		return err
	}
	for _, archive := range archives {
		inHost, err := filepath.Rel(bin, archive)
		if err != nil {
			return err
		}
		if _, err := h.Run(ctx, "", "ctr", "--namespace=k8s.io", "images", "import", "--local", host.Programs+"/"+inHost); err != nil {
			return err
		}
	}
	// What is written by a process that is killed may be written by halves.
	_, err = h.Run(ctx, "", "sh", "-c", "kill $(cat /run/containerd.pid) && while kill -0 $(cat /run/containerd.pid) 2>/dev/null; do sleep 0.05; done")
	return err
}

// await waits until containerd answers, it has ended, or nobody waits any more.
func await(ctx context.Context, h *host.Host, containerd *process.Process) error {
	ctx, cancel := context.WithTimeoutCause(ctx, containerdTimeout, fmt.Errorf("containerd does not answer after %s", containerdTimeout))
	defer cancel()
	for {
		_, err := h.Run(ctx, "", "ctr", "version")
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-containerd.Done():
			return errors.Join(containerd.Failure(), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Link gives a node the files of a store. Databases are copied: containerd writes them.
func Link(ctx context.Context, store, folder string) error {
	for _, args := range [][]string{{"--archive", "--link"}, {"--archive"}} {
		cmd := exec.CommandContext(ctx, "cp", append(args, store+"/.", folder)...)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		err := process.Do(cmd)
		if err == nil {
			return ownDatabases(folder)
		}
		if said := out.String(); !strings.Contains(said, syscall.EXDEV.Error()) && !strings.Contains(said, "cross-device") {
			return fmt.Errorf("link %s: %w: %s", store, err, strings.TrimSpace(said))
		}
	}
	return nil
}

func ownDatabases(folder string) error {
	return filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == "snapshots": // the images' own files
			return fs.SkipDir
		case !strings.HasSuffix(path, ".db"):
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(path+".own", data, 0o600); err != nil {
			return err
		}
		return os.Rename(path+".own", path)
	})
}

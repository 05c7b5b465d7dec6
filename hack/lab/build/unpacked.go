package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// Unpacked is Debian packages that are not installed, since then what is in them would
// run on the machine. Their programs are taken from where they are unpacked.
type Unpacked struct {
	names []string
	shows string // file that is there when all of them are
}

// What is unpacked: the web server of the images, and programs that read the
// configuration of routers, which the tests show what plan render writes.
var (
	WebServer = Unpacked{[]string{"nginx", "nginx-common"}, "usr/sbin/nginx"}
	Routers   = Unpacked{[]string{"frr", "libyang2", "radvd"}, "usr/bin/vtysh"}
)

// Fetch unpacks the packages into dir, unless they are there.
func (u Unpacked) Fetch(ctx context.Context, dir string) error {
	if _, err := os.Stat(filepath.Join(dir, u.shows)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	packages, err := os.MkdirTemp("", "lab-packages-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(packages) }()
	// The user that apt downloads as may not write into this folder.
	args := append([]string{"download", "-q", "-o", "APT::Sandbox::User=root"}, u.names...)
	if err := runIn(ctx, packages, "apt-get", args...); err != nil {
		return fmt.Errorf("%w; has «apt-get update» been run?", err)
	}
	files, err := filepath.Glob(filepath.Join(packages, "*.deb"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := runIn(ctx, packages, "dpkg", "-x", file, "root"); err != nil {
			return err
		}
	}
	return errors.Join(os.RemoveAll(dir), os.MkdirAll(filepath.Dir(dir), 0o755), os.CopyFS(dir, os.DirFS(filepath.Join(packages, "root"))))
}

func runIn(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, args[0], err, bytes.TrimSpace(out))
	}
	return nil
}

package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/build"
)

// fetchNginx unpacks Debian's nginx into dir, unless it is there.
func fetchNginx(ctx context.Context, dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "usr/sbin/nginx")); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	packages, err := os.MkdirTemp("", "lab-nginx-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(packages) }()
	// The user that apt downloads as may not write into this folder.
	args := append([]string{"download", "-q", "-o", "APT::Sandbox::User=root"}, build.Unpacked...)
	if err := run(ctx, packages, "apt-get", args...); err != nil {
		return fmt.Errorf("%w; has «apt-get update» been run?", err)
	}
	files, err := filepath.Glob(filepath.Join(packages, "*.deb"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := run(ctx, packages, "dpkg", "-x", file, "root"); err != nil {
			return err
		}
	}
	return errors.Join(os.RemoveAll(dir), os.MkdirAll(filepath.Dir(dir), 0o755), os.CopyFS(dir, os.DirFS(filepath.Join(packages, "root"))))
}

func run(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, args[0], err, bytes.TrimSpace(out))
	}
	return nil
}

// nginxConfig and nginxServer are short forms of those in the image that nginx's
// makers publish, after its first start has put the second address into it.
const nginxConfig = `user nginx;
worker_processes auto;
error_log /var/log/nginx/error.log notice;
pid /run/nginx.pid;

events {
    worker_connections 1024;
}

http {
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    access_log /var/log/nginx/access.log;
    sendfile on;
    keepalive_timeout 65;
    include /etc/nginx/conf.d/*.conf;
}
`

const nginxServer = `server {
    listen 80;
    listen [::]:80;
    server_name localhost;

    location / {
        root /usr/share/nginx/html;
        index index.html;
    }
}
`

// nginx is the layer of the server, from where its packages are unpacked.
func nginx(unpacked string, below ...*Layer) *Layer {
	l := newLayer()
	l.program("usr/sbin/nginx", filepath.Join(unpacked, "usr/sbin/nginx"), below...)
	for _, name := range []string{"etc/nginx/mime.types", "usr/share/nginx/html/index.html"} {
		l.copy(name, filepath.Join(unpacked, name))
	}
	l.write("etc/nginx/nginx.conf", nginxConfig)
	l.write("etc/nginx/conf.d/default.conf", nginxServer)
	l.link("var/log/nginx/access.log", "/dev/stdout")
	l.link("var/log/nginx/error.log", "/dev/stderr")
	l.dir("var/lib/nginx", 0o755)
	return l
}

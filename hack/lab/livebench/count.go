package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
)

// requests runs a program once against a proxy on the loopback that counts: how many
// requests it makes, and how many bytes it is answered with, unpacked. Discovery comes out
// of the cache of the run before.
func (o options) requests(ctx context.Context, api, program string, args ...string) (n, size int64, err error) {
	target, err := url.Parse(api)
	if err != nil {
		return 0, 0, err
	}
	var count, bytesRead atomic.Int64
	forward := httputil.NewSingleHostReverseProxy(target)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		count.Add(1)
		r.Host = target.Host // kubectl proxy answers to its own name only
		r.Header.Del("Accept-Encoding")
		forward.ServeHTTP(&meter{w, &bytesRead}, r)
	}))
	defer proxy.Close()
	dir, err := os.MkdirTemp("", "livebench")
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	kubeconfig := filepath.Join(dir, "kubeconfig")
	if err := os.WriteFile(kubeconfig, fmt.Appendf(nil, proxyConfig, proxy.URL), 0o600); err != nil {
		return 0, 0, err
	}
	for range 2 {
		count.Store(0)
		bytesRead.Store(0)
		cmd := exec.CommandContext(ctx, program, args...)
		cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig, "KUBECACHEDIR="+filepath.Join(dir, "cache"))
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Run(); err != nil && cmd.ProcessState.ExitCode() != unsure {
			return 0, 0, fmt.Errorf("%s %s: %w\n%s", program, strings.Join(args, " "), err, stderr.String())
		}
	}
	return count.Load(), bytesRead.Load(), nil
}

// meter counts what an answer has.
type meter struct {
	http.ResponseWriter
	size *atomic.Int64
}

func (m *meter) Write(p []byte) (int, error) {
	m.size.Add(int64(len(p)))
	return m.ResponseWriter.Write(p)
}

const proxyConfig = `apiVersion: v1
kind: Config
current-context: bench
contexts: [{name: bench, context: {cluster: bench, user: bench}}]
clusters: [{name: bench, cluster: {server: %q}}]
users: [{name: bench, user: {}}]
`

package cmd

import (
	"bytes"
	"context"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// TestTraceInTime has a server that takes connections and says nothing: the whole ends in
// time, or when it is interrupted.
func TestTraceInTime(t *testing.T) {
	t.Setenv("KUBECONFIG", os.DevNull)
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	args := []string{"kubectl-dualstack", "trace", "pod/web", "--cache-dir", t.TempDir(), "-s", "http://" + server.Addr().String()}
	for _, tc := range []struct {
		interrupt time.Duration
		args      []string
		words     string
	}{
		{time.Hour, []string{"--timeout", "200ms"}, "error: not done within --timeout 200ms: the API server does not answer\n"},
		{time.Hour, []string{"--timeout", "200ms", "--all-nodes"}, "error: not done within --timeout 200ms: the API server does not answer\n"},
		{200 * time.Millisecond, nil, "error: interrupted\n"},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		timer := time.AfterFunc(tc.interrupt, cancel)
		done := make(chan struct{})
		var stdout, stderr bytes.Buffer
		code := 0
		go func() {
			defer close(done)
			code = Main(ctx, slices.Concat(args, tc.args), genericiooptions.IOStreams{In: strings.NewReader(""), Out: &stdout, ErrOut: &stderr})
		}()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Fatalf("%q does not end", tc.args)
		}
		if code != exitTrouble || stdout.Len() > 0 || stderr.String() != tc.words {
			t.Errorf("%q: exit status %d: %s%s", tc.args, code, &stdout, &stderr)
		}
		timer.Stop()
		cancel()
	}
}

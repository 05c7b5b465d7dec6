package cmd

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
	utilexec "k8s.io/client-go/util/exec"
	"k8s.io/klog/v2"
	"k8s.io/streaming/pkg/httpstream"
)

// execution is a program to be run in a container that is there.
type execution struct {
	namespace, pod, container string
	command                   []string
	stdin                     string
	most                      int // bytes of output that are kept; 0 is the usual
}

// usualOutput is how many bytes of output are kept.
const usualOutput = 1 << 20

// executor runs it, and gives what it printed even when it failed.
type executor func(ctx context.Context, e execution) (stdout, stderr string, err error)

// errNoProgram is an image that does not have the program.
var errNoProgram = errors.New("the image does not have it")

// execIn runs programs as kubectl exec does: over a websocket, and over SPDY where a server
// or a proxy knows no websockets.
func execIn(config *rest.Config, client kubernetes.Interface) executor {
	return func(ctx context.Context, e execution) (string, string, error) {
		url := client.CoreV1().RESTClient().Post().Resource("pods").Namespace(e.namespace).Name(e.pod).SubResource("exec").
			VersionedParams(&corev1.PodExecOptions{
				Container: e.container, Command: e.command, Stdin: e.stdin != "", Stdout: true, Stderr: true,
			}, scheme.ParameterCodec).URL()
		spdy, err := remotecommand.NewSPDYExecutor(config, "POST", url)
		if err != nil {
			return "", "", err
		}
		websocket, err := remotecommand.NewWebSocketExecutor(config, "GET", url.String())
		if err != nil {
			return "", "", err
		}
		either, err := remotecommand.NewFallbackExecutor(websocket, spdy, func(err error) bool {
			return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
		})
		if err != nil {
			return "", "", err
		}
		stdout, stderr := capped{left: cmp.Or(e.most, usualOutput)}, capped{left: usualOutput}
		options := remotecommand.StreamOptions{Stdout: &stdout, Stderr: &stderr}
		if e.stdin != "" {
			options.Stdin = strings.NewReader(e.stdin)
		}
		// What it would log, of a connection that ends with ctx, is in its error too.
		err = either.StreamWithContext(klog.NewContext(ctx, klog.Logger{}), options)
		return stdout.String(), stderr.String(), explainExec(ctx, err, stderr.String(), e)
	}
}

// capped keeps the first bytes that are written to it, and forgets the others.
type capped struct {
	bytes.Buffer
	left int
}

// Write never fails, as a program that says too much is no reason to end it.
func (c *capped) Write(p []byte) (int, error) {
	keep := p[:min(len(p), c.left)]
	c.left -= len(keep)
	_, _ = c.Buffer.Write(keep) // it never fails
	return len(p), nil
}

// ReadFrom is not that of the Buffer, which knows no limit.
func (c *capped) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{c}, r)
}

// The exit codes with which shells and runtimes say that there is no such program.
const (
	codeNotExecutable = 126
	codeNotFound      = 127
)

// execVerb is what the API server asks the right for, of a request over SPDY and, from 1.35
// on, of one over a websocket too. Before, that one needs «get», and falls back to SPDY.
const execVerb = "create"

// explainExec is why it did not run, as far as that can be told.
func explainExec(ctx context.Context, err error, stderr string, e execution) error {
	var exit utilexec.CodeExitError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s in pod %s/%s: time is up", e.command[0], e.namespace, e.pod)
	case apierrors.IsNotFound(err):
		return fmt.Errorf("pod %s/%s is not there any more", e.namespace, e.pod)
	case errors.As(err, &exit) && (exit.Code == codeNotExecutable || exit.Code == codeNotFound), missing(err.Error()), missing(stderr):
		return fmt.Errorf("%s: %w", e.command[0], errNoProgram)
	case strings.Contains(err.Error(), "container not found"):
		return fmt.Errorf("container %s of pod %s/%s is not running", e.container, e.namespace, e.pod)
	}
	return refusal(err, execVerb, "pods/exec", e.namespace)
}

// missing reports whether these are the words of a container runtime for a program that is
// not there.
func missing(words string) bool {
	return strings.Contains(words, "executable file not found") || strings.Contains(words, "exec format error") ||
		strings.Contains(words, "no such file or directory") && strings.Contains(words, "exec")
}

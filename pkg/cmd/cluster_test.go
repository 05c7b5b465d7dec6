package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
)

// apiServer answers as kube-apiserver would: documents by their path, 404 for
// what it does not serve, and whatever a test puts in the way.
type apiServer struct {
	*httptest.Server
	documents map[string]string
	answer    func(http.ResponseWriter, *http.Request) bool

	mu    sync.Mutex
	asked []string
}

// someNodes is one node of both families and one of IPv4 alone.
const someNodes = `{"kind":"NodeList","apiVersion":"v1","items":[
	{"metadata":{"name":"new"},"spec":{"podCIDRs":["10.244.1.0/24","2001:db8:42:1::/64"]},
	 "status":{"addresses":[{"type":"InternalIP","address":"192.0.2.1"},{"type":"InternalIP","address":"2001:db8::1"}]}},
	{"metadata":{"name":"old"},"spec":{"podCIDRs":["10.244.0.0/24"]},
	 "status":{"addresses":[{"type":"InternalIP","address":"192.0.2.2"}]}}]}`

func newAPIServer(t *testing.T) *apiServer {
	t.Helper()
	s := &apiServer{documents: map[string]string{
		"/version":                                 `{"major":"1","minor":"36","gitVersion":"v1.36.4"}`,
		"/api/v1/nodes":                            someNodes,
		"/api/v1/pods":                             `{"kind":"PodList","apiVersion":"v1","items":[]}`,
		"/api/v1/services":                         `{"kind":"ServiceList","apiVersion":"v1","items":[]}`,
		"/api/v1/events":                           `{"kind":"EventList","apiVersion":"v1","items":[]}`,
		"/apis/apps/v1/daemonsets":                 `{"kind":"DaemonSetList","apiVersion":"apps/v1","items":[]}`,
		"/apis/apps/v1/deployments":                `{"kind":"DeploymentList","apiVersion":"apps/v1","items":[]}`,
		"/apis/discovery.k8s.io/v1/endpointslices": `{"kind":"EndpointSliceList","apiVersion":"discovery.k8s.io/v1","items":[]}`,
		"/apis/networking.k8s.io/v1/servicecidrs":  `{"kind":"ServiceCIDRList","apiVersion":"networking.k8s.io/v1","items":[]}`,
		"/api/v1/namespaces/kube-system/pods":      `{"kind":"PodList","apiVersion":"v1","items":[]}`,
	}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(func() {
		s.CloseClientConnections() // a request that is made to hang would keep Close waiting
		s.Close()
	})
	return s
}

func (s *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked = append(s.asked, r.Method+" "+r.URL.Path)
	s.mu.Unlock()
	if s.answer != nil && s.answer(w, r) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	document, ok := s.documents[r.URL.Path]
	if !ok {
		status(w, http.StatusNotFound, "NotFound", "the server could not find the requested resource")
		return
	}
	_, _ = io.WriteString(w, document)
}

func status(w http.ResponseWriter, code int, reason, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":%q,"message":%q,"code":%d}`, reason, message, code)
}

func (s *apiServer) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// outcome is what one run gave.
type outcome struct {
	code           int
	stdout, stderr string
}

// run runs the plugin in a world without a kubeconfig.
func run(t *testing.T, args ...string) outcome {
	t.Helper()
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	t.Setenv("LANG", "C.UTF-8")
	t.Setenv("LC_ALL", "")
	var stdout, stderr bytes.Buffer
	streams := genericiooptions.IOStreams{In: strings.NewReader(""), Out: &stdout, ErrOut: &stderr}
	code := Main(t.Context(), append([]string{"kubectl-dualstack"}, args...), streams)
	return outcome{code, stdout.String(), stderr.String()}
}

func (o outcome) want(t *testing.T, code int, stdout, stderr string) {
	t.Helper()
	if o.code != code {
		t.Errorf("exit code %d, want %d", o.code, code)
	}
	if !strings.Contains(o.stdout, stdout) || stdout == "" && o.stdout != "" {
		t.Errorf("stdout lacks %q:\n%s", stdout, o.stdout)
	}
	if !strings.Contains(o.stderr, stderr) || stderr == "" && o.stderr != "" {
		t.Errorf("stderr lacks %q:\n%s", stderr, o.stderr)
	}
}

func TestCluster(t *testing.T) {
	s := newAPIServer(t)
	o := run(t, "doctor", "--server", s.URL, "--only", "DS301", "--fail-on", "warning")
	o.want(t, exitFindings, "node/old .status.addresses (IPv6)", "")
	for _, line := range []string{"cluster  " + s.URL, "depth    quick: no check that was chosen looks at Pods", "versions Kubernetes 1.36.4", "0 errors · 1 warning · 0 info · 0 ok · 0 skipped · 0 unknown"} {
		if !strings.Contains(o.stdout, line+"\n") {
			t.Errorf("stdout lacks the line %q:\n%s", line, o.stdout)
		}
	}
}

// TestForbidden: one kind that may not be read leaves the checks that need it
// unknown; the right that is missing is named.
func TestForbidden(t *testing.T) {
	s := newAPIServer(t)
	s.answer = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/api/v1/nodes" {
			return false
		}
		status(w, http.StatusForbidden, "Forbidden", `nodes is forbidden: User "dev" cannot list resource "nodes"`)
		return true
	}
	run(t, "doctor", "--server", s.URL, "--only", "DS301,DS6").
		want(t, exitOK, "nodes: forbidden: list nodes — DS301", "not read: nodes: forbidden: list nodes\n")
	run(t, "doctor", "--server", s.URL, "--only", "DS301,DS6", "--strict").
		want(t, exitFindings, "unknown", "not read: nodes: forbidden")
}

// TestForbiddenAll: nothing audited is no success.
func TestForbiddenAll(t *testing.T) {
	s := newAPIServer(t)
	s.answer = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/version" {
			return false
		}
		status(w, http.StatusForbidden, "Forbidden", "no")
		return true
	}
	o := run(t, "doctor", "--server", s.URL)
	o.want(t, exitTrouble, "", "nothing to audit: nothing that was asked for could be read\n")
	if !strings.Contains(o.stderr, "not read: services: forbidden: list services\n") {
		t.Errorf("stderr lacks the rights that are missing:\n%s", o.stderr)
	}
}

func TestUnauthorized(t *testing.T) {
	s := newAPIServer(t)
	s.answer = func(w http.ResponseWriter, _ *http.Request) bool {
		status(w, http.StatusUnauthorized, "Unauthorized", "Unauthorized")
		return true
	}
	run(t, "doctor", "--server", s.URL).want(t, exitTrouble, "", "error: read "+s.URL+": the server has asked for the client to provide credentials\n")
}

// hang keeps requests for path waiting until the client goes.
func hang(path string) func(http.ResponseWriter, *http.Request) bool {
	return func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != path {
			return false
		}
		<-r.Context().Done()
		return true
	}
}

// TestTimeout: a server that never answers is left after --timeout; a kind that
// never comes is a gap, and the rest is audited.
func TestTimeout(t *testing.T) {
	s := newAPIServer(t)
	s.answer = hang("/version")
	run(t, "doctor", "--server", s.URL, "--timeout", "100ms").
		want(t, exitTrouble, "", "error: read "+s.URL+": not done within --timeout 100ms\n")
	s = newAPIServer(t) // the first may still be busy with a request that was left
	s.answer = hang("/api/v1/services")
	run(t, "doctor", "--server", s.URL, "--request-timeout", "200ms").
		want(t, exitOK, "unknown", "not read: services: timed out: list services")
}

// TestInterrupt: a cancelled context ends the run at once, whatever it waits for.
func TestInterrupt(t *testing.T) {
	s := newAPIServer(t)
	s.answer = hang("/api/v1/nodes")
	for name, args := range map[string][]string{
		"a list":         {"doctor", "--server", s.URL},
		"standard input": {"doctor", "-f", "-"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(100*time.Millisecond, cancel)
			reader, writer := io.Pipe() // never written to
			defer writer.Close()
			var stdout, stderr bytes.Buffer
			start := time.Now()
			code := Main(ctx, append([]string{"kubectl-dualstack"}, args...), genericiooptions.IOStreams{In: reader, Out: &stdout, ErrOut: &stderr})
			outcome{code, stdout.String(), stderr.String()}.want(t, exitTrouble, "", "error: interrupted\n")
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %s to end", took)
			}
		})
	}
}

// TestNoRequest: only doctor on a cluster asks a server.
func TestNoRequest(t *testing.T) {
	s := newAPIServer(t)
	dir := t.TempDir()
	config := fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","current-context":"c","clusters":[{"name":"c","cluster":{"server":%q}}],
		"contexts":[{"name":"c","context":{"cluster":"c","user":"c"}}],"users":[{"name":"c","user":{}}]}`, s.URL)
	file := filepath.Join(dir, "config")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	manifest := filepath.Join(dir, "node.yaml")
	if err := os.WriteFile(manifest, []byte("{apiVersion: v1, kind: Node, metadata: {name: a}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"version"}, {"doctor", "list"}, {"doctor", "explain", "DS301"}, {"doctor", "-f", manifest}, {"doctor", "--help"},
		{"__complete", "doctor", "--context", ""},
	} {
		t.Setenv("KUBECONFIG", file)
		var stdout, stderr bytes.Buffer
		code := Main(t.Context(), append([]string{"kubectl-dualstack"}, args...), genericiooptions.IOStreams{In: strings.NewReader(""), Out: &stdout, ErrOut: &stderr})
		if code != exitOK || stdout.Len() == 0 {
			t.Errorf("%v: exit code %d: %s", args, code, &stderr)
		}
	}
	if asked := s.requests(); len(asked) > 0 {
		t.Errorf("asked the server: %v", asked)
	}
}

// TestReadOnly: doctor asks, and never writes or reads a Secret.
func TestReadOnly(t *testing.T) {
	s := newAPIServer(t)
	run(t, "doctor", "--server", s.URL, "--fail-on", "none").want(t, exitOK, "node/old", "")
	for _, request := range s.requests() {
		if !strings.HasPrefix(request, "GET ") || strings.Contains(request, "secrets") {
			t.Errorf("asked %s", request)
		}
	}
}

// TestFormatsAgree: the format changes neither the exit code nor what is counted.
func TestFormatsAgree(t *testing.T) {
	s := newAPIServer(t)
	for _, threshold := range []string{"error", "warning", "info", "none"} {
		codes := map[report.Format]int{}
		stdout := map[report.Format]string{}
		for _, f := range report.Formats {
			o := run(t, "doctor", "--server", s.URL, "--fail-on", threshold, "-o", string(f))
			codes[f], stdout[f] = o.code, o.stdout
		}
		for f, code := range codes {
			if code != codes[report.JSON] {
				t.Errorf("--fail-on %s: %s exits with %d, json with %d", threshold, f, code, codes[report.JSON])
			}
		}
		var r struct{ Summary report.Summary }
		if err := json.Unmarshal([]byte(stdout[report.JSON]), &r); err != nil {
			t.Fatal(err)
		}
		for _, f := range []report.Format{report.Table, report.Wide, report.Short} {
			lines := strings.Split(strings.TrimSpace(stdout[f]), "\n")
			last := strings.NewReplacer("errors", "error", "warnings", "warning").Replace(lines[len(lines)-1])
			want := fmt.Sprintf("%d error · %d warning · %d info · %d ok · %d skipped · %d unknown",
				r.Summary.Error, r.Summary.Warning, r.Summary.Info, r.Summary.OK, r.Summary.Skipped, r.Summary.Unknown)
			if last != want {
				t.Errorf("%s ends with %q, want %q", f, last, want)
			}
		}
	}
}

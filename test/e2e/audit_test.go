//go:build e2e

package e2e

import (
	"bufio"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// maxRequests is how many requests an audit may make of a cluster that nobody waits for a
// second page of.
const maxRequests = 64

// auditPolicy has the API server log every request that it has answered.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules: [{level: Metadata}]
`

// auditEvent is a line of the API server's log.
type auditEvent struct {
	Verb       string `json:"verb"`
	RequestURI string `json:"requestURI"`
	UserAgent  string `json:"userAgent"`
	ObjectRef  struct {
		Resource string `json:"resource"`
	} `json:"objectRef"`
}

// testAudit asks the API server's own log what doctor has asked for: nothing but to read,
// no Secret, no ConfigMap that it does not know by name, and not too often.
func testAudit(t *testing.T, c *cluster) {
	log, policy := filepath.Join(t.TempDir(), "audit.log"), filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(policy, []byte(auditPolicy), 0o600); err != nil {
		t.Fatal(err)
	}
	c.restart("kube-apiserver", "--audit-policy-file="+policy, "--audit-log-path="+log)
	defer c.restart("kube-apiserver")

	c.doctor(0, "--plan", repository("examples", "homelab-today", "plan.yaml"), "--depth", "deep")

	var events []auditEvent
	c.eventually("the log to have the audit's requests", func() bool {
		events = c.auditOf(log)
		return len(events) > 10
	})
	time.Sleep(time.Second) // the log is written behind the answers
	events = c.auditOf(log)
	if len(events) > maxRequests {
		t.Errorf("%d requests, at most %d are allowed", len(events), maxRequests)
	}
	for _, e := range events {
		switch {
		case e.Verb != "get" && e.Verb != "list":
			t.Errorf("%s %s: an audit reads", e.Verb, e.RequestURI)
		case e.ObjectRef.Resource == "secrets":
			t.Errorf("%s %s: an audit reads no Secret", e.Verb, e.RequestURI)
		case e.ObjectRef.Resource == "configmaps" && e.Verb != "get":
			t.Errorf("%s %s: an audit reads ConfigMaps by name", e.Verb, e.RequestURI)
		}
	}
	t.Logf("%d requests", len(events))
}

// auditOf is the events of doctor in the log.
func (c *cluster) auditOf(log string) (events []auditEvent) {
	c.t.Helper()
	f, err := os.Open(log)
	if err != nil {
		c.t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e auditEvent
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			continue // the last line, while it is written
		}
		if strings.HasPrefix(e.UserAgent, "kubectl-dualstack") {
			events = append(events, e)
		}
	}
	if err := lines.Err(); err != nil {
		c.t.Fatal(err)
	}
	return events
}

// restart runs a program of the control plane with more flags, or without any as it was.
func (c *cluster) restart(program string, flags ...string) {
	c.t.Helper()
	conn, err := net.Dial("unix", filepath.Join(c.dir, "control.sock"))
	if err != nil {
		c.t.Fatal(err)
	}
	defer conn.Close()
	if err := json.NewEncoder(conn).Encode(map[string]any{"Restart": program, "Flags": flags}); err != nil {
		c.t.Fatal(err)
	}
	var answer struct{ Error string }
	if err := json.NewDecoder(conn).Decode(&answer); err != nil || answer.Error != "" {
		c.t.Fatalf("restart %s: %v %s", program, err, answer.Error)
	}
}

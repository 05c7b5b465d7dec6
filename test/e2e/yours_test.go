//go:build e2e

package e2e

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
)

// yours is the kubeconfig of a cluster that the tests are to run on instead of the lab.
func yours() string { return os.Getenv("KUBECONFIG") }

// TestYours is what of the other tests can be done on any cluster of both families: it
// needs none of the lab's hosts, and makes one namespace, which is removed.
func TestYours(t *testing.T) {
	t.Log("left out, since they need the hosts of the lab: egress, the load balancer from the LAN, planted faults, the API server's own flags")
	config, err := clientcmd.BuildConfigFromFlags("", yours())
	if err != nil {
		t.Fatal(err)
	}
	testYours(t, &cluster{t: t, kubeconfig: yours(), config: config})
}

// ownNginx is the Pod and the Service of the document, in a namespace of the test's.
const ownNginx = `apiVersion: v1
kind: Pod
metadata: {name: nginx-test, labels: {app: nginx-test}}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: nginx-test, image: %s, imagePullPolicy: IfNotPresent}]
---
apiVersion: v1
kind: Service
metadata: {name: nginx-test}
spec:
  ipFamilyPolicy: RequireDualStack
  selector: {app: nginx-test}
  ports: [{port: 80}]
`

func testYours(t *testing.T, c *cluster) {
	t.Run("doctor judges it", func(t *testing.T) {
		report := c.in(t).doctor(0, "--fail-on", "none")
		if report.Summary["ok"] == 0 {
			t.Errorf("nothing holds: %v", report.Summary)
		}
		t.Logf("%v", report.Summary)
	})
	t.Run("a Pod and a Service answer over both families", func(t *testing.T) {
		c := c.in(t)
		c.ownNamespace()
		for _, path := range []struct{ object, path string }{
			{"pod/nginx-test", "{.status.podIPs[*].ip}"}, {"service/nginx-test", "{.spec.clusterIPs[*]}"},
		} {
			addresses := strings.Fields(c.kubectl("-n", ownNamespace, "get", path.object, "-o", "jsonpath="+path.path))
			if len(addresses) != 2 {
				t.Fatalf("%s has the addresses %q, want one of each family", path.object, addresses)
			}
			for _, text := range addresses {
				a := netip.MustParseAddr(text)
				url := "http://" + netip.AddrPortFrom(a, 80).String()
				c.eventually(a.String()+" to answer in the Pod", func() bool {
					out := c.run(kubectl(), "-n", ownNamespace, "exec", "nginx-test", "--", "curl", "-sSI", "-m", "5", url)
					return strings.Contains(out.stdout, "200 OK")
				})
			}
		}
	})
}

const ownNamespace = "dualstack-e2e"

// ownNamespace makes the namespace with what is in it, and removes it after the test. One
// that is there already is somebody's.
func (c *cluster) ownNamespace() {
	c.t.Helper()
	c.kubectl("create", "namespace", ownNamespace)
	c.t.Cleanup(func() {
		removed := exec.Command(kubectl(), "--kubeconfig", c.kubeconfig, "delete", "namespace", ownNamespace, "--wait", "--timeout=2m") // the test's context is done
		if out, err := removed.CombinedOutput(); err != nil {
			c.t.Errorf("%v: %s", err, out)
		}
	})
	image := os.Getenv("E2E_NGINX")
	if image == "" {
		image = "nginx:latest"
	}
	file := filepath.Join(c.t.TempDir(), "nginx.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, ownNginx, image), 0o600); err != nil {
		c.t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Second) {
		// The namespace's service account takes a moment.
		out := c.run(kubectl(), "-n", ownNamespace, "apply", "-f", file)
		if out.code == 0 {
			break
		}
		if time.Now().After(deadline) {
			c.t.Fatal(out.stderr)
		}
	}
	c.kubectl("-n", ownNamespace, "wait", "--for=condition=Ready", "--timeout=2m", "pod/nginx-test")
}

// kubectl is the lab's, or the machine's where the lab is not built.
func kubectl() string {
	own := filepath.Join(programs.bin, "kubectl")
	if _, err := os.Stat(own); err != nil {
		return "kubectl"
	}
	return own
}

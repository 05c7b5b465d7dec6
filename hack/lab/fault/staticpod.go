package fault

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// controller is the node whose kubelet runs the control plane.
const controller = "k8s-controller-0"

// RestartStaticPod is Restart in a lab with nodes, where kubeadm made the control plane:
// a kubelet runs it from manifests. It does not wait for the kubelet's own probes, which
// take their time. The id is the one that the process has in its host.
func (l Lab) RestartStaticPod(ctx context.Context, program string, flags ...string) (pid int, err error) {
	manifest := "/etc/kubernetes/manifests/" + program + ".yaml"
	first := "/etc/kubernetes/" + program + ".yaml" // beside the folder that the kubelet watches
	text, err := l.onController(ctx, "", "sh", "-c", `[ -e "$2" ] || cp "$1" "$2" && cat "$2"`, "sh", manifest, first)
	if err != nil {
		return 0, fmt.Errorf("read the manifest of %s: %w", program, err)
	}
	if text, err = withFlags(text, flags); err != nil {
		return 0, err
	}
	uid := newUID()
	if text, err = withUID(text, uid); err != nil {
		return 0, err
	}
	old, err := l.uid(ctx, program)
	if err != nil {
		old = "" // a restart that was interrupted has left no API server
	}
	if _, err := l.onController(ctx, text, "sh", "-c", replaceManifest, "sh", manifest, first+".new", program, old); err != nil {
		return 0, fmt.Errorf("write the manifest of %s: %w", program, err)
	}
	return l.awaitStaticPod(ctx, program, uid)
}

// replaceManifest puts its input in the place of the manifest $1 of the program $3, by
// way of the file $2. An API server waits for its watchers to leave, and they are to
// stay. The new Pod comes when the kubelet has forgotten the old one, whose UID is $4: it
// would look for an end of it every ten seconds only.
// Source: kubernetes v1.37.2, pkg/kubelet/kubelet.go backOffPeriod, and
// pkg/kubelet/kubelet_pods.go HandlePodCleanups, which removes the folder at last.
const replaceManifest = `cat >"$2"
pid=$(pidof -s "$3")
rm -f "$1"
for i in 1 2 3 4 5 6 7 8 9 10; do [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null && sleep 0.2; done
[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null
while [ -n "$4" ] && [ -e "/var/lib/kubelet/pods/$4" ]; do sleep 0.1; done
mv "$2" "$1"
`

func (l Lab) onController(ctx context.Context, stdin string, args ...string) (string, error) {
	cmd, err := l.Exec(ctx, controller, args...)
	if err != nil {
		return "", err
	}
	cmd.Stdin = strings.NewReader(stdin)
	return must(cmd)
}

// uid is the UID of the static Pod that the API knows of.
// Source: kubernetes v1.37.2, pkg/kubelet/types/pod_update.go: the mirror Pod, which has
// a UID of its own, has it in an annotation.
func (l Lab) uid(ctx context.Context, program string) (string, error) {
	return must(l.kubectl(ctx, "get", "pod", program+"-"+controller, "--namespace=kube-system", "--request-timeout=5s",
		`--output=jsonpath={.metadata.annotations.kubernetes\.io/config\.hash}`))
}

// awaitStaticPod waits until the API, whose server may be what was restarted, has the
// static Pod with this UID, and its process runs.
func (l Lab) awaitStaticPod(ctx context.Context, program, uid string) (pid int, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		seen, err := l.uid(ctx, program)
		if err == nil && seen == uid {
			var id string
			if id, err = l.onController(ctx, "", "pidof", "-s", program); err == nil {
				return strconv.Atoi(strings.TrimSpace(id))
			}
		}
		select {
		case <-ctx.Done():
			return 0, errors.Join(fmt.Errorf("%s does not run with other flags", program), err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// newUID is one that no Pod has had: for a Pod that it has had before, a kubelet would
// go on to count how often it was restarted, and wait.
func newUID() string {
	uid := make([]byte, 16)
	_, _ = rand.Read(uid) // never fails
	return hex.EncodeToString(uid)
}

// withUID is a manifest with the UID, which otherwise is a hash of it.
// Source: kubernetes v1.37.2, pkg/kubelet/config/common.go applyDefaults.
func withUID(manifest, uid string) (string, error) {
	const metadata = "\nmetadata:\n"
	if strings.Count(manifest, metadata) != 1 {
		return "", errors.New("the manifest has not one metadata")
	}
	return strings.Replace(manifest, metadata, metadata+"  uid: "+strconv.Quote(uid)+"\n", 1), nil
}

// flagLine is a flag in the command of a manifest, as kubeadm writes it.
var flagLine = regexp.MustCompile(`^( *- )["']?(--[a-z0-9-]+)(=.*)?$`)

// withFlags is a manifest with flags in the place of those of the same names, and with
// those that are new behind the others.
func withFlags(manifest string, flags []string) (string, error) {
	lines := strings.Split(manifest, "\n")
	for _, flag := range flags {
		name, _, _ := strings.Cut(flag, "=")
		last, there := -1, -1
		indent := ""
		for i, line := range lines {
			if found := flagLine.FindStringSubmatch(line); found != nil {
				if last, indent = i, found[1]; strings.TrimRight(found[2], `"'`) == name {
					there = i
				}
			}
		}
		switch written := indent + strconv.Quote(flag); {
		case last < 0:
			return "", errors.New("the manifest has no flags")
		case there >= 0:
			lines[there] = written
		default:
			lines = slices.Insert(lines, last+1, written)
		}
	}
	return strings.Join(lines, "\n"), nil
}

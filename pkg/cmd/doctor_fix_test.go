package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// mendable is an API server with two ServiceCIDR ranges and Services in the namespace
// shop that prefer two families and have one: DS601 finds them, and one patch mends each.
type mendable struct {
	*apiServer
	services map[string]*mendableService
	patches  []string // query and body
	// meanwhile is called before a Service is changed.
	meanwhile func(*mendableService)
}

type mendableService struct {
	name, families string
	version        int
}

const mendedServices = "/api/v1/namespaces/shop/services"

func newMendable(t *testing.T, names ...string) *mendable {
	t.Helper()
	m := &mendable{apiServer: newAPIServer(t), services: map[string]*mendableService{}}
	for _, name := range names {
		m.services[name] = &mendableService{name: name, families: `"IPv4"`, version: 7}
	}
	m.documents["/api"] = `{"kind":"APIVersions","versions":["v1"]}`
	m.documents["/apis"] = `{"kind":"APIGroupList","apiVersion":"v1","groups":[]}`
	m.documents["/api/v1"] = `{"kind":"APIResourceList","groupVersion":"v1","resources":[
		{"name":"services","singularName":"service","namespaced":true,"kind":"Service","verbs":["get","patch"]}]}`
	m.documents["/apis/networking.k8s.io/v1/servicecidrs"] = `{"kind":"ServiceCIDRList","apiVersion":"networking.k8s.io/v1","items":[
		{"metadata":{"name":"kubernetes"},"spec":{"cidrs":["10.96.0.0/16","fd00:10:96::/112"]}}]}`
	m.answer = m.serve
	return m
}

// String is the Service as the API server gives it.
func (s *mendableService) String() string {
	ips := `"10.96.0.7"`
	if strings.Contains(s.families, "IPv6") {
		ips += `,"fd00:10:96::7"`
	}
	return fmt.Sprintf(`{"kind":"Service","apiVersion":"v1","metadata":{"name":%q,"namespace":"shop","resourceVersion":"%d"},
		"spec":{"selector":{"app":"web"},"ipFamilyPolicy":"PreferDualStack","ipFamilies":[%s],"clusterIP":"10.96.0.7","clusterIPs":[%s]},"status":{"loadBalancer":{}}}`,
		s.name, s.version, s.families, ips)
}

func (m *mendable) serve(w http.ResponseWriter, r *http.Request) bool {
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/api/v1/services" {
		var items []string
		for _, name := range slices.Sorted(maps.Keys(m.services)) {
			items = append(items, m.services[name].String())
		}
		_, _ = fmt.Fprintf(w, `{"kind":"ServiceList","apiVersion":"v1","items":[%s]}`, strings.Join(items, ","))
		return true
	}
	s := m.services[path.Base(r.URL.Path)]
	switch {
	case s == nil || path.Dir(r.URL.Path) != mendedServices:
		return false
	case r.Method == http.MethodPatch:
		m.patch(w, r, s)
	default:
		_, _ = io.WriteString(w, s.String())
	}
	return true
}

func (m *mendable) patch(w http.ResponseWriter, r *http.Request, s *mendableService) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	m.patches = append(m.patches, r.URL.Query().Encode()+" "+string(body))
	var patch struct {
		Metadata struct{ ResourceVersion string }
		Spec     struct{ IPFamilies []string }
	}
	if err := json.Unmarshal(body, &patch); err != nil || r.Header.Get("Content-Type") != "application/merge-patch+json" {
		status(w, http.StatusBadRequest, "BadRequest", "want a merge patch")
		return
	}
	dry := r.URL.Query().Get("dryRun") == "All"
	if !dry && m.meanwhile != nil {
		m.meanwhile(s)
	}
	if patch.Metadata.ResourceVersion != fmt.Sprint(s.version) {
		status(w, http.StatusConflict, "Conflict", "the object has been modified")
		return
	}
	if !dry {
		s.families = `"` + strings.Join(patch.Spec.IPFamilies, `","`) + `"`
		s.version++
	}
	_, _ = io.WriteString(w, s.String())
}

const (
	mendPatch = `kubectl patch service web -n shop --type merge -p '{"spec":{"ipFamilies":["IPv4","IPv6"]}}'`
	mendUndo  = `undo: kubectl patch service web -n shop --type merge -p '{"spec":{"ipFamilies":["IPv4"],"ipFamilyPolicy":"SingleStack"}}'`
)

// TestFixPrintAsksTheServer: the steps are tried in a dry run, with the way back, and
// nothing is changed.
func TestFixPrintAsksTheServer(t *testing.T) {
	m := newMendable(t, "web")
	o := run(t, "doctor", "--server", m.URL, "--only", "DS601", "--fix=print", "--fail-on", "warning")
	o.want(t, exitFindings, "\n"+mendPatch+"\n", "")
	for _, line := range []string{
		"steps    1 reversible", "    touches: service/shop/web", "    restarts: nothing", "    interrupts: nothing", "    " + mendUndo, "    dry run: accepted",
		"0 errors · 1 warning · 0 info · 0 ok · 0 skipped · 0 unknown",
	} {
		if !strings.Contains(o.stdout, line+"\n") {
			t.Errorf("stdout lacks %q:\n%s", line, o.stdout)
		}
	}
	want := `dryRun=All&fieldManager=kubectl-dualstack {"metadata":{"resourceVersion":"7"},"spec":{"ipFamilies":["IPv4","IPv6"]}}`
	if len(m.patches) != 1 || m.patches[0] != want {
		t.Errorf("patches: %q, want %q", m.patches, want)
	}
}

// TestFixPrintNamesTheRight: a right that is missing is named, and is no error.
func TestFixPrintNamesTheRight(t *testing.T) {
	m := newMendable(t, "web")
	m.answer = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPatch {
			status(w, http.StatusForbidden, "Forbidden", `services "web" is forbidden: User "me" cannot patch resource "services" in API group "" in the namespace "shop"`)
			return true
		}
		return m.serve(w, r)
	}
	run(t, "doctor", "--server", m.URL, "--only", "DS601", "--fix=print").
		want(t, exitOK, "dry run: refused: patch services -n shop: forbidden", "")
}

// TestFixApply: with --yes the steps are taken, and the report is that of the cluster
// afterwards.
func TestFixApply(t *testing.T) {
	m := newMendable(t, "db", "web")
	o := run(t, "doctor", "--server", m.URL, "--only", "DS601", "--fix=apply", "--yes", "--fail-on", "warning", "-o", "short")
	o.want(t, exitOK, "0 errors · 0 warnings · 0 info · 1 ok", "step 1: service/shop/db patched\n")
	if !strings.Contains(o.stderr, "step 2: service/shop/web patched\n  "+mendUndo+"\n") {
		t.Errorf("stderr:\n%s", o.stderr)
	}
	for _, s := range m.services {
		if s.version != 8 || s.families != `"IPv4","IPv6"` {
			t.Errorf("%s: version %d, families %s", s.name, s.version, s.families)
		}
	}
}

// TestFixApplyAsks: without a terminal and without --yes nothing is done.
func TestFixApplyAsks(t *testing.T) {
	m := newMendable(t, "web")
	run(t, "doctor", "--server", m.URL, "--only", "DS601", "--fix=apply").
		want(t, exitTrouble, "", "error: --fix=apply asks before it applies 1 step, and there is no terminal: --yes answers")
	if m.services["web"].version != 7 {
		t.Error("was changed all the same")
	}
}

// TestFixApplyLeavesWhatChanged: what somebody else changes after it was shown stays as
// they have it, what comes after it is left, and the report says how things are.
func TestFixApplyLeavesWhatChanged(t *testing.T) {
	m := newMendable(t, "db", "web")
	m.meanwhile = func(s *mendableService) { s.version++ }
	o := run(t, "doctor", "--server", m.URL, "--only", "DS601", "--fix=apply", "--yes")
	o.want(t, exitTrouble, "DS601", "step 2: left\nerror: step 1: service/shop/db has been changed in the meantime, and was left as it is; what follows is how things are now\n")
	for _, s := range m.services {
		if s.families != `"IPv4"` {
			t.Errorf("%s: families %s", s.name, s.families)
		}
	}
}

// TestFixApplyInterrupted: when the run is interrupted, the request that was sent is
// waited for, what was done is said, and what was left.
func TestFixApplyInterrupted(t *testing.T) {
	m := newMendable(t, "db", "web")
	ctx, interrupt := context.WithCancel(t.Context())
	m.meanwhile = func(*mendableService) { interrupt() }
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	var stdout, stderr bytes.Buffer
	code := Main(ctx, []string{"kubectl-dualstack", "doctor", "--server", m.URL, "--only", "DS601", "--fix=apply", "--yes"},
		genericiooptions.IOStreams{In: strings.NewReader(""), Out: &stdout, ErrOut: &stderr})
	outcome{code, stdout.String(), stderr.String()}.want(t, exitTrouble, "", "step 1: service/shop/db patched\n  undo: ")
	if !strings.HasSuffix(stderr.String(), "step 2: left\nerror: interrupted\n") {
		t.Errorf("stderr:\n%s", stderr.String())
	}
	if m.services["db"].version != 8 || m.services["web"].version != 7 {
		t.Errorf("versions %d and %d", m.services["db"].version, m.services["web"].version)
	}
}

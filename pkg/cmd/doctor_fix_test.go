package cmd

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// mendable is an API server with two ServiceCIDR ranges and a Service that prefers two
// families and has one: DS601 finds it, and one patch mends it.
type mendable struct {
	*apiServer
	families string
	version  int
	patches  []string // query and body
	// meanwhile is called when the Service was read, before it is patched.
	meanwhile func(*mendable)
}

const mendedService = "/api/v1/namespaces/shop/services/web"

func newMendable(t *testing.T) *mendable {
	t.Helper()
	m := &mendable{apiServer: newAPIServer(t), families: `"IPv4"`, version: 7}
	m.documents["/api"] = `{"kind":"APIVersions","versions":["v1"]}`
	m.documents["/apis"] = `{"kind":"APIGroupList","apiVersion":"v1","groups":[]}`
	m.documents["/api/v1"] = `{"kind":"APIResourceList","groupVersion":"v1","resources":[
		{"name":"services","singularName":"service","namespaced":true,"kind":"Service","verbs":["get","patch"]}]}`
	m.documents["/apis/networking.k8s.io/v1/servicecidrs"] = `{"kind":"ServiceCIDRList","apiVersion":"networking.k8s.io/v1","items":[
		{"metadata":{"name":"kubernetes"},"spec":{"cidrs":["10.96.0.0/16","fd00:10:96::/112"]}}]}`
	m.answer = m.serve
	return m
}

// service is the Service as it is.
func (m *mendable) service() string {
	ips := `"10.96.0.7"`
	if strings.Contains(m.families, "IPv6") {
		ips += `,"fd00:10:96::7"`
	}
	return fmt.Sprintf(`{"kind":"Service","apiVersion":"v1","metadata":{"name":"web","namespace":"shop","resourceVersion":"%d"},
		"spec":{"selector":{"app":"web"},"ipFamilyPolicy":"PreferDualStack","ipFamilies":[%s],"clusterIP":"10.96.0.7","clusterIPs":[%s]},"status":{"loadBalancer":{}}}`,
		m.version, m.families, ips)
}

func (m *mendable) serve(w http.ResponseWriter, r *http.Request) bool {
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.URL.Path == "/api/v1/services":
		_, _ = fmt.Fprintf(w, `{"kind":"ServiceList","apiVersion":"v1","items":[%s]}`, m.service())
	case r.URL.Path == mendedService && r.Method == http.MethodGet:
		_, _ = io.WriteString(w, m.service())
	case r.URL.Path == mendedService && r.Method == http.MethodPatch:
		m.patch(w, r)
	default:
		return false
	}
	return true
}

func (m *mendable) patch(w http.ResponseWriter, r *http.Request) {
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
		m.meanwhile(m)
	}
	if patch.Metadata.ResourceVersion != fmt.Sprint(m.version) {
		status(w, http.StatusConflict, "Conflict", "the object has been modified")
		return
	}
	if !dry {
		m.families = `"` + strings.Join(patch.Spec.IPFamilies, `","`) + `"`
		m.version++
	}
	_, _ = io.WriteString(w, m.service())
}

const (
	mendPatch = `kubectl patch service web -n shop --type merge -p '{"spec":{"ipFamilies":["IPv4","IPv6"]}}'`
	mendUndo  = `undo: kubectl patch service web -n shop --type merge -p '{"spec":{"ipFamilies":["IPv4"],"ipFamilyPolicy":"SingleStack"}}'`
)

// TestFixPrintAsksTheServer: the steps are tried in a dry run, with the way back, and
// nothing is changed.
func TestFixPrintAsksTheServer(t *testing.T) {
	m := newMendable(t)
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
	m := newMendable(t)
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

// TestFixApply: with --yes the step is taken, and the report is that of the cluster
// afterwards.
func TestFixApply(t *testing.T) {
	m := newMendable(t)
	o := run(t, "doctor", "--server", m.URL, "--only", "DS601", "--fix=apply", "--yes", "--fail-on", "warning", "-o", "short")
	o.want(t, exitOK, "0 errors · 0 warnings · 0 info · 1 ok", "step 1: service/shop/web patched\n  "+mendUndo)
	if m.version != 8 || m.families != `"IPv4","IPv6"` {
		t.Errorf("version %d, families %s", m.version, m.families)
	}
}

// TestFixApplyAsks: without a terminal and without --yes nothing is done.
func TestFixApplyAsks(t *testing.T) {
	m := newMendable(t)
	run(t, "doctor", "--server", m.URL, "--only", "DS601", "--fix=apply").
		want(t, exitTrouble, "", "error: --fix=apply asks before it applies 1 step, and there is no terminal: --yes answers")
	if m.version != 7 {
		t.Error("was changed all the same")
	}
}

// TestFixApplyLeavesWhatChanged: what somebody else changes after it was shown stays as
// they have it.
func TestFixApplyLeavesWhatChanged(t *testing.T) {
	m := newMendable(t)
	m.meanwhile = func(m *mendable) { m.version++ }
	o := run(t, "doctor", "--server", m.URL, "--only", "DS601", "--fix=apply", "--yes")
	o.want(t, exitTrouble, "DS601", "step 1: service/shop/web has been changed in the meantime, and was left as it is")
	if m.families != `"IPv4"` {
		t.Errorf("families %s", m.families)
	}
}

package cmd

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const renumberedPlan = `apiVersion: dualstack/v1alpha1
kind: AddressPlan
spec:
  delegated: {ipv6: "2001:db8:42::/56"}
  pods: {ipv4: 10.244.0.0/22, ipv6: "2001:db8:42::/62", nodeMask: {ipv4: 24, ipv6: 64}}
  services: {ipv4: 10.96.0.0/16, ipv6: "2001:db8:42:ff::/112"}
`

// A cluster is asked with --live, for what changes addresses and nothing else; what
// may not be read is said, and the plan moves all the same.
func TestLiveRenumber(t *testing.T) {
	s := newAPIServer(t)
	s.documents["/api/v1/services"] = `{"kind":"ServiceList","apiVersion":"v1","items":[
		{"metadata":{"name":"web","namespace":"lab"},"spec":{"type":"ClusterIP","clusterIP":"10.96.0.9","clusterIPs":["10.96.0.9","2001:db8:42:ff::9"],"ipFamilies":["IPv4","IPv6"]}}]}`
	file := planFile(t, renumberedPlan)
	args := []string{"plan", "renumber", file, "--delegated", "2001:db8:77::/56"}
	run(t, append(args, "--live", "--server", s.URL, "-o", "json")...).want(t, exitOK, `"was": "2001:db8:42:ff::9"`, "")
	for _, request := range s.requests() {
		if !strings.HasPrefix(request, "GET ") || strings.Contains(request, "secrets") || strings.Contains(request, "/nodes") {
			t.Errorf("asked %s", request)
		}
	}
	asked := len(s.requests())
	run(t, args...).want(t, exitOK, "2001:db8:77:ff::/112", "Services were not read")
	if n := len(s.requests()); n != asked {
		t.Errorf("without --live the cluster was asked: %v", s.requests()[asked:])
	}
	s.answer = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/api/v1/services" {
			return false
		}
		status(w, http.StatusForbidden, "Forbidden", "no")
		return true
	}
	run(t, append(args, "--live", "--server", s.URL)...).want(t, exitOK, "2001:db8:77:ff::/112", "Services were not read: services: forbidden: list services")
}

func TestWriteWhole(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(name, text string, force bool) {
		t.Helper()
		if err := writeWhole(at(name), []byte(text), force); err != nil {
			t.Fatal(err)
		}
	}
	write("new", "one", false)
	if err := writeWhole(at("new"), []byte("two"), false); err == nil || !strings.Contains(err.Error(), "--force") {
		t.Errorf("overwritten: %v", err)
	}
	if err := os.Chmod(at("new"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("new", at("link")); err != nil {
		t.Fatal(err)
	}
	write("link", "three", true)
	link, err := os.Lstat(at("link"))
	if err != nil || link.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is one no more: %v", err)
	}
	info, err := os.Stat(at("new"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o640 {
		t.Errorf("the mode of the file is %v", info.Mode())
	}
	if text, err := os.ReadFile(at("new")); err != nil || string(text) != "three" {
		t.Errorf("the file has %q: %v", text, err)
	}
	if err := writeWhole(dir, nil, true); err == nil {
		t.Error("a folder was overwritten")
	}
	if err := writeWhole(filepath.Join(dir, "none", "x"), nil, false); err == nil {
		t.Error("written into a folder that is not there")
	}
	// A link to nowhere is something that is there.
	if err := os.Symlink("nowhere", at("dangling")); err != nil {
		t.Fatal(err)
	}
	if err := writeWhole(at("dangling"), nil, false); err == nil {
		t.Error("a dangling link was overwritten")
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 3 {
		t.Errorf("left in the folder: %v, %v", left, err)
	}
}

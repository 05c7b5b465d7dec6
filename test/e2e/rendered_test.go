//go:build e2e

package e2e

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// labNodes is the nodes of the lab, as plan render is told of them.
var labNodes = []string{
	"--node", "k8s-controller-0=192.168.16.20,2001:db8:7653:216::20",
	"--node", "k8s-node-0=192.168.16.21,2001:db8:7653:216::21",
	"--node", "k8s-node-1=192.168.16.22,2001:db8:7653:216::22",
}

// plans is files of plans of every kind, by what is particular to them.
func plans(t *testing.T) map[string]string {
	t.Helper()
	today, err := os.ReadFile(repository("examples", "homelab-today", "plan.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files := map[string]string{
		"homelab":       repository("examples", "homelab", "plan.yaml"),
		"homelab-today": repository("examples", "homelab-today", "plan.yaml"),
	}
	for name, change := range map[string][2]string{
		"IPv6 first":      {"\nspec:\n", "\nspec:\n  families: [IPv6, IPv4]\n"},
		"IPv4 alone":      {"\nspec:\n", "\nspec:\n  families: [IPv4]\n"},
		"IPv6 alone":      {"\nspec:\n", "\nspec:\n  families: [IPv6]\n"},
		"BGP":             {"announce: l2", "announce: bgp"},
		"all masqueraded": {"ipv6: routed", "ipv6: masquerade"},
		"all routed":      {"ipv4: masquerade", "ipv4: routed"},
	} {
		if n := strings.Count(string(today), change[0]); n != 1 {
			t.Fatalf("%q stands in the plan %d times, want once", change[0], n)
		}
		files[name] = filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".yaml")
		if err := os.WriteFile(files[name], []byte(strings.Replace(string(today), change[0], change[1], 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// TestRendered shows what plan render writes to the programs that it is for.
func TestRendered(t *testing.T) {
	for name, file := range plans(t) {
		t.Run(name, func(t *testing.T) {
			c := &cluster{t: t}
			t.Run("kubeadm", func(t *testing.T) { (&cluster{t: t}).kubeadmTakes(file) })
			t.Run("cilium", func(t *testing.T) { (&cluster{t: t}).chartMakes(file) })
			dir := c.render(file, "frr", "radvd", "nftables")
			c.fill(dir, "${LAN_INTERFACE}", "lan0", "${UPLINK_INTERFACE}", "uplink0", "${ROUTER_ASN}", "64512", "${MY_ASN}", "64513")
			for _, command := range [][]string{
				{"vtysh", "-C", "-f", "frr.conf"},
				{"radvd", "-c", "-C", "radvd.conf"},
				{"unshare", "-n", "nft", "-c", "-f", "nftables.conf"},
			} {
				c.takes(dir, command...)
			}
		})
	}
}

// render is a folder with what plan render writes of a plan for targets.
func (c *cluster) render(file string, targets ...string) string {
	c.t.Helper()
	dir := filepath.Join(c.t.TempDir(), "rendered")
	args := append([]string{"plan", "render", file, "-d", dir}, labNodes...)
	for _, target := range targets {
		args = append(args, "--for", target)
	}
	if out := c.run(programs.plugin, args...); out.code != 0 {
		c.t.Fatalf("plan render %s: exit status %d\n%s", file, out.code, out.stderr)
	}
	return dir
}

// fill puts in what no plan tells, and returns the files. A placeholder that is left would
// be refused by the program.
func (c *cluster) fill(dir string, fromTo ...string) []string {
	c.t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		c.t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err == nil {
			err = os.WriteFile(file, []byte(strings.NewReplacer(fromTo...).Replace(string(text))), 0o600)
		}
		if err != nil {
			c.t.Fatal(err)
		}
	}
	return files
}

// takes runs a program over a file in dir, and wants it to have nothing against it. The
// routers' programs are where the lab has unpacked them.
func (c *cluster) takes(dir string, command ...string) {
	c.t.Helper()
	routers := filepath.Join(programs.bin, "routers", "usr")
	for _, folder := range []string{filepath.Join(routers, "bin"), filepath.Join(routers, "sbin")} {
		if path := filepath.Join(folder, command[0]); exists(path) {
			command[0] = path
		}
	}
	cmd := exec.CommandContext(c.t.Context(), command[0], command[1:]...)
	cmd.Dir = dir
	libraries, err := filepath.Glob(filepath.Join(routers, "lib", "*-linux-gnu*"))
	if err != nil {
		c.t.Fatal(err)
	}
	for _, folder := range libraries {
		libraries = append(libraries, filepath.Join(folder, "frr"))
	}
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+strings.Join(libraries, ":"))
	if out, err := cmd.CombinedOutput(); err != nil {
		c.t.Errorf("%s: %v\n%s", strings.Join(command, " "), err, out)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// kubeadmTakes has kubeadm judge what was rendered for it, with the secrets that it would
// have printed.
func (c *cluster) kubeadmTakes(plan string) {
	c.t.Helper()
	dir := c.render(plan, "kubeadm")
	files := c.fill(dir, "${KUBEADM_TOKEN}", "abcdef.0123456789abcdef", "${KUBEADM_CA_CERT_HASH}", "sha256:"+strings.Repeat("0123456789abcdef", 4))
	if len(files) != 3 {
		c.t.Fatalf("kubeadm has the files %q, want one for each node", files)
	}
	for _, file := range files {
		out := c.run(filepath.Join(programs.bin, "kubeadm"), "config", "validate", "--config", file)
		if out.code != 0 || strings.Contains(out.stderr, "WARNING") || strings.Contains(out.stderr, "W0") {
			c.t.Errorf("kubeadm config validate: exit status %d\n%s%s", out.code, out.stdout, out.stderr)
		}
	}
}

// chartMakes has Cilium's chart make its ConfigMap of the values that were rendered, and
// holds it to what is rendered as a ConfigMap, and doctor to being silent about it.
func (c *cluster) chartMakes(plan string) {
	c.t.Helper()
	dir := c.render(plan, "cilium", "cilium-config")
	chart := filepath.Join(c.moduleDir("github.com/cilium/cilium"), "install", "kubernetes", "cilium")
	made := c.run(filepath.Join(programs.bin, "helm"), "template", "cilium", chart, "--namespace", "kube-system", "--kube-version", "1.37.2",
		"--values", filepath.Join(dir, "cilium-values.yaml"), "--show-only", "templates/cilium-configmap.yaml")
	if made.code != 0 {
		c.t.Fatalf("helm template: exit status %d\n%s", made.code, made.stderr)
	}
	rendered, err := os.ReadFile(filepath.Join(dir, "cilium-config.yaml"))
	if err != nil {
		c.t.Fatal(err)
	}
	want, got := configMap(c.t, rendered), configMap(c.t, []byte(made.stdout))
	if len(want) < 8 {
		c.t.Fatalf("cilium-config has %d keys:\n%s", len(want), rendered)
	}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if value, ok := got[key]; !ok || value != want[key] {
			c.t.Errorf("%s: rendered %q, made by the chart %q (%t)", key, want[key], value, ok)
		}
	}
	file := filepath.Join(dir, "made.yaml")
	if err := os.WriteFile(file, []byte(made.stdout), 0o600); err != nil {
		c.t.Fatal(err)
	}
	for _, f := range c.doctor(0, "-f", file, "--plan", plan, "--only", "DS4", "--fail-on", "none").findings() {
		if f.Severity != "info" {
			c.t.Errorf("%+v", f)
		}
	}
}

func configMap(t *testing.T, document []byte) map[string]string {
	t.Helper()
	var cm corev1.ConfigMap
	if err := yaml.Unmarshal(document, &cm); err != nil {
		t.Fatal(err)
	}
	if cm.Name != "cilium-config" {
		t.Fatalf("a ConfigMap %q:\n%s", cm.Name, document)
	}
	return cm.Data
}

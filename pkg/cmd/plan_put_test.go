package cmd

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubectl/pkg/scheme"
)

// written is what an API server was asked to write.
type written struct {
	request string // method, path and query
	body    corev1.ConfigMap
}

// keep has s take ConfigMaps, and gives what it took. Nothing of it is kept.
func (s *apiServer) keep(t *testing.T) *[]written {
	var all []written
	s.answer = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet {
			return false
		}
		text, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		one := written{request: r.Method + " " + r.URL.Path + "?" + r.URL.Query().Encode()}
		if _, _, err := scheme.Codecs.UniversalDeserializer().Decode(text, nil, &one.body); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		all = append(all, one)
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		_, _ = w.Write(text)
		return true
	}
	return &all
}

func planFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "plan.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPutPlan: made, changed or left alone, byte for byte, in each kind of dry run.
func TestPutPlan(t *testing.T) {
	file := planFile(t, sharedPlan)
	older := strings.Replace(sharedPlan, "10.96", "10.97", 1)
	there := map[string]map[string]string{
		"created":    nil,
		"configured": {"plan.yaml": older, "README": "stays"},
		"unchanged":  {"plan.yaml": sharedPlan},
	}
	requests := map[string]string{
		"created":    "POST /api/v1/namespaces/kube-system/configmaps?",
		"configured": "PUT /api/v1/namespaces/kube-system/configmaps/dualstack-plan?",
	}
	for did, data := range there {
		for _, dryRun := range []struct{ flag, suffix, query string }{
			{"none", "", "fieldManager=kubectl-dualstack"},
			{"client", " (dry run)", ""},
			{"server", " (server dry run)", "dryRun=All&fieldManager=kubectl-dualstack"},
		} {
			t.Run(did+" "+dryRun.flag, func(t *testing.T) {
				s := newAPIServer(t)
				got := s.keep(t)
				if data != nil {
					s.documents[sharedPath] = configMap("kube-system", "dualstack-plan", data)
				}
				run(t, "plan", "put", file, "--server", s.URL, "--dry-run="+dryRun.flag).
					want(t, exitOK, "configmap/dualstack-plan "+did+dryRun.suffix+"\n", "")
				if did == "unchanged" || dryRun.query == "" {
					if len(*got) > 0 {
						t.Errorf("wrote %v", *got)
					}
					return
				}
				if len(*got) != 1 || (*got)[0].request != requests[did]+dryRun.query {
					t.Fatalf("wrote %v, want %s%s", *got, requests[did], dryRun.query)
				}
				wrote := (*got)[0].body
				if wrote.Data["plan.yaml"] != sharedPlan || wrote.Data["README"] != data["README"] {
					t.Errorf("wrote %q", wrote.Data)
				}
				if made := did == "created"; made != (wrote.Labels[managedBy] == ourName) || made != (wrote.ResourceVersion == "") {
					t.Errorf("labels %v, resourceVersion %q", wrote.Labels, wrote.ResourceVersion)
				}
			})
		}
	}
}

// TestPutPlanRefused: what is not written, and why.
func TestPutPlanRefused(t *testing.T) {
	overlapping := planFile(t, strings.Replace(sharedPlan, "10.96.0.0/16", "10.244.0.0/16", 1))
	malformed := planFile(t, strings.Replace(sharedPlan, "10.96.0.0/16", "10.96.0.0", 1))
	large := planFile(t, sharedPlan+strings.Repeat("#\n", maxConfigMap/2))
	good := planFile(t, sharedPlan)
	s := newAPIServer(t)
	got := s.keep(t)
	s.documents["/api/v1/namespaces/kube-system/configmaps/coredns"] = configMap("kube-system", "coredns", map[string]string{"Corefile": ".:53 {}"})
	s.documents["/api/v1/namespaces/a/configmaps/other"] = configMap("a", "other", map[string]string{"homelab": "# old\n" + sharedPlan})

	put := func(args ...string) outcome {
		return run(t, append([]string{"plan", "put", "--server", s.URL}, args...)...)
	}
	put(malformed).want(t, exitTrouble, "", ":12:11: spec.services.ipv4: ")
	put(malformed, "--force").want(t, exitTrouble, "", ":12:11: spec.services.ipv4: ")
	put(overlapping).want(t, exitFindings, "", "not written: "+overlapping+" has 1 error; mend the plan, or write it all the same with --force\n")
	put(large).want(t, exitTrouble, "", "plan.yaml has 1048831 bytes: a ConfigMap holds at most 1048576\n")
	put(good, "cm/kube-system/coredns").want(t, exitTrouble, "", "error: configmap/kube-system/coredns: has no key plan.yaml, and holds something else: name another, or add the key with --force\n")
	put(good, "kube-system/plan").want(t, exitTrouble, "", `error: "kube-system/plan": want configmap/NAMESPACE/NAME`)
	put(good, "cm/kube-system/a_b").want(t, exitTrouble, "", `name "a_b": a lowercase RFC 1123 subdomain`)
	put(good, "--dry-run=perhaps").want(t, exitTrouble, "", "error: Invalid dry-run value (perhaps)")
	put(good, "-o", "perhaps").want(t, exitTrouble, "", `unable to match a printer suitable for the output format "perhaps"`)
	if len(*got) > 0 {
		t.Errorf("wrote %v", *got)
	}
	put(overlapping, "--force").want(t, exitOK, "configmap/dualstack-plan created\n", "spec.services.ipv4: 10.244.0.0/16 is also pods 10.244.0.0/16")
	put(good, "cm/kube-system/coredns", "--force").want(t, exitOK, "configmap/coredns configured\n", "")
	put(good, "cm/a/other").want(t, exitOK, "configmap/other configured\n", "")
	if coredns := (*got)[1].body.Data; len(coredns) != 2 || coredns["Corefile"] == "" || coredns["plan.yaml"] != sharedPlan {
		t.Errorf("wrote %q", coredns)
	}
	if other := (*got)[2].body.Data; len(other) != 1 || other["homelab"] != sharedPlan {
		t.Errorf("wrote %q: the plan was under another key, and its only one", other)
	}
}

// TestPutPlanTrouble: what the API server refuses, in words that help.
func TestPutPlanTrouble(t *testing.T) {
	file := planFile(t, sharedPlan)
	for _, one := range []struct{ method, reason, message, want string }{
		{http.MethodGet, "Forbidden", `User "dev" cannot get resource "configmaps"`, "get configmaps -n kube-system: forbidden"},
		{http.MethodPost, "Forbidden", `User "dev" cannot create resource "configmaps"`, "create configmaps -n kube-system: forbidden"},
		{http.MethodPost, "AlreadyExists", `configmaps "dualstack-plan" already exists`, "somebody else has changed it in the meantime, and nothing was written"},
		{http.MethodPost, "NotFound", `namespaces "kube-system" not found`, `namespaces "kube-system" not found`},
	} {
		s := newAPIServer(t)
		s.answer = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != one.method {
				return false
			}
			status(w, map[string]int{"Forbidden": 403, "AlreadyExists": 409, "NotFound": 404}[one.reason], one.reason, one.message)
			return true
		}
		run(t, "plan", "put", file, "--server", s.URL).want(t, exitTrouble, "", "error: configmap/kube-system/dualstack-plan: "+one.want)
	}
	s := newAPIServer(t)
	s.documents[sharedPath] = configMap("kube-system", "dualstack-plan", map[string]string{"plan.yaml": "older"})
	s.answer = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut {
			return false
		}
		status(w, http.StatusConflict, "Conflict", "the object has been modified")
		return true
	}
	run(t, "plan", "put", file, "--server", s.URL).want(t, exitTrouble, "", "somebody else has changed it in the meantime")
}

// TestGetPlan: what was put is got, byte for byte; what is no plan is printed, and told.
func TestGetPlan(t *testing.T) {
	s := newAPIServer(t)
	s.documents[sharedPath] = configMap("kube-system", "dualstack-plan", map[string]string{"plan.yaml": sharedPlan})
	s.documents["/api/v1/namespaces/a/configmaps/b"] = configMap("a", "b", map[string]string{"plan.yaml": "spec: \x1b[31m"})
	if o := run(t, "plan", "get", "--server", s.URL); o != (outcome{exitOK, sharedPlan, ""}) {
		t.Errorf("%+v", o)
	}
	o := run(t, "plan", "get", "configmap/a/b", "--server", s.URL)
	o.want(t, exitFindings, "spec: \x1b[31m", "configmap/a/b:1:")
	if strings.Contains(o.stderr, "\x1b") {
		t.Errorf("stderr %q", o.stderr)
	}
	run(t, "plan", "get", "configmap/a/none", "--server", s.URL).want(t, exitTrouble, "", "configmap/a/none: not found in cluster ")
	run(t, "plan", "get", "a/b").want(t, exitTrouble, "", `error: "a/b": want configmap/NAMESPACE/NAME`)
	run(t, "plan", "get", "cm/a/b", "cm/a/c").want(t, exitTrouble, "", "error: 2 arguments: want one configmap/NAMESPACE/NAME at most")
}

// TestPutManifest: the manifest asks no cluster, and has the file as it is.
func TestPutManifest(t *testing.T) {
	o := run(t, "plan", "put", planFile(t, sharedPlan), "configmap/network/homelab", "--dry-run=client", "-o", "json")
	var m corev1.ConfigMap
	if err := json.Unmarshal([]byte(o.stdout), &m); err != nil || o.code != exitOK {
		t.Fatalf("exit code %d: %v\n%s", o.code, err, o.stderr)
	}
	if m.Kind != "ConfigMap" || m.Namespace != "network" || m.Name != "homelab" || m.Data["plan.yaml"] != sharedPlan {
		t.Errorf("%+v", m)
	}
}

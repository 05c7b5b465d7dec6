package build

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestNeeded(t *testing.T) {
	for profile, want := range map[Profile]struct{ runc, clang bool }{
		ControlPlane: {false, false}, Plain: {true, false}, Cilium: {true, true},
	} {
		has := func(name string) bool {
			return slices.ContainsFunc(needed(profile), func(p Package) bool { return p.Name == name })
		}
		if has("runc") != want.runc || has("clang-19") != want.clang {
			t.Errorf("%s: %v", profile, needed(profile))
		}
	}
}

func TestMissing(t *testing.T) {
	there := Package{Name: "there", Shows: t.TempDir()}
	gone := Package{Name: "gone", Shows: filepath.Join(there.Shows, "none")}
	if got := missing([]Package{there, gone}); !slices.Equal(got, []Package{gone}) {
		t.Errorf("missing %v", got)
	}
}

func TestInstall(t *testing.T) {
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "apt-get"), []byte("#!/bin/sh\necho $DEBIAN_FRONTEND \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	var log bytes.Buffer
	if err := Install(t.Context(), []Package{{Name: "runc"}, {Name: "curl"}}, &log); err != nil {
		t.Fatal(err)
	}
	const want = "noninteractive update -q\nnoninteractive install -q -y --no-install-recommends runc curl\n"
	if log.String() != want {
		t.Errorf("called apt-get with\n%swant\n%s", log.String(), want)
	}
}

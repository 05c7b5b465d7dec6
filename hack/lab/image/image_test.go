package image

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// archive is two images with a layer in common and one of their own.
func archive(t *testing.T) (a Archive, source string) {
	t.Helper()
	source = filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(source, []byte("a program"), 0o755); err != nil {
		t.Fatal(err)
	}
	base := newLayer()
	base.dir("tmp", 0o777|fs.ModeSticky)
	base.write("etc/passwd", "root:x:0:0::/:/bin/sh\n")
	a.Name = "two"
	for _, name := range []string{"one", "other"} {
		own := newLayer()
		own.copy("bin/"+name, source)
		own.link("bin/also", name)
		a.Images = append(a.Images, Image{
			Name: "example.org/" + name + ":v1", Config: Config{Entrypoint: []string{"/bin/" + name}}, Layers: []*Layer{base, own},
		})
	}
	return a, source
}

// entries is what a tar archive has: for each name its header, and the content of files.
func entries(t *testing.T, r io.Reader) (headers map[string]*tar.Header, content map[string][]byte) {
	t.Helper()
	headers, content = map[string]*tar.Header{}, map[string][]byte{}
	for in := tar.NewReader(r); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return headers, content
		}
		if err != nil {
			t.Fatal(err)
		}
		if headers[h.Name] != nil {
			t.Errorf("%s is there twice", h.Name)
		}
		headers[h.Name] = h
		if content[h.Name], err = io.ReadAll(in); err != nil {
			t.Fatal(err)
		}
	}
}

func TestArchive(t *testing.T) {
	a, _ := archive(t)
	var out bytes.Buffer
	if err := a.write(&out); err != nil {
		t.Fatal(err)
	}
	_, files := entries(t, &out)
	for name, data := range files {
		if digest, ok := strings.CutPrefix(name, "blobs/sha256/"); ok && digest != fmt.Sprintf("%x", sha256.Sum256(data)) {
			t.Errorf("%s is not named by its digest", name)
		}
	}
	blob := func(d descriptor, into any) []byte {
		data := files["blobs/"+strings.Replace(d.Digest, ":", "/", 1)]
		if int64(len(data)) != d.Size {
			t.Fatalf("%+v: the archive has %d bytes of it", d, len(data))
		}
		if into != nil {
			if err := json.Unmarshal(data, into); err != nil {
				t.Fatal(err)
			}
		}
		return data
	}
	var index struct{ Manifests []descriptor }
	if err := json.Unmarshal(files["index.json"], &index); err != nil {
		t.Fatal(err)
	}
	if len(index.Manifests) != 2 || index.Manifests[1].Annotations["io.containerd.image.name"] != "example.org/other:v1" {
		t.Fatalf("index: %s", files["index.json"])
	}
	var manifest struct {
		Config descriptor
		Layers []descriptor
	}
	blob(index.Manifests[1], &manifest)
	var config struct {
		Config Config
		RootFS struct {
			DiffIDs []string `json:"diff_ids"`
		}
	}
	blob(manifest.Config, &config)
	if !slices.Equal(config.Config.Entrypoint, []string{"/bin/other"}) {
		t.Errorf("config: %+v", config.Config)
	}
	var digests []string
	for _, layer := range manifest.Layers {
		digests = append(digests, layer.Digest)
	}
	if len(digests) != 2 || !slices.Equal(digests, config.RootFS.DiffIDs) {
		t.Errorf("the manifest has the layers %s, the config %s", digests, config.RootFS.DiffIDs)
	}
	headers, content := entries(t, bytes.NewReader(blob(manifest.Layers[0], nil)))
	if h := headers["tmp/"]; h == nil || h.Typeflag != tar.TypeDir || h.Mode != 0o1777 {
		t.Errorf("tmp: %+v", h)
	}
	if string(content["etc/passwd"]) != "root:x:0:0::/:/bin/sh\n" {
		t.Errorf("etc/passwd: %q", content["etc/passwd"])
	}
	headers, content = entries(t, bytes.NewReader(blob(manifest.Layers[1], nil)))
	if h := headers["bin/other"]; h == nil || h.Mode != 0o755 || !h.ModTime.Equal(epoch) || string(content["bin/other"]) != "a program" {
		t.Errorf("bin/other: %+v: %q", h, content["bin/other"])
	}
	if h := headers["bin/also"]; h == nil || h.Linkname != "other" {
		t.Errorf("bin/also: %+v", h)
	}
}

func TestPacksWhatChanged(t *testing.T) {
	a, source := archive(t)
	dir := t.TempDir()
	pack := func() string {
		var log bytes.Buffer
		if err := Pack(t.Context(), []Archive{a}, dir, &log); err != nil {
			t.Fatal(err)
		}
		return log.String()
	}
	read := func() []byte {
		data, err := os.ReadFile(filepath.Join(dir, "two.tar"))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	const upToDate = "images two: up to date\n"
	if got := pack(); got == upToDate {
		t.Error("the first time nothing is packed")
	}
	first := read()
	if got := pack(); got != upToDate {
		t.Errorf("the second time: %s", got)
	}
	if err := os.Chtimes(source, time.Time{}, epoch); err != nil {
		t.Fatal(err)
	}
	if got := pack(); got == upToDate {
		t.Error("a program that is written anew is not packed")
	}
	if !bytes.Equal(first, read()) {
		t.Error("the same content makes another archive")
	}
	a.Images[0].Config.User = "nobody"
	if got := pack(); got == upToDate || bytes.Equal(first, read()) {
		t.Errorf("another user: %s", got)
	}
}

func TestLayerTellsWhatFailed(t *testing.T) {
	l := newLayer()
	l.copy("bin/sh", filepath.Join(t.TempDir(), "none"))
	l.write("etc/passwd", "")
	err := Pack(t.Context(), []Archive{{Name: "a", Images: []Image{{Name: "i", Layers: []*Layer{l}}}}}, t.TempDir(), io.Discard)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a program that is not there: %v", err)
	}
}

func TestParseLdd(t *testing.T) {
	found, missing := parseLdd(`	linux-vdso.so.1 (0x00007f13a36c9000)
	libclang-cpp.so.19.1 => /usr/lib/llvm-19/bin/../lib/libclang-cpp.so.19.1 (0x00007f20a2c00000)
	libssl.so.3 => not found
	libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f13a2c1e000)
	/lib64/ld-linux-x86-64.so.2 (0x00007f13a36cb000)
`)
	want := []string{"/usr/lib/llvm-19/lib/libclang-cpp.so.19.1", "/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"}
	if !slices.Equal(found, want) || !slices.Equal(missing, []string{"libssl.so.3"}) {
		t.Errorf("found %s, missing %s", found, missing)
	}
}

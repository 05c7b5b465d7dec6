package image

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Image is what it is called, how it starts, and its layers from the bottom.
type Image struct {
	Name   string // in full, with a registry and a tag
	Config Config
	Layers []*Layer
}

// Config is how an image starts. Source: OCI image specification v1.1, config.md.
type Config struct {
	User       string            `json:"User,omitempty"`
	Env        []string          `json:"Env,omitempty"`
	Entrypoint []string          `json:"Entrypoint,omitempty"`
	Cmd        []string          `json:"Cmd,omitempty"`
	WorkingDir string            `json:"WorkingDir,omitempty"`
	Labels     map[string]string `json:"Labels,omitempty"`
}

// Archive is images in one file, where what they have in common is once.
type Archive struct {
	Name   string
	Images []Image
}

// Pack writes archives into dir, each unless it is there and nothing that it is packed
// from has changed since.
func Pack(ctx context.Context, archives []Archive, dir string, log io.Writer) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, a := range archives {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := a.pack(dir, log); err != nil {
			return fmt.Errorf("pack images %s: %w", a.Name, err)
		}
	}
	return nil
}

func (a Archive) pack(dir string, log io.Writer) error {
	key, err := a.key()
	if err != nil {
		return err
	}
	target, stamp := a.path(dir), filepath.Join(dir, "."+a.Name+".packed-from")
	if _, err := os.Stat(target); err == nil {
		if packed, err := os.ReadFile(stamp); err == nil && string(packed) == key {
			_, err := fmt.Fprintf(log, "images %s: up to date\n", a.Name)
			return err
		}
	}
	// As with programs, a stamp must not outlive what it stands for.
	if err := os.Remove(stamp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	start := time.Now()
	size, err := a.create(target)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(log, "images %s: packed in %s, %d MB\n", a.Name, time.Since(start).Round(100*time.Millisecond), size>>20); err != nil {
		return err
	}
	return os.WriteFile(stamp, []byte(key), 0o644)
}

func (a Archive) path(dir string) string {
	return filepath.Join(dir, a.Name+".tar")
}

// key is a digest of all that the archive is packed from.
func (a Archive) key() (string, error) {
	h := sha256.New()
	for _, image := range a.Images {
		config, err := json.Marshal(image.Config)
		if err != nil {
			return "", err
		}
		_, _ = fmt.Fprintf(h, "%s %s\n", image.Name, config) // a hash takes all writes
		for _, layer := range image.Layers {
			if err := layer.describe(h); err != nil {
				return "", fmt.Errorf("%s: %w", image.Name, err)
			}
			_, _ = fmt.Fprintln(h)
		}
	}
	return fmt.Sprintf("%x\n", h.Sum(nil)), nil
}

// create writes the archive, whole or not at all.
func (a Archive) create(target string) (size int64, err error) {
	out, err := os.CreateTemp(filepath.Dir(target), ".pack-")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.Remove(out.Name()) }()
	if err := a.write(out); err != nil {
		return 0, errors.Join(err, out.Close())
	}
	stat, err := out.Stat()
	if err := errors.Join(err, out.Close()); err != nil {
		return 0, err
	}
	return stat.Size(), errors.Join(os.Chmod(out.Name(), 0o644), os.Rename(out.Name(), target))
}

// descriptor is how one blob of an archive speaks of another.
// Source: OCI image specification v1.1, descriptor.md.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Layers are not compressed: three nodes unpack them at once, on few cores.
const (
	layerType    = "application/vnd.oci.image.layer.v1.tar"
	configType   = "application/vnd.oci.image.config.v1+json"
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	indexType    = "application/vnd.oci.image.index.v1+json"
)

// write writes the archive in OCI's layout.
// Source: OCI image specification v1.1, image-layout.md.
func (a Archive) write(w io.Writer) error {
	b := blobs{tar: tar.NewWriter(w), layers: map[*Layer]descriptor{}, written: map[string]bool{}}
	if err := b.file("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`)); err != nil {
		return err
	}
	var manifests []descriptor
	for _, image := range a.Images {
		manifest, err := b.image(image)
		if err != nil {
			return fmt.Errorf("%s: %w", image.Name, err)
		}
		manifests = append(manifests, manifest)
	}
	index, err := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": indexType, "manifests": manifests})
	if err != nil {
		return err
	}
	return cmp.Or(b.file("index.json", index), b.tar.Close())
}

// blobs is an archive that is being written.
type blobs struct {
	tar     *tar.Writer
	layers  map[*Layer]descriptor // those that are written
	written map[string]bool       // by digest
}

// image writes what an image is made of, and is its manifest.
func (b blobs) image(image Image) (descriptor, error) {
	var layers []descriptor
	var digests []string
	for _, layer := range image.Layers {
		d, err := b.layer(layer)
		if err != nil {
			return descriptor{}, err
		}
		layers, digests = append(layers, d), append(digests, d.Digest)
	}
	config, err := b.json(configType, map[string]any{
		"created": epoch, "os": "linux", "architecture": runtime.GOARCH, "config": image.Config,
		"rootfs": map[string]any{"type": "layers", "diff_ids": digests},
	})
	if err != nil {
		return descriptor{}, err
	}
	manifest, err := b.json(manifestType, map[string]any{
		"schemaVersion": 2, "mediaType": manifestType, "config": config, "layers": layers,
	})
	_, tag, _ := strings.Cut(path.Base(image.Name), ":")
	// containerd takes the first for the name of the image; the second is what the
	// specification has for it.
	// Source: containerd v2.2.9, core/images/annotations.go.
	manifest.Annotations = map[string]string{
		"io.containerd.image.name":          image.Name,
		"org.opencontainers.image.ref.name": tag,
	}
	return manifest, err
}

// layer writes a layer, unless it is there. It is packed twice: the name of a blob is
// its digest, and stands before it.
func (b blobs) layer(l *Layer) (descriptor, error) {
	if d, ok := b.layers[l]; ok {
		return d, nil
	}
	h, count := sha256.New(), new(counter)
	if err := l.pack(io.MultiWriter(h, count)); err != nil {
		return descriptor{}, err
	}
	d := descriptor{MediaType: layerType, Digest: fmt.Sprintf("sha256:%x", h.Sum(nil)), Size: int64(*count)}
	b.layers[l] = d
	return d, b.blob(d, l.pack)
}

func (b blobs) json(mediaType string, value any) (descriptor, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return descriptor{}, err
	}
	d := descriptor{MediaType: mediaType, Digest: fmt.Sprintf("sha256:%x", sha256.Sum256(data)), Size: int64(len(data))}
	return d, b.blob(d, func(w io.Writer) error { _, err := w.Write(data); return err })
}

func (b blobs) blob(d descriptor, content func(io.Writer) error) error {
	if b.written[d.Digest] {
		return nil
	}
	b.written[d.Digest] = true
	name := "blobs/" + strings.Replace(d.Digest, ":", "/", 1)
	if err := b.tar.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: d.Size, ModTime: epoch}); err != nil {
		return err
	}
	return content(b.tar)
}

func (b blobs) file(name string, data []byte) error {
	err := b.tar.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(data)), ModTime: epoch})
	if err != nil {
		return err
	}
	_, err = io.Copy(b.tar, bytes.NewReader(data))
	return err
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

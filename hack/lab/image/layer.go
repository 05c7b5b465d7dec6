// Package image packs the images that the lab's nodes run, from programs of the lab and
// of Debian, into archives that containerd imports. No registry and no container
// engine takes part.
package image

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Layer is files that images have in common. Its methods put one file each; what goes
// wrong is kept and told when the layer is packed.
type Layer struct {
	files map[string]file // by path, without the leading slash
	err   error
}

// file is one file of a layer.
type file struct {
	mode   fs.FileMode
	source string // file of the machine whose content it has; none where text is its content
	text   string // content, or where a link leads
}

// epoch is the time of every file, so that the same files make the same layer.
var epoch = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

func newLayer() *Layer {
	return &Layer{files: map[string]file{}}
}

// dir puts a folder. Those around a file need not be put; they belong to root and all
// may enter them.
func (l *Layer) dir(at string, mode fs.FileMode) {
	l.put(at, file{mode: fs.ModeDir | mode})
}

func (l *Layer) write(at, text string) {
	l.put(at, file{mode: 0o644, text: text})
}

func (l *Layer) link(at, target string) {
	l.put(at, file{mode: fs.ModeSymlink | 0o777, text: target})
}

// copy puts a file of the machine, with its permissions.
func (l *Layer) copy(at, source string) {
	stat, err := os.Stat(source)
	if err != nil {
		l.fail(err)
		return
	}
	l.put(at, file{mode: stat.Mode(), source: source})
}

// script puts a file of a module, where nothing may be executed, as a program.
func (l *Layer) script(at, source string) {
	l.put(at, file{mode: 0o755, source: source})
}

// tree puts the files of a folder, those whose path in the folder keep takes. A link to
// a file becomes a file.
func (l *Layer) tree(at, folder string, keep func(name string) bool) {
	l.fail(fs.WalkDir(os.DirFS(folder), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && keep(name) {
			l.copy(path.Join(at, name), filepath.Join(folder, name))
		}
		return err
	}))
}

// program puts a program of the machine that is dynamically linked, and the libraries
// that it needs, except those that a layer below has.
func (l *Layer) program(at, source string, below ...*Layer) {
	l.copy(at, source)
	l.libraries(source, below...)
}

// libraries puts what a program needs, except what a layer below has.
func (l *Layer) libraries(program string, below ...*Layer) {
	needed, err := libraries(program)
	l.fail(err)
	for _, library := range needed {
		has := func(other *Layer) bool { _, ok := other.files[library[1:]]; return ok }
		if !slices.ContainsFunc(below, has) {
			l.copy(library, library)
		}
	}
}

func (l *Layer) put(at string, f file) {
	l.files[strings.TrimPrefix(path.Clean(at), "/")] = f
}

func (l *Layer) fail(err error) {
	l.err = errors.Join(l.err, err)
}

// describe writes what the layer is packed from: it is the same as long as the layer
// would be. A file of the machine is known by its size and time, as make knows it.
func (l *Layer) describe(w io.Writer) error {
	if l.err != nil {
		return l.err
	}
	for _, at := range slices.Sorted(maps.Keys(l.files)) {
		f := l.files[at]
		_, _ = fmt.Fprintf(w, "%q %v %q %q\n", at, f.mode, f.text, f.source) // a hash takes all writes
		if f.source == "" {
			continue
		}
		stat, err := os.Stat(f.source)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintln(w, stat.Size(), stat.ModTime().UnixNano())
	}
	return nil
}

// pack writes the layer as a tar archive.
func (l *Layer) pack(w io.Writer) error {
	out := tar.NewWriter(w)
	for _, at := range slices.Sorted(maps.Keys(l.files)) {
		if err := l.files[at].pack(out, at); err != nil {
			return fmt.Errorf("pack %s: %w", at, err)
		}
	}
	return out.Close()
}

func (f file) pack(out *tar.Writer, at string) error {
	header := &tar.Header{Name: at, Mode: permissions(f.mode), ModTime: epoch, Format: tar.FormatPAX}
	switch {
	case f.mode.IsDir():
		header.Typeflag, header.Name = tar.TypeDir, at+"/"
		return out.WriteHeader(header)
	case f.mode&fs.ModeSymlink != 0:
		header.Typeflag, header.Linkname = tar.TypeSymlink, f.text
		return out.WriteHeader(header)
	}
	content, size, err := f.open()
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }()
	header.Typeflag, header.Size = tar.TypeReg, size
	if err := out.WriteHeader(header); err != nil {
		return err
	}
	_, err = io.Copy(out, content)
	return err
}

func (f file) open() (io.ReadCloser, int64, error) {
	if f.source == "" {
		return io.NopCloser(bytes.NewBufferString(f.text)), int64(len(f.text)), nil
	}
	content, err := os.Open(f.source)
	if err != nil {
		return nil, 0, err
	}
	stat, err := content.Stat()
	return content, stat.Size(), err
}

// permissions is a mode as tar has it. A program that is setuid on the machine is not
// in an image: there everyone is root, or is not to become it.
func permissions(mode fs.FileMode) int64 {
	bits := int64(mode.Perm())
	if mode&fs.ModeSticky != 0 {
		bits |= 0o1000
	}
	return bits
}

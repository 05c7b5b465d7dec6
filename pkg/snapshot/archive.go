package snapshot

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// The limits of an archive. Nothing of it is written anywhere, so the paths in it
// are names and no more; what is bounded is how much comes out of it.
const (
	// maxRatio is how many times its size an archive may expand to, once it is
	// more than freeSize: YAML of a cluster shrinks to a thirtieth, its logs to a
	// hundredth, a bomb to a thousandth.
	maxRatio = 200
	freeSize = 64 << 20
	// maxUnpacked is what may come out of any archive.
	maxUnpacked = 8 << 30
	// maxEntries is how many files and folders an archive may list. A sysdump of
	// 1,000 nodes has some 40,000.
	maxEntries = 200_000
	// maxNesting is how many archives may be inside each other.
	maxNesting = 4
)

// The forms of an archive.
type archiveForm string

const (
	noArchive archiveForm = ""
	zipped    archiveForm = "zip"
	tarred    archiveForm = "tar"
	gzipped   archiveForm = "gzip"
	// packed is compressed by a program whose format is not read.
	packed archiveForm = "packed"
)

// headSize is how much of a file its form is seen from.
const headSize = 512

// formOf is what the first bytes of a file say that it is.
func formOf(head []byte) archiveForm {
	const tarMagic, tarMagicAt = "ustar", 257 // of POSIX and GNU alike
	has := func(magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }
	switch {
	case has("PK\x03\x04"), has("PK\x05\x06"): // the second of one without files
		return zipped
	case has("\x1f\x8b"):
		return gzipped
	case has("\x28\xb5\x2f\xfd"), has("\xfd7zXZ\x00"), has("BZh"), has("7z\xbc\xaf\x27\x1c"):
		return packed
	case len(head) > tarMagicAt && bytes.HasPrefix(head[tarMagicAt:], []byte(tarMagic)):
		return tarred
	}
	return noArchive
}

// inside ends the name of an archive in the name of a file in it:
// "sysdump.zip!nodes.yaml".
const inside = "!"

// unpacker goes through an archive, and those in it, from the first byte to the
// last, with no more than one of its files in memory.
type unpacker struct {
	name    string                // of the outermost archive
	yield   func(parsedFile) bool // false when nobody wants more
	allowed int64                 // how many bytes may come out
	out     int64                 // how many did
	entries int
	read    int // how many files were
	stopped bool
}

// unpack yields what is in the archive r of size bytes.
func unpack(name string, r io.ReaderAt, size int64, yield func(parsedFile) bool) {
	u := &unpacker{name: name, yield: yield, allowed: min(max(freeSize, maxRatio*size), maxUnpacked)}
	u.archive(name, r, size, 1)
	if u.read == 0 && !u.stopped {
		u.problem(name, errors.New("the archive has no .yaml, .yml or .json file"))
	}
}

// archive reads an archive that is inside of depth-1 others.
func (u *unpacker) archive(name string, r io.ReaderAt, size int64, depth int) {
	head := make([]byte, headSize)
	n, _ := r.ReadAt(head, 0) // an error comes again where the whole is read
	form := formOf(head[:n])
	switch {
	case form == packed:
		u.read++
		u.problem(name, errors.New("compressed in a format that is not read: zip, tar and gzip are"))
	case depth > maxNesting:
		u.stop(fmt.Errorf("%s: more than %d archives inside each other", name, maxNesting))
	case form == zipped:
		u.zip(name, r, size, depth)
	case form == tarred:
		u.tar(name, io.NewSectionReader(r, 0, size), depth)
	case form == gzipped:
		u.gzip(name, io.NewSectionReader(r, 0, size), depth)
	}
}

func (u *unpacker) zip(name string, r io.ReaderAt, size int64, depth int) {
	z, err := zip.NewReader(r, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		u.problem(name, err)
		return
	}
	for _, f := range z.File {
		if !u.entry() {
			return
		}
		if f.Mode().IsRegular() && wanted(f.Name) {
			u.zipFile(name+inside+entryName(f.Name), f, depth)
		}
	}
}

func (u *unpacker) zipFile(name string, f *zip.File, depth int) {
	const encrypted = 1 // the bit of the format's general purpose flags
	if f.Flags&encrypted != 0 {
		u.read++
		u.problem(name, errors.New("encrypted"))
		return
	}
	r, err := f.Open()
	if err != nil {
		u.read++
		u.problem(name, err)
		return
	}
	defer r.Close()
	u.file(name, r, depth)
}

func (u *unpacker) tar(name string, r io.Reader, depth int) {
	t := tar.NewReader(u.metered(r))
	for u.entry() {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			u.problem(name, err)
			return
		}
		if h.Typeflag == tar.TypeReg && wanted(h.Name) {
			u.file(name+inside+entryName(h.Name), t, depth)
		}
	}
}

// gzip reads a tar inside of gzip, or the one file that is.
func (u *unpacker) gzip(name string, r io.Reader, depth int) {
	z, err := gzip.NewReader(bufio.NewReader(r))
	if err != nil {
		u.problem(name, err)
		return
	}
	defer z.Close()
	content := bufio.NewReaderSize(u.metered(z), 64<<10)
	head, _ := content.Peek(headSize) // fewer bytes are no tar; an error comes again below
	if formOf(head) == tarred {
		u.tar(name, content, depth)
		return
	}
	u.file(name, content, depth)
}

// file yields one file, or what is in it when it is an archive itself.
func (u *unpacker) file(name string, r io.Reader, depth int) {
	u.read++
	data, err := io.ReadAll(io.LimitReader(u.metered(r), maxFile+1))
	switch {
	case err != nil:
		u.problem(name, err)
	case len(data) > maxFile:
		u.problem(name, errLarge)
	case formOf(data[:min(len(data), headSize)]) != noArchive:
		u.archive(name, bytes.NewReader(data), int64(len(data)), depth+1)
	default:
		u.send(parseFile(name, data).withPlanText(data))
	}
}

// entry counts an entry, and reports whether it may be looked at.
func (u *unpacker) entry() bool {
	if u.entries++; u.entries > maxEntries {
		u.stop(fmt.Errorf("more than %d files and folders in it", maxEntries))
	}
	return !u.stopped
}

// problem notes what is wrong with the file of this name, or why the archive is
// read no further.
func (u *unpacker) problem(name string, err error) {
	if inner := (*bombError)(nil); errors.As(err, &inner) {
		u.stop(err)
		return
	}
	u.send(parsedFile{problems: []Problem{unreadable(name, err)}})
}

// stop ends the reading of the outermost archive with a problem, once.
func (u *unpacker) stop(err error) {
	if !u.stopped {
		u.send(parsedFile{problems: []Problem{unreadable(u.name, err)}})
	}
	u.stopped = true
}

func (u *unpacker) send(parsed parsedFile) {
	if !u.stopped && !u.yield(parsed) {
		u.stopped = true
	}
}

// metered is r, whose bytes count among those that may come out of the archive.
func (u *unpacker) metered(r io.Reader) io.Reader { return &meter{u, r} }

type meter struct {
	of *unpacker
	r  io.Reader
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	if m.of.out += int64(n); m.of.out > m.of.allowed {
		return 0, &bombError{m.of.allowed}
	}
	return n, err
}

// bombError is that more comes out of an archive than may.
type bombError struct{ allowed int64 }

func (e *bombError) Error() string {
	return fmt.Sprintf("expands to more than %d MiB, as no archive of a cluster does", e.allowed>>20)
}

// wanted reports whether the file of an archive is read: a manifest, as in a
// folder, or another archive.
func wanted(name string) bool {
	name = strings.ToLower(entryName(name))
	// macOS puts a file of attributes beside each.
	if strings.HasPrefix(path.Base(name), "._") {
		return false
	}
	ext := path.Ext(name)
	if slices.Contains(extensions, ext) {
		return true
	}
	// Packed charts stand in the folder charts of another, and hold templates and
	// defaults, which say nothing of the cluster.
	packedChart := slices.Contains(strings.Split(path.Dir(name), "/"), "charts")
	switch ext {
	case ".zip", ".tar", ".tgz":
		return !packedChart
	case ".gz":
		inner := path.Ext(strings.TrimSuffix(name, ext))
		return inner == ".tar" && !packedChart || slices.Contains(extensions, inner)
	}
	return false
}

// entryName is the path of an archive's entry, as it is written: nothing is ever
// opened by it.
func entryName(name string) string {
	return path.Clean(strings.ReplaceAll(strings.ToValidUTF8(name, "\ufffd"), `\`, "/"))
}

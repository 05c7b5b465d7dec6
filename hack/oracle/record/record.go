// Package record keeps what the real components said of the cases, small enough
// to lie beside the tests. Releases that say the same share one file.
package record

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Dir is where the record lies, below the root of the repository.
const Dir = "pkg/plan/testdata/oracle"

// Verdicts is what one release of one component said: a line for each case.
type Verdicts struct {
	Component string // "kubeadm"
	Module    string // "k8s.io/kubernetes"
	Version   string // "v1.37.2"
	Lines     []string
}

// Record is the verdicts about the cases with this digest.
type Record struct {
	Digest   string
	Verdicts []Verdicts
}

const index = "index.txt"

// Read is the record in dir. There is none yet when the error is fs.ErrNotExist.
func Read(dir fs.FS) (Record, error) {
	var r Record
	text, err := fs.ReadFile(dir, index)
	if err != nil {
		return r, err
	}
	for n, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		fields := strings.Fields(line)
		switch {
		case strings.HasPrefix(line, "#"):
		case len(fields) == 2 && fields[0] == "cases":
			r.Digest = fields[1]
		case len(fields) == 4:
			lines, err := readLines(dir, fields[3])
			if err != nil {
				return r, fmt.Errorf("read %s: %w", fields[3], err)
			}
			r.Verdicts = append(r.Verdicts, Verdicts{fields[0], fields[1], fields[2], lines})
		default:
			return r, fmt.Errorf("read %s: line %d is %q; want COMPONENT MODULE VERSION FILE", index, n+1, line)
		}
	}
	return r, nil
}

func readLines(dir fs.FS, name string) ([]string, error) {
	f, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(z)
	if err != nil {
		return nil, err
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n"), nil
}

// Write makes dir hold the record and no other file of one.
func (r Record) Write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	lines := []string{
		"# What the real components said of the cases. Written by: make oracle UPDATE=1",
		"cases " + r.Digest,
	}
	keep := []string{index}
	for _, v := range r.Verdicts {
		text := strings.Join(v.Lines, "\n") + "\n"
		name := fmt.Sprintf("%s-%x.gz", v.Component, sha256.Sum256([]byte(text)))[:len(v.Component)+9] + ".gz"
		if !slices.Contains(keep, name) {
			if err := writeLines(filepath.Join(dir, name), text); err != nil {
				return err
			}
			keep = append(keep, name)
		}
		lines = append(lines, strings.Join([]string{v.Component, v.Module, v.Version, name}, " "))
	}
	if err := os.WriteFile(filepath.Join(dir, index), []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		return err
	}
	return removeBut(dir, keep)
}

func writeLines(name, text string) error {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(z, text); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(name, b.Bytes(), 0o644)
}

func removeBut(dir string, keep []string) error {
	old, err := filepath.Glob(filepath.Join(dir, "*.gz"))
	if err != nil {
		return err
	}
	var failed []error
	for _, name := range old {
		if !slices.Contains(keep, filepath.Base(name)) {
			failed = append(failed, os.Remove(name))
		}
	}
	return errors.Join(failed...)
}

// Of is the verdicts of one release of a component.
func (r Record) Of(component, version string) (Verdicts, bool) {
	for _, v := range r.Verdicts {
		if v.Component == component && v.Version == version {
			return v, true
		}
	}
	return Verdicts{}, false
}

// Name is "kubeadm v1.37.2".
func (v Verdicts) Name() string { return v.Component + " " + v.Version }

// Differences says where now, the verdicts of a run, is not what was recorded: at
// most a few cases of each release.
func (r Record) Differences(now Record) []string {
	if r.Digest != now.Digest {
		return []string{fmt.Sprintf("the record is about cases %s, and these are %s", r.Digest, now.Digest)}
	}
	var found []string
	for _, v := range now.Verdicts {
		was, ok := r.Of(v.Component, v.Version)
		if !ok {
			found = append(found, v.Name()+" is not in the record")
			continue
		}
		found = append(found, differences(v.Name(), was.Lines, v.Lines)...)
	}
	return found
}

const maxShown = 5

func differences(name string, was, now []string) []string {
	if len(was) != len(now) {
		return []string{fmt.Sprintf("%s: %d lines recorded, and now %d", name, len(was), len(now))}
	}
	var found []string
	for i := range now {
		if was[i] != now[i] && len(found) < maxShown {
			found = append(found, fmt.Sprintf("%s: case %d: recorded %q, and now %q", name, i, was[i], now[i]))
		}
	}
	return found
}

package snapshot

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"
)

// FileOptions is how FromFiles reads.
type FileOptions struct {
	Stdin   io.Reader // what "-" reads
	Now     time.Time
	Overlay *Overlay // laid over them: see Snapshot.Applied; may be nil
}

// maxFile is the largest file that is read; a larger one is a problem, not a
// reason to stop.
const maxFile = 256 << 20

// FromFiles reads the files named by paths: a file, an archive of files, a folder
// with everything below it that ends in .yaml, .yml or .json, or "-" for standard
// input. What a file or a document is, is decided by what is in it. A document that cannot be understood
// is one of the snapshot's Problems and does not hide the others; an error means
// that no document was understood at all, and has all the reasons.
func FromFiles(paths []string, opts FileOptions) (*Snapshot, error) {
	b := newBuilder(Source{Name: strings.Join(paths, " "), At: opts.Now, Deep: true, Pods: -1, Reason: "from files"})
	b.layOver(opts.Overlay)
	files, problems := list(paths)
	b.each(func(b *builder) { b.snap.Problems = append(b.snap.Problems, problems...) })
	understood, templates := false, false
	for parsed := range readAll(files, opts.Stdin) {
		b.each(func(b *builder) { b.snap.Problems = append(b.snap.Problems, parsed.problems...) })
		for _, o := range parsed.objects {
			understood = understood || len(o.problems) == 0 && o.kind != templateKind
			templates = templates || o.kind == templateKind
			b.add(o)
		}
	}
	if !understood {
		return nil, nothingUnderstood(paths, b.snap.Problems, templates)
	}
	b.each(func(b *builder) { b.fromFiles() })
	return b.both(), nil
}

func nothingUnderstood(paths []string, problems []Problem, templates bool) error {
	switch {
	case len(problems) == 0 && templates:
		return fmt.Errorf("read %s: nothing but templates; render them first", strings.Join(paths, ", "))
	case len(problems) == 0:
		return fmt.Errorf("read %s: no document in it", strings.Join(paths, ", "))
	}
	errs := make([]error, len(problems))
	for i, p := range problems {
		errs[i] = errors.New(p.String())
	}
	return errors.Join(errs...)
}

// parsedFile is what a file holds: the objects that anything reads, decoded, and
// what went wrong.
type parsedFile struct {
	objects  []object
	problems []Problem
}

// readAll parses files side by side and yields what is in them in order, so that
// only a few are in memory at once. An archive yields once for each of its files.
func readAll(files []string, stdin io.Reader) iter.Seq[parsedFile] {
	return func(yield func(parsedFile) bool) {
		workers := min(runtime.GOMAXPROCS(0), len(files))
		results := make([]chan parsedFile, len(files))
		for i := range results {
			results[i] = make(chan parsedFile, 1)
		}
		tickets := make(chan struct{}, 4*workers+1)
		done := make(chan struct{})
		work := make(chan int)
		var wg sync.WaitGroup
		defer func() { close(done); wg.Wait() }()
		go func() {
			defer close(work)
			for i := range files {
				select {
				case tickets <- struct{}{}:
				case <-done:
					return
				}
				select {
				case work <- i:
				case <-done:
					return
				}
			}
		}()
		for range workers {
			wg.Go(func() {
				for i := range work {
					readFile(files[i], stdin, func(parsed parsedFile) bool {
						select {
						case results[i] <- parsed:
							return true
						case <-done:
							return false
						}
					})
					close(results[i])
				}
			})
		}
		for i := range files {
			for parsed := range results[i] {
				if !yield(parsed) {
					return
				}
			}
			<-tickets
		}
	}
}

// readFile parses a file, or each file of an archive, and yields it.
func readFile(path string, stdin io.Reader, yield func(parsedFile) bool) {
	name, r, size, err := open(path, stdin)
	if err != nil {
		yield(parsedFile{problems: []Problem{unreadable(path, err)}})
		return
	}
	defer r.Close()
	head := make([]byte, headSize)
	n, _ := r.ReadAt(head, 0) // an error comes again where the whole is read
	if formOf(head[:n]) != noArchive {
		unpack(name, r, size, yield)
		return
	}
	data, err := slurp(r)
	if err != nil {
		yield(parsedFile{problems: []Problem{unreadable(path, err)}})
		return
	}
	yield(parseFile(name, data))
}

// content is a file that may be read from its start, and at any place of it.
type content interface {
	io.Reader
	io.ReaderAt
	io.Closer
}

// open opens a file and tells its name and its size. Only regular files are
// opened: a pipe that nobody writes to would never end.
func open(path string, stdin io.Reader) (name string, r content, size int64, err error) {
	if path == standardInput {
		if stdin == nil {
			return "", nil, 0, errors.New("there is no standard input")
		}
		data, err := slurp(stdin)
		return "standard input", closed{bytes.NewReader(data)}, int64(len(data)), err
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return "", nil, 0, errors.New("not a regular file; a pipe is read as -f -")
	}
	f, err := os.Open(path)
	return path, f, info.Size(), err
}

// closed is a reader that needs no closing.
type closed struct{ *bytes.Reader }

func (closed) Close() error { return nil }

// slurp is all of r, unless that is too much.
func slurp(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = errLarge
	}
	return data, err
}

var errLarge = fmt.Errorf("larger than %d MiB", maxFile>>20)

// parseFile parses every document of data by itself.
func parseFile(name string, data []byte) parsedFile {
	var parsed parsedFile
	text, foreign := fromWindows(toUTF8(data))
	if foreign > 0 {
		parsed.problems = append(parsed.problems, Problem{Position: Position{File: name, Line: foreign},
			Message: "not UTF-8, which Kubernetes refuses; read as Windows-1252"})
	}
	for _, p := range split(withoutLogs(text)) {
		if objects, ok := p.decodeList(name); ok {
			parsed.objects = append(parsed.objects, objects...)
			continue
		}
		documents, problem := p.parse(name)
		if problem != nil {
			parsed.problems = append(parsed.problems, *problem)
		}
		for _, d := range documents {
			for _, item := range d.objects() {
				parsed.objects = append(parsed.objects, item.decode()...)
			}
		}
	}
	return parsed
}

// withPlanText is p with the text of the plans in it, which no other parser can
// open: data is a file of an archive.
func (p parsedFile) withPlanText(data []byte) parsedFile {
	for _, o := range p.objects {
		if plan, ok := o.value.(*planFile); ok {
			plan.text = data
		}
	}
	return p
}

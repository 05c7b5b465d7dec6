package snapshot

import (
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

// FromFiles reads the files named by paths: a file, a folder with everything
// below it that ends in .yaml, .yml or .json, or "-" for standard input. What a
// document is, is decided by what is in it. A document that cannot be understood
// is one of the snapshot's Problems and does not hide the others; an error means
// that no document was understood at all, and has all the reasons.
func FromFiles(paths []string, opts FileOptions) (*Snapshot, error) {
	b := newBuilder(Source{Name: strings.Join(paths, " "), At: opts.Now, Deep: true, Pods: -1, Reason: "from files"})
	b.layOver(opts.Overlay)
	files, problems := list(paths)
	b.each(func(b *builder) { b.snap.Problems = append(b.snap.Problems, problems...) })
	understood := false
	for parsed := range readAll(files, opts.Stdin) {
		b.each(func(b *builder) { b.snap.Problems = append(b.snap.Problems, parsed.problems...) })
		for _, o := range parsed.objects {
			understood = understood || len(o.problems) == 0
			b.add(o)
		}
	}
	if !understood {
		return nil, nothingUnderstood(paths, b.snap.Problems)
	}
	b.each(func(b *builder) { b.fromFiles() })
	return b.both(), nil
}

func nothingUnderstood(paths []string, problems []Problem) error {
	if len(problems) == 0 {
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

// readAll parses files side by side and yields them in order, so that only a few
// are in memory at once.
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
					results[i] <- readFile(files[i], stdin)
				}
			})
		}
		for i := range files {
			parsed := <-results[i]
			<-tickets
			if !yield(parsed) {
				return
			}
		}
	}
}

func readFile(path string, stdin io.Reader) parsedFile {
	data, err := slurp(path, stdin)
	if err != nil {
		return parsedFile{problems: []Problem{unreadable(path, err)}}
	}
	name := path
	if path == standardInput {
		name = "standard input"
	}
	return parseFile(name, data)
}

// slurp is the content of a file. Only regular files are opened: a pipe that
// nobody writes to would never end.
func slurp(path string, stdin io.Reader) ([]byte, error) {
	from := stdin
	if path != standardInput {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !info.Mode().IsRegular() {
			return nil, errors.New("not a regular file; a pipe is read as -f -")
		}
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		from = f
	}
	if from == nil {
		return nil, errors.New("there is no standard input")
	}
	data, err := io.ReadAll(io.LimitReader(from, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("larger than %d MiB", maxFile>>20)
	}
	return data, err
}

// parseFile parses every document of data by itself.
func parseFile(name string, data []byte) parsedFile {
	var parsed parsedFile
	for _, p := range split(withoutLogs(toUTF8(data))) {
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

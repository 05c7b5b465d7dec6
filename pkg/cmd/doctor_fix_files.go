package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/mend"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
)

// writeSteps writes the steps into the files and audits them again, or shows as a diff
// what it would write.
func (o *doctorOptions) writeSteps(ctx context.Context, steps []mend.Step, outcome error) error {
	w := mend.Write(steps, o.fix.snap, readWhole)
	var diffs bytes.Buffer
	for _, f := range w.Files {
		diffs.Write(diff.Diff(f.Name, f.Was, f.Name, f.Is))
	}
	out := o.ErrOut // the report of what is left has standard output
	if fixMode(o.fix.mode) == fixDiff {
		out = o.Out
	}
	if diffs.Len() > 0 {
		fmt.Fprintln(out, report.EscapeText(diffs.String()))
	}
	o.left(steps, w)
	if fixMode(o.fix.mode) == fixDiff {
		return outcome
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := writeAll(w.Files); err != nil {
		return err
	}
	for _, f := range w.Files {
		o.say("written: %s", f.Name)
	}
	if len(w.Files) == 0 {
		o.say("written: nothing")
	}
	return o.again(ctx, nil)
}

// left says what was not written, and what is to be done when the files are applied.
func (o *doctorOptions) left(steps []mend.Step, w mend.Written) {
	for i, why := range w.Left {
		if why != "" {
			first := steps[i].Mends[0]
			o.say("not written: %s %s: %s", first.Check, first.Finding.Object, why)
		}
	}
	for _, command := range w.Then {
		o.say("when the files are applied: %s", command)
	}
}

// readWhole reads a file that can be written.
func readWhole(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is no file of its own: unpack what it is a part of", name)
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file that can be overwritten", name)
	}
	return os.ReadFile(name)
}

// staged is a file beside the one whose place it takes.
type staged struct{ temp, path string }

// writeAll writes all the files or none: each stands beside its place, with the mode of
// the one that is there, before the first takes it. One that somebody has changed since
// it was read is not overwritten. A link stays one.
func writeAll(files []mend.File) (err error) {
	var all []staged
	defer func() {
		for _, s := range all {
			if gone := os.Remove(s.temp); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
				err = errors.Join(err, gone)
			}
		}
	}()
	for _, f := range files {
		s, err := stageBeside(f)
		if err != nil {
			return fmt.Errorf("write %s: %w", f.Name, err)
		}
		all = append(all, s)
	}
	for i, s := range all {
		if err := os.Rename(s.temp, s.path); err != nil {
			return errors.Join(fmt.Errorf("write %s: %w", files[i].Name, err), putBack(files[:i], all[:i]))
		}
	}
	return nil
}

func stageBeside(f mend.File) (staged, error) {
	path, err := filepath.EvalSymlinks(f.Name)
	if err != nil {
		return staged{}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return staged{}, err
	}
	is, err := os.ReadFile(path)
	switch {
	case err != nil:
		return staged{}, err
	case !bytes.Equal(is, f.Was):
		return staged{}, errors.New("has been changed in the meantime")
	}
	s := staged{temp: filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%d", filepath.Base(path), os.Getpid())), path: path}
	if err := stage(s.temp, f.Is); err != nil {
		return staged{}, err
	}
	if err := os.Chmod(s.temp, info.Mode().Perm()); err != nil {
		return staged{}, errors.Join(err, os.Remove(s.temp))
	}
	return s, nil
}

// putBack gives files that were written their old text.
func putBack(files []mend.File, all []staged) error {
	var errs []error
	for i, f := range files {
		errs = append(errs, writeWhole(all[i].path, f.Was, true))
	}
	return errors.Join(errs...)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/build"
	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/image"
)

// build builds what a profile runs: programs, and images of them. What is missing on the
// machine is said before minutes are spent.
func (o options) build(ctx context.Context, log io.Writer) error {
	programs, err := build.Programs(o.profile)
	if err != nil {
		return err
	}
	if err := o.missing(); err != nil {
		return err
	}
	if err := build.All(ctx, programs, o.root, o.bin, log); err != nil {
		return err
	}
	if o.profile != build.ControlPlane {
		if err := build.Routers.Fetch(ctx, filepath.Join(o.bin, "routers")); err != nil {
			return err
		}
	}
	return image.Build(ctx, o.profile, o.root, o.bin, log)
}

// packages tells which of Debian's packages a profile needs and the machine has not, or
// installs them.
func (o options) packages(ctx context.Context, log io.Writer) error {
	if gone := build.Missing(o.profile); o.install && len(gone) > 0 {
		if err := build.Install(ctx, gone, log); err != nil {
			return err
		}
	}
	if err := o.missing(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(log, "no package of %s is missing\n", o.profile)
	return err
}

// missing is an error that names each package that is missing, and what for.
func (o options) missing() error {
	gone := build.Missing(o.profile)
	if len(gone) == 0 {
		return nil
	}
	var text strings.Builder
	for _, p := range gone {
		fmt.Fprintf(&text, "\n  %s, for %s", p.Name, p.For)
	}
	return errors.New("Debian packages are missing; «lab packages --install --profile " + string(o.profile) + "» installs them:" + text.String())
}

// Package fault plants faults in a running lab and heals them. A fault is a script, of
// which test/e2e/faults/README.md has the format.
package fault

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/hack/lab/build"
)

// Script is a fault.
type Script struct {
	Name     string
	Says     string // what somebody did
	Profiles []build.Profile
	// ProbeOnly is that the API does not show it: no check of doctor's finds it, and
	// trace and test are to.
	ProbeOnly bool
	// Trace is the family and the step at which «trace --probe» finds it, and the arguments
	// of trace where they are not the usual ones; empty where it is not tried.
	Trace []string
	Plant []Step // and show
	Heal  []Step
	Files map[string]string
	text  string
}

// Step is a command of a script.
type Step struct {
	Text    string // without what says where it runs
	profile build.Profile
	except  bool // in all profiles but that one
	command string
	not     bool // it is to fail
	args    []string
}

// In reports whether the step is for labs of the profile.
func (s Step) In(p build.Profile) bool { return s.profile == "" || (s.profile == p) != s.except }

// allProfiles is what a script can be for.
var allProfiles = []build.Profile{build.ControlPlane, build.Plain, build.Cilium}

const extension = ".txtar"

// Read reads the scripts of a folder, sorted by name.
func Read(dir string) ([]Script, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*"+extension))
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s has no faults", dir)
	}
	var all []Script
	for _, path := range paths {
		s, err := read(path)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func read(path string) (Script, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Script{}, err
	}
	return Parse(strings.TrimSuffix(filepath.Base(path), extension), string(text))
}

// Parse reads a script and refuses one that could not run, or that shows nothing.
func Parse(name, text string) (Script, error) {
	s := Script{Name: name, text: text}
	above, files, err := archive(text)
	if err != nil {
		return s, fmt.Errorf("%s: %w", name, err)
	}
	s.Files = files
	planting := true
	for i, line := range strings.Split(above, "\n") {
		switch line = strings.TrimSpace(line); {
		case line == "" && len(s.Plant) > 0:
			planting = false
		case line == "":
		case strings.HasPrefix(line, "#"):
			err = s.header(strings.TrimSpace(line[1:]))
		default:
			err = s.step(line, planting)
		}
		if err != nil {
			return s, fmt.Errorf("%s, line %d: %w", name, i+1, err)
		}
	}
	if err := s.whole(); err != nil {
		return s, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// header takes a line of the comment: the sentence first, then what is said of the
// script.
func (s *Script) header(line string) error {
	if s.Says == "" {
		s.Says = line
		return nil
	}
	key, value, ok := strings.Cut(line, ": ")
	switch {
	case ok && key == "trace":
		if s.Trace = strings.Fields(value); len(s.Trace) < 2 || s.Trace[0] != "IPv4" && s.Trace[0] != "IPv6" {
			return fmt.Errorf("trace %q: want a family and a step, and perhaps arguments", value)
		}
	case ok && key == "profile":
		for name := range strings.FieldsSeq(value) {
			if !slices.Contains(allProfiles, build.Profile(name)) {
				return fmt.Errorf("profile %q: want some of %v", name, allProfiles)
			}
			s.Profiles = append(s.Profiles, build.Profile(name))
		}
	case ok && key == "finds":
		if value != "probe-only" {
			return fmt.Errorf("finds %q: want probe-only", value)
		}
		s.ProbeOnly = true
	default:
		return fmt.Errorf("%q is neither a profile nor what finds it", line)
	}
	return nil
}

var condition = regexp.MustCompile(`^\[(!?)([a-z-]+)\]\s+`)

// step takes a command.
func (s *Script) step(line string, planting bool) error {
	if len(s.Profiles) == 0 {
		return errors.New("the comment does not say what labs it is for, such as # profile: control-plane plain cilium")
	}
	step := Step{Text: line}
	if found := condition.FindStringSubmatch(line); found != nil {
		step.except, step.profile = found[1] != "", build.Profile(found[2])
		step.Text = line[len(found[0]):]
		if !slices.Contains(s.Profiles, step.profile) {
			return fmt.Errorf("[%s] is no profile of this script", step.profile)
		}
	}
	if err := step.split(map[string]string{pidVariable: ""}); err != nil {
		return err
	}
	if err := s.check(step); err != nil {
		return err
	}
	if planting {
		s.Plant = append(s.Plant, step)
	} else {
		s.Heal = append(s.Heal, step)
	}
	return nil
}

// pidVariable is the id of the process that was restarted last.
const pidVariable = "PID"

// split makes words of the text.
func (s *Step) split(variables map[string]string) error {
	all, err := words(s.Text, variables)
	if err != nil {
		return err
	}
	if s.not = all[0] == "!"; s.not {
		all = all[1:]
	}
	if len(all) == 0 {
		return errors.New("no command")
	}
	s.command, s.args = all[0], all[1:]
	return nil
}

var checkID = regexp.MustCompile(`^DS[0-9]{3}$`)

// check refuses a command that is not one.
func (s *Script) check(step Step) error {
	c, ok := commands[step.command]
	switch {
	case !ok:
		return fmt.Errorf("%q is no command: want one of %s", step.command, strings.Join(slices.Sorted(maps.Keys(commands)), " "))
	case step.not && !c.mayFail:
		return fmt.Errorf("%s cannot be told to fail", step.command)
	case len(step.args) < c.least:
		return fmt.Errorf("%s: want %d words after it at least", step.command, c.least)
	case c.check != nil:
		return c.check(s, step.args)
	}
	return nil
}

func checkFound(_ *Script, ids []string) error {
	for _, id := range ids {
		if !checkID.MatchString(id) {
			return fmt.Errorf("found %q: want the ID of a check", id)
		}
	}
	return nil
}

func checkPut(s *Script, files []string) error {
	for _, name := range files {
		content, ok := s.Files[name]
		if !ok {
			return fmt.Errorf("put %s: the script has no such file", name)
		}
		if strings.Contains(content, "\n---\n") {
			return fmt.Errorf("put %s: want one object in it", name)
		}
	}
	return nil
}

func checkProbe(_ *Script, args []string) error {
	if _, err := regexp.Compile(args[0]); err != nil {
		return err
	}
	if program := args[1]; program != "kubectl" && program != "exec" && program != "cat" {
		return fmt.Errorf("probe with %s: want kubectl, cat, or exec and a host", program)
	}
	return nil
}

func checkRestore(_ *Script, names []string) error {
	for _, name := range names {
		if _, err := parseReference(name); err != nil {
			return err
		}
	}
	return nil
}

// whole refuses a script that does not show what it plants, that nothing finds, or that
// cannot be healed.
func (s *Script) whole() error {
	if len(s.Heal) == 0 {
		return errors.New("nothing heals it: an empty line comes before the steps that do")
	}
	for _, p := range s.Profiles {
		switch found := len(s.Found(p)) > 0; {
		case len(s.Probes(p)) == 0:
			return fmt.Errorf("in %s no probe shows it", p)
		case found && s.ProbeOnly:
			return fmt.Errorf("in %s a check finds what only a probe is to show", p)
		case !found && !s.ProbeOnly:
			return fmt.Errorf("in %s no check finds it, and it is not for probes only", p)
		}
	}
	return nil
}

// Found is the checks that find the fault in a lab of the profile.
func (s *Script) Found(p build.Profile) []string {
	var ids []string
	for _, step := range s.Plant {
		if step.In(p) && step.command == "found" {
			ids = append(ids, step.args...)
		}
	}
	return ids
}

// Probes is what shows the fault in a lab of the profile: regular expressions, with a !
// in front of one that nothing may match.
func (s *Script) Probes(p build.Profile) []string {
	var all []string
	for _, step := range s.Plant {
		switch {
		case !step.In(p) || step.command != "probe":
		case step.not:
			all = append(all, "! "+step.args[0])
		default:
			all = append(all, step.args[0])
		}
	}
	return all
}

package cmd

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
)

// defaultWidth is the width of a line where nothing says how wide it may be.
const defaultWidth = 100

// styleFlags is the flags of how text is printed.
type styleFlags struct {
	color string
	ascii bool
}

func (f *styleFlags) add(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.StringVar(&f.color, "color", "auto", "Colour marks: auto, always or never; auto heeds the terminal, NO_COLOR, CLICOLOR_FORCE and TERM=dumb.")
	flags.BoolVar(&f.ascii, "ascii", false, "Print words instead of symbols; so it is, too, where the locale is not UTF-8.")
	complete(root, "color", "auto", "always", "never")
}

// style is how text is to be printed on out.
func (f *styleFlags) style(out io.Writer) (report.Style, error) {
	switch f.color {
	case "auto", "always", "never":
	default:
		return report.Style{}, fmt.Errorf("--color %q: want auto, always or never", f.color)
	}
	width, tty := terminal(out)
	return report.Style{
		Width: lineWidth(width, os.LookupEnv),
		Color: wantColor(f.color, tty, os.LookupEnv),
		ASCII: f.ascii || !wantUnicode(runtime.GOOS, os.LookupEnv),
	}, nil
}

// terminal is the width of the terminal that out is; tty is false when it is none.
func terminal(out io.Writer) (width int, tty bool) {
	file, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0, true
	}
	return width, true
}

// lookup is os.LookupEnv, or a map's.
type lookup = func(string) (string, bool)

// lineWidth is the width of the terminal, or else COLUMNS, or else a usual one.
func lineWidth(terminal int, env lookup) int {
	if terminal > 0 {
		return terminal
	}
	if text, ok := env("COLUMNS"); ok {
		if n, err := strconv.Atoi(text); err == nil && n > 0 {
			return n
		}
	}
	return defaultWidth
}

// wantColor decides about colour: the flag, then https://no-color.org, then
// CLICOLOR_FORCE, then whether there is a terminal that is not dumb.
func wantColor(mode string, tty bool, env lookup) bool {
	switch mode {
	case "always":
		return true
	case "never":
		return false
	}
	if v, _ := env("NO_COLOR"); v != "" {
		return false
	}
	if v, _ := env("CLICOLOR_FORCE"); v != "" && v != "0" {
		return true
	}
	v, _ := env("TERM")
	return tty && v != "dumb"
}

// wantUnicode decides whether symbols can be printed: by the first of the
// variables of the locale that is set, as POSIX has it. Windows has none of them,
// and its terminals print UTF-8.
func wantUnicode(goos string, env lookup) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v, _ := env(name); v != "" {
			v = strings.ToLower(v)
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return goos == "windows"
}

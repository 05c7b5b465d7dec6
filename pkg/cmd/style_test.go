package cmd

import (
	"maps"
	"testing"
)

func environment(values map[string]string) lookup {
	return func(name string) (string, bool) {
		v, ok := values[name]
		return v, ok
	}
}

func TestWantColor(t *testing.T) {
	for _, test := range []struct {
		name string
		mode string
		tty  bool
		env  map[string]string
		want bool
	}{
		{"a terminal", "auto", true, nil, true},
		{"a pipe", "auto", false, nil, false},
		{"a dumb terminal", "auto", true, map[string]string{"TERM": "dumb"}, false},
		{"NO_COLOR", "auto", true, map[string]string{"NO_COLOR": "1"}, false},
		{"NO_COLOR is empty", "auto", true, map[string]string{"NO_COLOR": ""}, true},
		{"CLICOLOR_FORCE in a pipe", "auto", false, map[string]string{"CLICOLOR_FORCE": "1"}, true},
		{"CLICOLOR_FORCE is 0", "auto", false, map[string]string{"CLICOLOR_FORCE": "0"}, false},
		{"NO_COLOR before CLICOLOR_FORCE", "auto", true, map[string]string{"NO_COLOR": "1", "CLICOLOR_FORCE": "1"}, false},
		{"always", "always", false, map[string]string{"NO_COLOR": "1", "TERM": "dumb"}, true},
		{"never", "never", true, map[string]string{"CLICOLOR_FORCE": "1"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := wantColor(test.mode, test.tty, environment(test.env)); got != test.want {
				t.Errorf("wantColor(%q, %t, %v) = %t", test.mode, test.tty, maps.All(test.env), got)
			}
		})
	}
}

func TestWantUnicode(t *testing.T) {
	for _, test := range []struct {
		name string
		goos string
		env  map[string]string
		want bool
	}{
		{"UTF-8", "linux", map[string]string{"LANG": "de_DE.UTF-8"}, true},
		{"another spelling", "linux", map[string]string{"LANG": "C.utf8"}, true},
		{"Latin-1", "linux", map[string]string{"LANG": "de_DE.ISO-8859-1"}, false},
		{"LC_ALL before LANG", "linux", map[string]string{"LC_ALL": "C", "LANG": "en_US.UTF-8"}, false},
		{"an empty LC_ALL is none", "linux", map[string]string{"LC_ALL": "", "LC_CTYPE": "en_US.UTF-8"}, true},
		{"no locale", "linux", nil, false},
		{"no locale on Windows", "windows", nil, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := wantUnicode(test.goos, environment(test.env)); got != test.want {
				t.Errorf("wantUnicode = %t, want %t", got, test.want)
			}
		})
	}
}

func TestLineWidth(t *testing.T) {
	for _, test := range []struct {
		terminal int
		columns  string
		want     int
	}{
		{80, "120", 80},
		{0, "120", 120},
		{0, "wide", defaultWidth},
		{0, "-1", defaultWidth},
		{0, "", defaultWidth},
	} {
		if got := lineWidth(test.terminal, environment(map[string]string{"COLUMNS": test.columns})); got != test.want {
			t.Errorf("terminal %d, COLUMNS %q: %d, want %d", test.terminal, test.columns, got, test.want)
		}
	}
}

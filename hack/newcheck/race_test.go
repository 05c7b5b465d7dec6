//go:build race

package main

// buildFlags is those of this test, so that what it stands on is compiled already.
var buildFlags = []string{"-race"}

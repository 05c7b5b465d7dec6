package cmd

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
)

// addOutput adds -o with the formats that a command has, its default first.
func addOutput(cmd *cobra.Command, value *string, formats ...report.Format) {
	var names []string
	for _, f := range formats {
		names = append(names, string(f))
	}
	cmd.Flags().StringVarP(value, "output", "o", names[0], "Output format: "+strings.Join(names, ", ")+".")
	complete(cmd, "output", names...)
}

func parseOutput(value string, formats ...report.Format) (report.Format, error) {
	f, err := report.ParseFormat(value, formats...)
	if err != nil {
		return "", fmt.Errorf("--output %w", err)
	}
	return f, nil
}

package cmd

import (
	"fmt"
	"io"
	"sync"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/report"
)

// progress shows on a terminal, in one line that vanishes, what is being done. It
// shows nothing anywhere else.
type progress struct {
	doing string // before what is said
	mu    sync.Mutex
	out   io.Writer // nil when it is no terminal
	shown bool
}

// clearLine goes back to the start of the line and empties it.
const clearLine = "\r\x1b[K"

func newProgress(out io.Writer) *progress {
	if _, tty := terminal(out); !tty {
		out = nil
	}
	return &progress{doing: "reading ", out: out}
}

func (p *progress) say(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.out != nil {
		fmt.Fprint(p.out, clearLine, p.doing, report.Escape(text))
		p.shown = true
	}
}

func (p *progress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		fmt.Fprint(p.out, clearLine)
	}
}

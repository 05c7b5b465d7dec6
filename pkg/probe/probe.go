// Package probe connects to addresses, to see whether they answer. It is the only
// package that touches the data path.
package probe

import (
	"context"
	"net"
	"net/netip"
	"time"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
)

// attempt is how long one connection may take to be made, and pause how long to wait
// before the next one.
const (
	attempt = 3 * time.Second
	pause   = 200 * time.Millisecond
)

// Result is what came of a probe.
type Result struct {
	To   netip.AddrPort // the zero AddrPort where nothing was tried
	Took time.Duration  // of the connection that was made
	Err  error          // why none was
}

// networks is the families as net has them: without one it would try either.
var networks = map[ipfam.Family]string{ipfam.V4: "tcp4", ipfam.V6: "tcp6"}

// TCP connects to an address over its own family, again until a connection is made or
// ctx is done: who announces an address may take a moment. The connection is closed at
// once.
func TCP(ctx context.Context, to netip.AddrPort) Result {
	r := Result{To: to}
	dialer := net.Dialer{Timeout: attempt}
	for {
		start := time.Now() //nolint:forbidigo // how long a connection takes is what is measured
		conn, err := dialer.DialContext(ctx, networks[ipfam.Of(to.Addr())], to.String())
		if err == nil {
			r.Took, r.Err = time.Since(start), nil
			_ = conn.Close() // it was made: that is all
			return r
		}
		if r.Err == nil || ctx.Err() == nil { // the last one before time was up says more
			r.Err = err
		}
		select {
		case <-ctx.Done():
			return r
		case <-time.After(pause):
		}
	}
}

// Both connects to an address of each family at the same time; an invalid one is passed
// over.
func Both(ctx context.Context, to ipfam.Pair[netip.AddrPort]) (results ipfam.Pair[Result]) {
	type answer struct {
		family ipfam.Family
		Result
	}
	answers := make(chan answer)
	tried := 0
	for _, f := range ipfam.All {
		if one := to.Of(f); one.IsValid() {
			tried++
			go func() { answers <- answer{f, TCP(ctx, one)} }()
		}
	}
	for range tried {
		a := <-answers
		*results.At(a.family) = a.Result
	}
	return results
}
